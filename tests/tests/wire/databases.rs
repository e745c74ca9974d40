//! Databases whose files change while packets pass.

use std::fs;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use xdpgate_tests::veth::{GUARDED_IPV4, GUARDED_IPV6};
use xdpgate_tests::{kernel_or_skip, senders};

use crate::stage::{BURST, COUNTED_WITHIN, PORT, Stage, guarded, hosts, wait};
use crate::tally::Tally;

/// Ranges that no packet comes from, so that a database has a size to lose.
const FILLER: u8 = 20;
const SWAPS: u64 = 6;
const PAUSE: Duration = Duration::from_millis(1);
/// The daemon looks each second.
const LOOKED: Duration = Duration::from_secs(20);

fn policy(check_every: &str) -> String {
    format!(
        "[geo]\ndatabase = \"countries.csv\"\nasn_database = \"asn.csv\"\ncheck_every = \"{check_every}\"\n\
         [[list]]\nname = \"cloud\"\nasn = [64500]\n\
         [[service]]\nname = \"web\"\nprotocol = \"udp\"\nports = [{PORT}]\n[service.country]\ndeny = [\"KP\"]\n"
    )
}

/// A database in which both addresses of this host say this, and nobody else of the test.
fn rows(host: u8, said: &str, filler: &str) -> String {
    let own = hosts(host).map(|address| format!("{address},{address},{said}\n"));
    let others = (0..FILLER).map(|n| format!("203.0.{n}.0,203.0.{n}.255,{filler}{n}\n"));
    own.into_iter().chain(others).collect()
}

/// Nobody's: filler rows need neighbours that differ, so that they do not join.
fn countries(host: u8) -> String {
    let text = rows(host, "KP", "@");
    // Two letters: AA to AT.
    (0..FILLER)
        .fold(text, |text, n| text.replace(&format!("@{n}\n"), &format!("A{}\n", char::from(b'A' + n))))
}

fn systems(host: u8) -> String {
    rows(host, "64500", "1")
}

/// Puts a file in the place of another at once, as downloads should.
fn put(stage: &Stage, name: &str, text: &str) -> Result<()> {
    let new = stage.write(&format!("{name}.new"), text)?;
    fs::rename(new, stage.daemon.directory().join(name))?;
    Ok(())
}

fn stage(check_every: &str) -> Result<Stage> {
    let mut stage = Stage::prepare()?;
    stage.write("countries.csv", countries(1))?;
    stage.write("asn.csv", systems(4))?;
    stage.start_under(&policy(check_every))?;
    Ok(stage)
}

/// Host 3 sends over both families until it is told to stop; how many datagrams that were.
fn send_until(stage: &Stage, stop: &Arc<AtomicBool>) -> Result<thread::JoinHandle<Result<u64>>> {
    let [ipv4, ipv6] = hosts(3);
    let pairs: [(IpAddr, IpAddr); 2] = [(ipv4, GUARDED_IPV4.into()), (ipv6, GUARDED_IPV6.into())];
    let sockets = pairs.map(|(from, to)| {
        let socket = senders::bind_udp(&stage.wire.outside, (from, 0).into())?;
        socket.connect((to, PORT))?;
        Ok(socket)
    });
    let sockets = sockets.into_iter().collect::<Result<Vec<_>>>()?;
    let stop = Arc::clone(stop);
    Ok(thread::spawn(move || {
        let mut sent = 0;
        while !stop.load(Ordering::Relaxed) {
            for socket in &sockets {
                socket.send(b"x")?;
                sent += 1;
            }
            thread::sleep(PAUSE);
        }
        Ok(sent)
    }))
}

