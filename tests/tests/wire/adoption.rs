//! A daemon that ends, however it ends, leaves the kernel enforcing, and the next one takes over without a gap.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use xdpgate_tests::account::Account;
use xdpgate_tests::counters::Counters;
use xdpgate_tests::daemon::Daemon;
use xdpgate_tests::flood::{Bounds, Generator, Sources};
use xdpgate_tests::veth::GUARDED_IPV4;
use xdpgate_tests::{frame, kernel_or_skip, prerequisites, senders};

use crate::stage::{PORT, Stage, counted, guarded, hosts};

/// Each of six hosts sends so many datagrams a second.
const PER_SECOND: u32 = 1000;
const FLOOD: Bounds = Bounds { frames: u64::MAX, time: Duration::from_mins(1), per_second: u64::MAX };
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

/// As many packets as the wire takes, all from a banned prefix.
#[test]
fn nothing_of_a_flood_passes_while_the_daemon_is_killed_and_restarted() -> Result<()> {
    if !kernel_or_skip("nothing_of_a_flood_passes_while_the_daemon_is_killed_and_restarted") {
        return Ok(());
    }
    let mut stage = Stage::set()?;
    stage.cli("ban add 198.18.0.0/15 --ttl permanent")?;
    let sources = Sources::evenly(["198.18.0.0/15".parse()?])?;
    let frame = frame::udp((GUARDED_IPV4, PORT).into(), &[0; 18])?;
    let generator = Generator::load(&prerequisites::flood_object()?, &stage.wire, &sources, frame)?;
    let account = Account::open(&stage.wire, &stage.daemon, vec![generator.sent()])?;
    let stop = Arc::<AtomicBool>::default();
    let flood = generator.start(&stage.wire, FLOOD, Arc::clone(&stop));
    for _ in 1..=RESTARTS {
        thread::sleep(DEAD);
        stage.daemon.kill()?;
        thread::sleep(DEAD);
        stage.daemon.start_again()?;
    }
    stop.store(true, Ordering::Relaxed);
    senders::join(flood)?;
    let balance = account.at_rest(&stage.wire, &stage.daemon)?;
    let seen = balance.counters.seen;
    assert_eq!(balance.counters, counted(&[], &[("banned", seen)]), "{balance:?}");
    assert_eq!(seen + balance.lost, balance.sent, "{balance:?}");
    println!(
        "{RESTARTS} kills under {seen} packets of a banned prefix: none passed; the wire refused {}",
        balance.lost
    );
    Ok(())
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
    let senders = [banned4, banned6, listed4, listed6, clean4, clean6].map(|source| {
        senders::send_udp(&stage.wire.outside, source, guarded(source), PER_SECOND, Arc::clone(&stop))
    });
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
    let mut sent = [0; 6];
    for (sent, sender) in sent.iter_mut().zip(senders) {
        *sent = senders::join(sender)?.packets;
    }
    let balance = account.at_rest(&stage.wire, &stage.daemon)?;
    let (banned, listed, clean) = (sent[0] + sent[1], sent[2] + sent[3], sent[4] + sent[5]);
    assert_eq!(balance.lost, 0, "{balance:?}");
    assert_eq!(
        balance.counters,
        counted(&[("default-pass", clean)], &[("banned", banned), ("blocklisted", listed)])
    );
    assert_eq!([banned4, banned6, listed4, listed6].map(|source| stage.arrived(source)), [0; 4]);
    assert_eq!([clean4, clean6].map(|source| stage.arrived(source)), sent[4..]);
    println!(
        "{RESTARTS} restarts: of {banned} packets of banned sources and {listed} of listed ones none passed; \
         of {clean} others none was lost"
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
