//! A daemon that ends, however it ends, leaves the kernel enforcing, and the next one takes over without a gap.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use xdpgate_tests::account::Account;
use xdpgate_tests::counters::Counters;
use xdpgate_tests::daemon::Daemon;
use xdpgate_tests::{kernel_or_skip, senders};

use crate::stage::{Stage, counted, guarded, hosts};

/// Each of six hosts sends so many datagrams a second.
const PER_SECOND: u32 = 1000;
const RESTARTS: u64 = 3;
/// Time in which the kernel is alone.
const DEAD: Duration = Duration::from_millis(300);
const POLICY: &str = "[[list]]\nname = \"scanners\"\npath = \"scanners.txt\"\n";

#[test]
fn nothing_passes_while_the_daemon_is_restarted() -> Result<()> {
    if !kernel_or_skip("nothing_passes_while_the_daemon_is_restarted") {
        return Ok(());
    }
    restarted(Daemon::terminate)
}

#[test]
fn nothing_passes_while_the_daemon_is_killed_and_restarted() -> Result<()> {
    if !kernel_or_skip("nothing_passes_while_the_daemon_is_killed_and_restarted") {
        return Ok(());
    }
    restarted(Daemon::kill)
}

/// Six hosts send all the time: two banned, two on a list, two unknown.
fn restarted(end: impl Fn(&mut Daemon) -> Result<()>) -> Result<()> {
    let [[banned4, banned6], [listed4, listed6], [clean4, clean6]] = [1, 2, 3].map(hosts);
    let mut stage = Stage::prepare()?;
    stage.write("scanners.txt", format!("{listed4}\n{listed6}\n"))?;
    stage.start_under(POLICY)?;
    stage.cli(&format!("ban add {banned4} {banned6} --ttl permanent"))?;
    let account = Account::open(&stage.wire, &stage.daemon, Vec::new())?;

    let stop = Arc::<AtomicBool>::default();
    let send = |source| {
        let stop = Arc::clone(&stop);
        senders::send_udp(&stage.wire.outside, source, guarded(source), PER_SECOND, stop)
    };
    let senders = [banned4, banned6, listed4, listed6, clean4, clean6].map(send);
    let mut last = Counters::default();
    for restart in 1..=RESTARTS {
        thread::sleep(DEAD);
        last = went_on(&stage, &last)?;
        end(&mut stage.daemon)?;
        thread::sleep(DEAD);
        stage.daemon.start_again()?;
        last = went_on(&stage, &last)?;
        let status = stage.json("status")?;
        assert_eq!(status["interfaces"][0]["adopted"], true, "{status}");
        assert_eq!(status["interfaces"][0]["enforcing"], true, "{status}");
        assert_eq!(status["generation"], 1 + restart, "{status}");
        assert!(stage.daemon.log().contains("adopted=true"), "{}", stage.daemon.log());
    }
    stop.store(true, Ordering::Relaxed);
    let sent = senders.map(|sender| senders::join(sender).map(|sending| sending.packets));
    let [banned4_sent, banned6_sent, listed4_sent, listed6_sent, clean4_sent, clean6_sent] = sent;

    let balance = account.at_rest(&stage.wire, &stage.daemon)?;
    let (banned, listed) = (banned4_sent? + banned6_sent?, listed4_sent? + listed6_sent?);
    let (clean4_sent, clean6_sent) = (clean4_sent?, clean6_sent?);
    assert_eq!(balance.lost, 0, "{balance:?}");
    assert_eq!(
        balance.counters,
        counted(
            &[("default-pass", clean4_sent + clean6_sent)],
            &[("banned", banned), ("blocklisted", listed)]
        )
    );
    assert_eq!([banned4, banned6, listed4, listed6].map(|source| stage.arrived(source)), [0; 4]);
    assert_eq!([clean4, clean6].map(|source| stage.arrived(source)), [clean4_sent, clean6_sent]);
    println!(
        "{RESTARTS} restarts: of {banned} packets of banned sources and {listed} of listed ones none passed; \
         of {} others none was lost",
        clean4_sent + clean6_sent
    );
    Ok(())
}

/// The counters now, which must not be behind `last` in anything.
fn went_on(stage: &Stage, last: &Counters) -> Result<Counters> {
    let now = stage.counters()?;
    assert!(now.seen > last.seen, "{last:?}, then {now:?}");
    for (reason, count) in last.passed.iter().chain(&last.dropped) {
        let later = now.passed.get(reason).or_else(|| now.dropped.get(reason));
        assert!(later >= Some(count), "{reason} was {count} and is {later:?}");
    }
    Ok(now)
}