#[test]
fn databases_are_swapped_under_traffic_and_no_packet_loses_its_verdict() -> Result<()> {
    if !kernel_or_skip("databases_are_swapped_under_traffic_and_no_packet_loses_its_verdict") {
        return Ok(());
    }
    let stage = stage("1 day")?;
    let stop = Arc::new(AtomicBool::new(false));
    let mut others = 0;
    let mut sent = 0;
    let change = Tally::change(&stage, 0, || {
        let sender = send_until(&stage, &stop)?;
        for swap in 0..SWAPS {
            let (denied, listed) = if swap % 2 == 0 { (2, 1) } else { (1, 4) };
            put(&stage, "countries.csv", &countries(denied))?;
            put(&stage, "asn.csv", &systems(listed))?;
            let updated = stage.json("geo update")?;
            assert_eq!(updated["databases"][0]["swapped"], true, "{updated}");
            assert_eq!(updated["databases"][1]["swapped"], true, "{updated}");
            for host in [denied, listed] {
                for source in hosts(host) {
                    senders::send_datagrams(&stage.wire.outside, source, guarded(source), BURST)?;
                }
                others += 2 * BURST;
            }
        }
        stop.store(true, Ordering::Relaxed);
        sent = senders::join(sender)?;
        let total = sent + others;
        wait("all is counted", COUNTED_WITHIN, || Ok(stage.counters()?.decided() >= total))?;
        Ok(())
    })?;
    let half = SWAPS * 2 * BURST;
    let expected =
        Tally::of(&[("default-pass", sent)], &[("country-denied", half), ("blocklisted", half)], &[]);
    assert_eq!(change, expected.with_country("KP", (half, 0)).with_list("cloud", (half, 0)));
    assert!(sent > 0, "there was traffic");
    let audit = stage.cli("audit")?;
    assert!(audit.contains("geo update") && audit.contains("countries.csv, 22 ranges"), "{audit}");
    let again = stage.json("geo update")?;
    assert_eq!(again["databases"][0]["swapped"], false, "{again}");
    Ok(())
}

#[test]
fn a_changed_file_is_found_and_a_bad_one_leaves_the_last_good_one_in_use() -> Result<()> {
    if !kernel_or_skip("a_changed_file_is_found_and_a_bad_one_leaves_the_last_good_one_in_use") {
        return Ok(());
    }
    let stage = stage("1 s")?;
    let [first, _] = hosts(1);
    let [second, _] = hosts(2);
    stage.assert_dropped(first, "country-denied")?;
    let is_denied = |source: IpAddr| Ok(stage.json(&format!("geo lookup {source}"))?["country"] == "KP");
    put(&stage, "countries.csv", &countries(2))?;
    wait("the new database is in use", LOOKED, || is_denied(second))?;
    stage.assert_dropped(second, "country-denied")?;
    stage.assert_passed(first, "default-pass")?;

    let said = |part: &str| Ok(stage.json("status")?["problems"].to_string().contains(part));
    let refusals =
        [("nonsense\n", "a line is start,end,country"), ("10.0.0.0,10.0.0.9,KP\n", "less than half")];
    for (text, part) in refusals {
        put(&stage, "countries.csv", text)?;
        wait(part, LOOKED, || said(part))?;
        stage.assert_dropped(second, "country-denied")?;
        let refused = stage.refused("geo update")?;
        assert!(refused.message.contains(part), "{refused:?}");
        let reload = stage.refused("reload")?;
        assert!(reload.message.contains(part), "{reload:?}");
    }
    let forced = stage.json("geo update --force")?;
    assert_eq!(
        (&forced["databases"][0]["before"], &forced["databases"][0]["ranges"]),
        (&22.into(), &1.into())
    );
    stage.assert_passed(second, "default-pass")?;
    put(&stage, "countries.csv", &countries(1))?;
    wait("the good database is in use", LOOKED, || is_denied(first))?;
    stage.cli("reload")?;
    assert!(!said("less than half")? && !said("a line is")?, "{}", stage.json("status")?["problems"]);
    let shown = stage.json("status")?;
    assert_eq!(shown["geo_database"]["ranges"], 22, "{shown}");
    let log = stage.daemon.whole_log()?;
    assert!(log.contains("databases swapped"), "{}", log.lines().last().context("an empty log")?);
    Ok(())
}
