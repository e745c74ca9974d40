//! Each algorithm in the kernel against an exact model of it, packet for packet: each was sent at a known time and is seen
//! where it comes out, so the model is asked about the time between.

use std::net::Ipv4Addr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use etherparse::PacketBuilder;
use serde_json::json;
use xdpgate::kernel::monotonic_ns;
use xdpgate_tests::exact::{self, Agreement, Judged};
use xdpgate_tests::kernel_or_skip;
use xdpgate_tests::raw::{Entrance, Exit, append_number};
use xdpgate_tests::veth::{GUARDED_MAC, OUTSIDE_MAC, Wire};

use crate::stage::{COUNTED_WITHIN, Stage, wait};

const MS: u64 = 1_000_000;
/// How old a reading of the clock is at most that packets share (docs/adr/0013).
const SHARED_NS: u64 = 50_000;
/// No packet is sent so close to the border of a window, so that every packet is in one window for certain.
const BORDER_NS: u64 = 30 * MS;
/// Where a busy machine lets packets pile up and then stops, a reading may be a whole tick old; where it stands still while
/// packets cross a border, nobody knows their window. Then another source starts anew. A limiter that is wrong is wrong each
/// time.
const ATTEMPTS: u8 = 6;
const PORT: u16 = 5_000;
/// Nobody's address: the guarded host throws away what passes, and answers nothing.
const DESTINATION: [u8; 4] = [203, 0, 113, 9];
const HOP_LIMIT: u8 = 60;

/// What is sent.
#[derive(Clone, Copy)]
struct Load {
    gap: Duration,
    time: Duration,
    payload: usize,
    syn: bool,
    /// Of windows, whose borders are left out.
    window_ns: Option<u64>,
}

const LOAD: Load = Load {
    gap: Duration::from_micros(300),
    time: Duration::from_millis(2_500),
    payload: 10,
    syn: false,
    window_ns: None,
};

#[test]
fn a_token_bucket_is_exact() -> Result<()> {
    let limit = "rate = \"500 packets/s\"\nburst = 100";
    buckets("a_token_bucket_is_exact", limit, LOAD, 500, 100)
}

#[test]
fn a_leaky_bucket_is_exact() -> Result<()> {
    let limit = "algorithm = \"leaky-bucket\"\nrate = \"200 packets/s\"";
    buckets("a_leaky_bucket_is_exact", limit, LOAD, 200, 1)
}

#[test]
fn a_bucket_of_bytes_is_exact() -> Result<()> {
    let limit = "rate = \"50 kB/s\"\nburst = \"64 KiB\"";
    buckets("a_bucket_of_bytes_is_exact", limit, Load { payload: 950, ..LOAD }, 50_000, 65_536)
}

#[test]
fn a_bucket_of_connections_is_exact() -> Result<()> {
    let limit = "rate = \"40 connections/s\"\nburst = 5";
    buckets("a_bucket_of_connections_is_exact", limit, Load { syn: true, ..LOAD }, 40, 5)
}

#[test]
fn a_fixed_window_is_exact() -> Result<()> {
    let limit = "algorithm = \"fixed-window\"\ncount = \"70 packets\"\nwindow = \"400 ms\"";
    windows("a_fixed_window_is_exact", limit, |packets| exact::fixed_window(400 * MS, 70, packets))
}

#[test]
fn a_sliding_window_is_within_its_bound() -> Result<()> {
    let limit = "algorithm = \"sliding-window\"\ncount = \"70 packets\"\nwindow = \"400 ms\"";
    windows("a_sliding_window_is_within_its_bound", limit, |packets| {
        let most = exact::most_in(400 * MS, packets);
        println!("at most {most} in any 400 ms, 70 allowed");
        ensure!(most <= 140, "{most} in 400 ms: more than twice the count");
        exact::sliding_window(400 * MS, 70, packets)
    })
}

fn buckets(test: &str, limit: &str, load: Load, rate: u64, burst: u64) -> Result<()> {
    compare(test, limit, load, |packets| exact::bucket(rate, burst, packets))
}

fn windows(test: &str, limit: &str, model: impl Fn(&[Judged]) -> Result<Agreement>) -> Result<()> {
    compare(test, limit, Load { window_ns: Some(400 * MS), ..LOAD }, |packets| {
        ensure!(exact::is_certain(400 * MS, packets), "packets stood still over the border of a window");
        model(packets)
    })
}

fn compare(
    test: &str,
    limit: &str,
    load: Load,
    model: impl Fn(&[Judged]) -> Result<Agreement>,
) -> Result<()> {
    if !kernel_or_skip(test) {
        return Ok(());
    }
    let mut bench = Bench::under(limit)?;
    let mut all = Vec::new();
    let mut found = Err(anyhow!("nothing sent"));
    for source in (1..=ATTEMPTS).map(source) {
        let packets = bench.drive(source, load)?;
        all.extend(&packets);
        found = model(&packets);
        match &found {
            Ok(Agreement { packets, passed, certain }) => {
                println!("{test}: {packets} decisions, {passed} to pass, as the exact model");
                assert!(*certain > 0, "the times say nothing: {found:?}");
                break;
            }
            Err(disagreement) => println!("{test}: once more, after {disagreement}"),
        }
    }
    bench.assert_counted(&all, load.syn)?;
    found.map(drop)
}

