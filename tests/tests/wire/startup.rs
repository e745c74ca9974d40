//! From the start of the daemon to the first packet that is dropped, with a large list.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use xdpgate_tests::veth::GUARDED;
use xdpgate_tests::{kernel_or_skip, senders};

use crate::stage::{Stage, guarded, hosts};

const PREFIXES: u32 = 100_000;
/// Generous: the machine may be busy with other tests, and the daemon may be a debug build.
const ENFORCED_WITHIN: Duration = Duration::from_secs(10);
/// The daemon as it is shipped has 100 MiB, which `cargo xtask bench` holds it to; the text of a debug build is 20 MiB larger.
const MOST_MEMORY_KIB: u64 = 120 << 10;
const PACE: Duration = Duration::from_millis(1);

#[test]
fn a_hundred_thousand_prefixes_are_enforced_soon_and_in_little_memory() -> Result<()> {
    if !kernel_or_skip("a_hundred_thousand_prefixes_are_enforced_soon_and_in_little_memory") {
        return Ok(());
    }
    let [listed, listed6] = hosts(1);
    let [clean, _] = hosts(2);
    let mut stage = Stage::prepare()?;
    stage.write("large.txt", format!("{}{listed}\n{listed6}\n", large_list()))?;
    let stop = Arc::<AtomicBool>::default();
    let stopping = Arc::clone(&stop);
    let sender = stage.wire.outside.spawn(move || {
        let socket = UdpSocket::bind((listed, 0))?;
        let mut sent = Vec::new();
        while !stopping.load(Ordering::Relaxed) {
            sent.push(Instant::now());
            socket.send_to(&[0; 18], guarded(listed))?;
            thread::sleep(PACE);
        }
        Ok(sent)
    });
    let policy = stage.write_policy("[[list]]\nname = \"large\"\npath = \"large.txt\"\n")?;
    let policy = policy.display().to_string();
    let start = Instant::now();
    stage.daemon.start_with(&["--config", &policy, "--interface", GUARDED])?;
    let answering = start.elapsed();
    stop.store(true, Ordering::Relaxed);
    let sent = senders::join(sender)?;
    // Those before the program was there arrived, none after it did.
    let passed = usize::try_from(stage.arrived(listed))?;
    let first_dropped = sent.get(passed).context("no packet of the listed source was dropped")?;
    let enforced = first_dropped.duration_since(start);

    let status = stage.json("status")?;
    let pid = status["pid"].as_u64().context("no pid")?;
    let [peak, resident] = memory(pid)?;
    println!(
        "{PREFIXES} prefixes: enforced {enforced:?} after the start, answering after {answering:?}; \
         {} ms to compile and install; {peak} KiB of memory at most, {resident} KiB now",
        status["policy"]["sizes"]["milliseconds"]
    );
    assert!(enforced < ENFORCED_WITHIN, "{enforced:?}");
    assert!(peak < MOST_MEMORY_KIB, "{peak} KiB");
    assert_eq!(stage.json("list show large")?["entries"], PREFIXES + 2);
    stage.assert_dropped(listed, "blocklisted")?;
    stage.assert_dropped(listed6, "blocklisted")?;
    stage.assert_passed(clean, "default-pass")
}

/// Prefixes that touch no other: nothing is merged.
fn large_list() -> String {
    (0..PREFIXES / 2).fold(String::new(), |mut text, n| {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{}/28", Ipv4Addr::from_bits((20 << 24) + n * 32));
        let ipv6 = Ipv6Addr::from_bits((0x2a00_u128 << 112) + (u128::from(n) << 81));
        let _ = writeln!(text, "{ipv6}/48");
        text
    })
}

/// The most, and the present, resident memory of a process, in KiB.
fn memory(pid: u64) -> Result<[u64; 2]> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        number.with_context(|| format!("no {name} of {pid}"))
    };
    Ok([field("VmHWM:")?, field("VmRSS:")?])
}
