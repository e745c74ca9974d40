//! `replay` over a capture says packet for packet what the kernel did with the same frames on the wire.

use std::collections::BTreeMap;
use std::{env, fs};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use xdpgate::kernel::monotonic_ns;
use xdpgate_tests::counters::Counters;
use xdpgate_tests::kernel_or_skip;
use xdpgate_tests::raw::{Entrance, Exit};
use xdpgate_tests::recording::{MARKER, Recording};
use xdpgate_tests::stats::WireCounters;
use xdpgate_tests::veth::Wire;

use crate::stage::Stage;
use crate::tally::{self, Tally};

/// Another seed for the frames.
const SEED_VARIABLE: &str = "XDPGATE_TEST_SEED";
const SEED: u64 = 20_260_731;
const FRAMES: u32 = 2_000_000;
/// Frames that may wait at the exit.
const CHUNK: u32 = 20_000;
const SECOND_NS: u64 = 1_000_000_000;

/// Rules of every kind. What is counted comes back in hours, so that the moment of a packet decides nothing.
const POLICY: &str = r#"
[tables]
sources = 1048576
[allow]
prefixes = ["MARKER/32"]
[[list]]
name = "blocked"
path = "blocked.txt"
[[list]]
name = "watched"
path = "watched.txt"
mode = "monitor"
[geo]
database = "countries.csv"
[country]
deny = ["KP"]
[fragments]
rule = "limit"
rate = "1 packets/h"
burst = 15
[limits.source]
packets = "1/h"
packets_burst = 24

[[plan]]
name = "gold"
prefixes = ["203.0.96.0/20", "2001:db8:b::/48"]
[[plan]]
name = "partner"
prefixes = ["203.1.0.0/16", "2001:db8:c::/48"]

[[limit]]
name = "client"
rate = "1 packets/h"
burst = 12
[[limit]]
name = "network"
algorithm = "fixed-window"
count = "2000 packets"
window = "WINDOW"
key = "prefix"
[[limit]]
name = "opens"
algorithm = "sliding-window"
count = "9 connections"
window = "WINDOW"
[[limit]]
name = "total"
algorithm = "fixed-window"
count = "150000 packets"
window = "WINDOW"
key = "service"
[[limit]]
name = "gold-client"
algorithm = "sliding-window"
count = "30 packets"
window = "WINDOW"
[[limit]]
name = "asks"
algorithm = "leaky-bucket"
rate = "1 packets/h"
depth = 7
[[limit]]
name = "watched-asks"
rate = "1 packets/h"
burst = 3
mode = "monitor"
[[limit]]
name = "volume"
algorithm = "fixed-window"
count = "64 KiB"
window = "WINDOW"
[[limit]]
name = "nation"
algorithm = "fixed-window"
count = "50000 packets"
window = "WINDOW"
key = "country"
[[limit]]
name = "pings"
algorithm = "leaky-bucket"
rate = "1 packets/h"

[[service]]
name = "web"
ports = [443, "8440-8449"]
limits = ["client", "network", "opens", "total"]
[service.plans]
gold = ["gold-client", "opens", "total"]
partner = []
[[service]]
name = "dns"
protocol = "udp"
ports = [53]
limits = ["watched-asks", "asks"]
[[service]]
name = "quic"
protocol = "udp"
ports = [443]
limits = ["volume", "nation"]
[[service]]
name = "ping"
protocol = "icmp"
limits = ["pings"]
"#;
const BLOCKED: &str = "192.0.4.0/24\n2001:db8:d::/48\n";
const WATCHED: &str = "192.0.3.0/25\n2001:db8:e::/56\n198.51.0.0/21\n";
const COUNTRIES: &str = "175.45.176.0,175.45.179.255,KP\n198.51.0.0,198.51.15.255,FR\n203.0.96.0,203.0.111.255,JP\n\
    2001:db8:1::,2001:db8:1:fff:ffff:ffff:ffff:ffff,FR\n2001:db8:a::,2001:db8:a:ffff:ffff:ffff:ffff:ffff,KP\n\
    2001:db8:b::,2001:db8:b:ffff:ffff:ffff:ffff:ffff,JP\n";