/// A wire whose two ends are watched, and one limit between them.
struct Bench {
    stage: Stage,
    entrance: Entrance,
    exit: Exit,
    next: u32,
    bytes: u64,
    marker: Ipv4Addr,
}

impl Bench {
    fn under(limit: &str) -> Result<Self> {
        let marker = source(0);
        let mut stage = Stage::on(Wire::of_one_queue()?)?;
        stage.start_under(&format!(
            "[allow]\nprefixes = [\"{marker}\"]\n[[limit]]\nname = \"limit\"\n{limit}\n\
             [[service]]\nname = \"service\"\nprotocol = \"tcp+udp\"\nports = [{PORT}]\nlimits = [\"limit\"]\n"
        ))?;
        let (entrance, exit) = (Entrance::open(&stage.wire)?, Exit::watch(&stage.wire)?);
        Ok(Self { stage, entrance, exit, next: 0, bytes: 0, marker })
    }

    /// Sends one packet after the other; what became of each, and when.
    fn drive(&mut self, source: Ipv4Addr, load: Load) -> Result<Vec<Judged>> {
        let (template, mark) = (frame(source, load)?, frame(self.marker, LOAD)?);
        let in_bytes = load.payload > LOAD.payload;
        let first = self.next;
        let mut packets = Vec::new();
        let start = Instant::now();
        while start.elapsed() < load.time {
            if let Some(pause) = load.window_ns.and_then(|window| until_inside(window, monotonic_ns())) {
                self.mark(&mark)?;
                packets.push(None);
                thread::sleep(pause);
                continue;
            }
            let frame = self.numbered(&template);
            let units = if in_bytes { frame.len() as u64 } else { 1 };
            self.bytes += frame.len() as u64;
            let earliest = monotonic_ns();
            self.entrance.send(&frame)?;
            packets.push(Some(Judged { earliest: earliest - SHARED_NS, latest: 0, units, passed: false }));
            thread::sleep(load.gap);
        }
        self.mark(&mark)?;
        packets.push(None);

        // What comes out was decided about by then, and so was all that was sent before it.
        let mut by = u64::MAX;
        let mut arrivals = self.exit.take();
        for (number, packet) in (first..self.next).rev().zip(packets.iter_mut().rev()) {
            let arrival = arrivals.pop_if(|arrival| arrival.number == number);
            by = arrival.map_or(by, |arrival| arrival.at_ns);
            if let Some(packet) = packet {
                (packet.latest, packet.passed) = (by, arrival.is_some());
            }
        }
        ensure!(arrivals.is_empty(), "{} frames came out of their order", arrivals.len());
        Ok(packets.into_iter().flatten().collect())
    }

    /// Sends a packet that passes, and waits until it has.
    fn mark(&mut self, template: &[u8]) -> Result<()> {
        let number = self.next;
        let frame = self.numbered(template);
        self.entrance.send(&frame)?;
        self.exit.wait_for(number)
    }

    fn numbered(&mut self, template: &[u8]) -> Vec<u8> {
        let mut frame = template.to_vec();
        append_number(&mut frame, self.next);
        self.next += 1;
        frame
    }

    /// The limit's own counters say the same.
    fn assert_counted(&self, packets: &[Judged], syn: bool) -> Result<()> {
        let passed = packets.iter().filter(|packet| packet.passed).count() as u64;
        let dropped = packets.len() as u64 - passed;
        let limit = || -> Result<_> { Ok(self.stage.json("stats --once")?["limits"][0].clone()) };
        wait("all are counted", COUNTED_WITHIN, || {
            let limit = limit()?;
            Ok(limit["charged"]["packets"] == passed && limit["dropped"]["packets"] == dropped)
        })?;
        let each = self.bytes / packets.len() as u64;
        let expected = json!({
            "service": "service", "plan": null, "limit": "limit", "mode": "enforce",
            "charged": {"packets": passed, "bytes": passed * each},
            "dropped": {"packets": dropped, "bytes": dropped * each},
            "monitored": {"packets": 0, "bytes": 0},
        });
        assert_eq!(limit()?, expected);
        let reason = if syn {
            "connection-limit"
        } else if each > 500 {
            "byte-limit"
        } else {
            "packet-limit"
        };
        assert_eq!(self.stage.counters()?.dropped.get(reason), Some(&dropped));
        Ok(())
    }
}

/// How long to wait where the border of a window is near.
fn until_inside(window_ns: u64, now_ns: u64) -> Option<Duration> {
    let into = now_ns % window_ns;
    if into < BORDER_NS {
        return Some(Duration::from_nanos(BORDER_NS - into));
    }
    (into > window_ns - BORDER_NS).then(|| Duration::from_nanos(window_ns - into + BORDER_NS))
}

/// Sources that no socket has to have.
const fn source(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(198, 51, 100, 100 + number)
}

fn frame(source: Ipv4Addr, load: Load) -> Result<Vec<u8>> {
    let ip = PacketBuilder::ethernet2(OUTSIDE_MAC, GUARDED_MAC).ipv4(source.octets(), DESTINATION, HOP_LIMIT);
    let (payload, mut frame) = (vec![0; load.payload], Vec::new());
    if load.syn {
        ip.tcp(40_000, PORT, 1, 64_240).syn().write(&mut frame, &payload)?;
    } else {
        ip.udp(40_000, PORT).write(&mut frame, &payload)?;
    }
    Ok(frame)
}
