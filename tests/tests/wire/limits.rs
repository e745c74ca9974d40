//! What one source may send.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use xdpgate_tests::account::Account;
use xdpgate_tests::senders::Sending;
use xdpgate_tests::{kernel_or_skip, senders};

use crate::stage::{Stage, counted, guarded, hosts};

/// One second of the rate: a sender that gets no core for less than that has no effect on what is admitted.
const PACKETS: &str = "[limits.source]\npackets = \"1000/s\"\npackets_burst = 1000\n";
const RATE: u32 = 1000;
const PACKET_BURST: f64 = 1000.0;
/// 1,000 frames of 60 bytes a second.
const BYTES: &str = "[limits.source]\nbytes = \"60 kB/s\"\nbytes_burst = \"64 KiB\"\n";
const FRAME: f64 = 60.0;
const BYTE_BURST: f64 = 65_536.0;
/// Of rate × time + burst.
const TOLERANCE: f64 = 0.01;

/// One host of each family sends ten times the rate; the IPv6 one is two hosts of one /64. One more host of each family
/// sends a tenth of the rate.
#[test]
fn a_source_gets_its_rate_and_its_burst() -> Result<()> {
    if !kernel_or_skip("a_source_gets_its_rate_and_its_burst") {
        return Ok(());
    }
    let stage = Stage::under(PACKETS)?;
    let [[loud4, loud6], [calm4, calm6]] = [1, 2].map(hosts);
    let sibling: IpAddr = "2001:db8:100:1::2".parse()?;
    stage.wire.add_outside_hosts(&[sibling])?;
    let flows =
        [(loud4, 10 * RATE), (loud6, 5 * RATE), (sibling, 5 * RATE), (calm4, RATE / 10), (calm6, RATE / 10)];
    let sent = send(&stage, flows, Duration::from_secs(10), "packet-limit")?;

    within_one_percent("IPv4 packets", stage.arrived(loud4), expected(&sent[0]));
    let pair = stage.arrived(loud6) + stage.arrived(sibling);
    within_one_percent("IPv6 packets of a /64", pair, expected(&sent[1]));
    assert_eq!(stage.arrived(calm4), sent[3].packets, "another IPv4 source");
    assert_eq!(stage.arrived(calm6), sent[4].packets, "another IPv6 source");
    Ok(())
}

#[test]
fn a_source_gets_its_bytes() -> Result<()> {
    if !kernel_or_skip("a_source_gets_its_bytes") {
        return Ok(());
    }
    let stage = Stage::under(BYTES)?;
    let [loud, _] = hosts(1);
    let [sent] = send(&stage, [(loud, 10 * RATE)], Duration::from_secs(4), "byte-limit")?;
    let expected = f64::from(RATE).mul_add(sent.time.as_secs_f64(), BYTE_BURST / FRAME);
    within_one_percent("frames of 60 bytes", stage.arrived(loud), expected);
    Ok(())
}

#[test]
fn a_limit_in_monitor_mode_only_counts() -> Result<()> {
    if !kernel_or_skip("a_limit_in_monitor_mode_only_counts") {
        return Ok(());
    }
    let policy = "[limits.source]\npackets = \"1/min\"\npackets_burst = 5\nmode = \"monitor\"\n";
    let stage = Stage::under(policy)?;
    let [source, _] = hosts(1);
    let change = stage.change(20, || stage.send(source))?;
    assert_eq!(change, counted(&[("within-limit", 5), ("default-pass", 15)], &[]));
    let stats = stage.json("stats --once")?;
    assert_eq!(stats["interfaces"][0]["monitored"]["packet-limit"]["packets"], 15, "{stats}");
    Ok(())
}

/// Sends all flows for so long, and checks that everything was counted: what arrived as admitted, the rest for `reason`.
fn send<const N: usize>(
    stage: &Stage,
    flows: [(IpAddr, u32); N],
    time: Duration,
    reason: &str,
) -> Result<[Sending; N]> {
    let account = Account::open(&stage.wire, &stage.daemon, Vec::new())?;
    let stop = Arc::<AtomicBool>::default();
    let senders = flows.map(|(source, per_second)| {
        senders::send_udp(&stage.wire.outside, source, guarded(source), per_second, Arc::clone(&stop))
    });
    thread::sleep(time);
    stop.store(true, Ordering::Relaxed);
    let mut sent = [Sending { packets: 0, time: Duration::ZERO }; N];
    for (sent, sender) in sent.iter_mut().zip(senders) {
        *sent = senders::join(sender)?;
    }
    let balance = account.at_rest(&stage.wire, &stage.daemon)?;
    let all: u64 = sent.iter().map(|sending| sending.packets).sum();
    let arrived: u64 = flows.iter().map(|(source, _)| stage.arrived(*source)).sum();
    assert_eq!(balance.lost, 0, "{balance:?}");
    assert_eq!(balance.counters, counted(&[("within-limit", arrived)], &[(reason, all - arrived)]));
    Ok(sent)
}

fn expected(sending: &Sending) -> f64 {
    f64::from(RATE).mul_add(sending.time.as_secs_f64(), PACKET_BURST)
}

#[expect(clippy::cast_precision_loss, reason = "some thousand packets")]
fn within_one_percent(what: &str, admitted: u64, expected: f64) {
    let off = admitted as f64 / expected - 1.0;
    println!("{what}: {admitted} admitted, rate × time + burst is {expected:.0}: {:+.3} % off", off * 100.0);
    assert!(off.abs() <= TOLERANCE, "{what}: {admitted} admitted, expected {expected:.0}");
}