#[test]
fn a_capture_gets_the_verdicts_of_the_wire() -> Result<()> {
    if !kernel_or_skip("a_capture_gets_the_verdicts_of_the_wire") {
        return Ok(());
    }
    let seed = env::var(SEED_VARIABLE).ok().and_then(|seed| seed.parse().ok()).unwrap_or(SEED);
    println!("seed {seed}; set {SEED_VARIABLE} to try another one");
    let recording = Recording::of(FRAMES, CHUNK, seed);
    let mut stage = Stage::on(Wire::of_one_queue()?)?;
    // Before there is a policy that could count what it sends.
    let entrance = Entrance::open(&stage.wire)?;
    for (name, text) in [("blocked.txt", BLOCKED), ("watched.txt", WATCHED), ("countries.csv", COUNTRIES)] {
        stage.write(name, text)?;
    }
    let policy = POLICY.replace("MARKER", &MARKER.to_string()).replace("WINDOW", window());
    stage.start_under(&policy)?;

    let exit = Exit::watch(&stage.wire)?;
    let wire = WireCounters::read(&stage.wire)?;
    let mut passed = vec![false; FRAMES as usize];
    let start = monotonic_ns();
    let change = Tally::change(&stage, u64::from(FRAMES), || {
        stage.wire.outside.within(|| send(&recording, &entrance, &exit, &mut passed))
    })?;
    let milliseconds = (monotonic_ns() - start) / (SECOND_NS / 1_000);
    println!("{FRAMES} frames were sent in {milliseconds} ms");
    let refused = WireCounters::read(&stage.wire)?.since(wire).refused;
    let counters = &change.counters;
    let out = passed.iter().filter(|passed| **passed).count() as u64;
    ensure!(refused == 0 && counters.seen == u64::from(FRAMES), "{refused} refused, {counters:?}");
    ensure!(counters.passed.values().sum::<u64>() == out, "{out} frames came out of {counters:?}");

    let replayed = replay(&stage, &recording)?;
    for (verdict, reasons) in [("passed", &counters.passed), ("dropped", &counters.dropped)] {
        assert_eq!(&packets(&replayed[verdict])?, reasons, "{verdict}");
    }
    assert_eq!(packets(&replayed["monitored"])?, change.monitored);
    let stats = stage.json("stats --once")?;
    for (of_replay, of_kernel) in lists(&replayed)?.iter().zip(lists(&stats)?) {
        for key in ["name", "dropped", "monitored"] {
            assert_eq!(of_replay[key], of_kernel[key], "{of_kernel}");
        }
    }
    compare(&stage, &passed, counters)?;
    // A rule that no packet meets is not compared.
    assert!(counters.passed.len() >= 7 && counters.dropped.len() >= 8, "{counters:?}");
    let limits = tally::limits(&stats)?;
    assert!(limits.values().all(|(charged, ..)| *charged > 0), "{limits:?}");
    let sources = &replayed["sources"]["counted"];
    assert!(sources.as_u64().is_some_and(|sources| sources > 20_000), "{sources} sources");
    println!(
        "{:.1} million packets a second are replayed",
        replayed["packets_per_second"].as_f64().unwrap_or(0.0) / 1e6
    );
    assert!(replayed["packets_per_second"].as_f64().is_some_and(|rate| rate > 0.0));
    Ok(())
}

/// In chunks, so that nothing is lost at the exit: each ends with a frame that passes.
fn send(recording: &Recording, entrance: &Entrance, exit: &Exit, passed: &mut [bool]) -> Result<()> {
    let mut from = 0;
    while from < FRAMES {
        let to = FRAMES.min(from + CHUNK);
        entrance.send_all(&recording.frames(from as usize..to as usize))?;
        exit.wait_for(to - 1)?;
        for arrival in exit.take() {
            let passed = passed.get_mut(arrival.number as usize).context("a number that nobody sent")?;
            ensure!(!std::mem::replace(passed, true), "frame {} came out twice", arrival.number);
        }
        from = to;
    }
    Ok(())
}

fn replay(stage: &Stage, recording: &Recording) -> Result<Value> {
    stage.write("wire.pcap", &recording.file)?;
    let path = |name: &str| stage.daemon.directory().join(name).display().to_string();
    let (capture, policy, verdicts) = (path("wire.pcap"), path("policy.toml"), path("verdicts"));
    stage.json(&format!("replay {capture} --policy {policy} --verdicts {verdicts}"))
}

/// Packet for packet.
fn compare(stage: &Stage, passed: &[bool], counters: &Counters) -> Result<()> {
    let verdicts = fs::read_to_string(stage.daemon.directory().join("verdicts"))?;
    let (mut compared, mut different) = (0, Vec::new());
    for (line, passed) in verdicts.lines().zip(passed) {
        compared += 1;
        let action = if *passed { " pass " } else { " drop " };
        if !line.contains(action) {
            different.push(line);
        }
    }
    println!("{compared} verdicts compared, {} differ; {counters:?}", different.len());
    assert_eq!(compared, passed.len());
    assert!(
        different.is_empty(),
        "the kernel said otherwise of {} packets: {:?}",
        different.len(),
        different.get(..20.min(different.len()))
    );
    Ok(())
}

fn packets(reasons: &Value) -> Result<BTreeMap<String, u64>> {
    let reasons = reasons.as_object().context("no reasons")?;
    let packets = |(reason, count): (&String, &Value)| {
        Ok((reason.clone(), count["packets"].as_u64().context("no packets")?))
    };
    let counts = reasons.iter().map(packets).collect::<Result<BTreeMap<_, _>>>()?;
    Ok(counts.into_iter().filter(|(_, packets)| *packets > 0).collect())
}

fn lists(of: &Value) -> Result<&Vec<Value>> {
    of["lists"].as_array().context("no lists")
}

/// A window of a day, or of 20 hours where a day of the kernel's clock is about to end.
fn window() -> &'static str {
    const DAY_NS: u64 = 86_400 * SECOND_NS;
    const LONGEST_TEST_NS: u64 = 300 * SECOND_NS;
    if monotonic_ns() % DAY_NS < DAY_NS - LONGEST_TEST_NS { "1 day" } else { "20 h" }
}
