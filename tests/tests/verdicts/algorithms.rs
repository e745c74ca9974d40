//! The algorithms in the kernel against exact models: each packet is run by itself, between two readings of the kernel's
//! clock, so a decision can be off by no more than the few microseconds between them.

use std::hint::spin_loop;
use std::net::Ipv4Addr;
use std::sync::{Mutex, PoisonError};

use xdpgate::kernel::monotonic_ns;
use xdpgate_ebpf::packet::TCP_SYN;
use xdpgate_ebpf::reason::Reason;
use xdpgate_tests::exact::{self, Agreement, Judged};
use xdpgate_tests::kernel_or_skip;
use xdpgate_tests::packets::{Ipv4, Payload, World};

use super::gate::{Gate, Program, XDP_PASS};

const MS: u64 = 1_000_000;
const TIME_NS: u64 = 300 * MS;
/// Packets this far apart never share a reading of the clock (docs/adr/0013).
const GAP_NS: u64 = 10_000;
/// A time that a machine with nothing else to do keeps to.
const USUAL_NS: u64 = 100_000;
/// So close before the border of a window nothing is sent, so that each packet is in one window for certain.
const BORDER_NS: u64 = 30 * MS;
/// Where a busy machine stands still even longer, another source starts anew.
const ATTEMPTS: u8 = 20;
/// One at a time: they would only stand in each other's way.
static TURN: Mutex<()> = Mutex::new(());
const PORT: u16 = 5_000;

#[test]
fn a_token_bucket_is_exact() {
    let limit = "rate = \"20000 packets/s\"\nburst = 100";
    bucket("a_token_bucket_is_exact", limit, &Payload::udp(40_000, PORT), 20_000, 100);
}

#[test]
fn a_leaky_bucket_is_exact() {
    let limit = "algorithm = \"leaky-bucket\"\nrate = \"9999 packets/s\"\ndepth = 3";
    bucket("a_leaky_bucket_is_exact", limit, &Payload::udp(40_000, PORT), 9_999, 3);
}

#[test]
fn a_bucket_of_bytes_is_exact() {
    let payload = Payload::udp(40_000, PORT).of_length(1_000);
    bucket(
        "a_bucket_of_bytes_is_exact",
        "rate = \"80 Mbit/s\"\nburst = \"64 KiB\"",
        &payload,
        10_000_000,
        65_536,
    );
}

#[test]
fn a_bucket_of_connections_is_exact() {
    let payload = Payload::tcp(40_000, PORT, TCP_SYN);
    bucket(
        "a_bucket_of_connections_is_exact",
        "rate = \"3000 connections/s\"\nburst = 20",
        &payload,
        3_000,
        20,
    );
}

#[test]
fn a_fixed_window_is_exact() {
    let limit = "algorithm = \"fixed-window\"\ncount = \"800 packets\"\nwindow = \"100 ms\"";
    let model = |packets: &[Judged]| exact::fixed_window(100 * MS, 800, packets).unwrap();
    window("a_fixed_window_is_exact", limit, 100 * MS, model);
}

#[test]
fn a_sliding_window_is_the_interpolation() {
    let limit = "algorithm = \"sliding-window\"\ncount = \"800 packets\"\nwindow = \"100 ms\"";
    let model = |packets: &[Judged]| {
        let most = exact::most_in(100 * MS, packets);
        println!("at most {most} in any 100 ms, 800 allowed");
        assert!(most <= 1_600, "{most} in 100 ms: more than twice the count");
        exact::sliding_window(100 * MS, 800, packets).unwrap()
    };
    window("a_sliding_window_is_the_interpolation", limit, 100 * MS, model);
}

fn bucket(test: &str, limit: &str, payload: &Payload, rate: u64, burst: u64) {
    if !kernel_or_skip(test) {
        return;
    }
    let gate = limited(limit);
    let packets = drive(&gate, payload, 0, None);
    let agreement = exact::bucket(rate, burst, &packets).unwrap();
    conclude(test, &gate, agreement);

    // And in sum. What is admitted while nobody knows the time is not the limiter's fault.
    let ideal = exact::admitted_by_bucket(rate, burst, &packets);
    let stood: u64 =
        packets.iter().map(|packet| packet.latest - packet.earliest).filter(|ns| *ns > USUAL_NS).sum();
    let units = packets[0].units;
    let spare = 1 + ideal / 1_000 + stood * rate / units / 1_000_000_000;
    println!(
        "{} admitted, {ideal} by an exact bucket; the machine stood still for {} µs",
        agreement.passed,
        stood / 1_000
    );
    assert!(agreement.passed.abs_diff(ideal) <= spare, "{} admitted, not {ideal}", agreement.passed);
}

fn window(test: &str, limit: &str, length_ns: u64, model: impl Fn(&[Judged]) -> Agreement) {
    if !kernel_or_skip(test) {
        return;
    }
    for attempt in 0..ATTEMPTS {
        let gate = limited(limit);
        let packets = drive(&gate, &Payload::udp(40_000, PORT), attempt, Some(length_ns));
        if exact::is_certain(length_ns, &packets) {
            return conclude(test, &gate, model(&packets));
        }
    }
    panic!("{ATTEMPTS} times in a row packets stood still over the border of a window");
}

fn conclude(test: &str, gate: &Gate, agreement: Agreement) {
    let Agreement { packets, passed, certain } = agreement;
    println!(
        "{test}: {packets} decisions, {passed} to pass, as the exact model; {certain} could be no other"
    );
    assert_eq!(gate.counted().seen.packets, packets);
    assert_eq!(gate.counted().decided(Reason::WithinLimit).packets, passed);
    assert!(certain * 4 > packets, "the times say nothing");
}

fn limited(limit: &str) -> Gate {
    let gate = Gate::new();
    let policy = format!(
        "[[limit]]\nname = \"limit\"\n{limit}\n\
         [[service]]\nname = \"service\"\nprotocol = \"tcp+udp\"\nports = [{PORT}]\nlimits = [\"limit\"]\n"
    );
    gate.kernel.install(&World::new().unwrap().compile(&policy, 1).unwrap()).unwrap();
    gate
}

/// Runs one packet after the other, several times faster than any of the limits.
fn drive(gate: &Gate, payload: &Payload, source: u8, window_ns: Option<u64>) -> Vec<Judged> {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let source = Ipv4Addr::new(198, 51, 100, source);
    let frame = Ipv4::from(source).carrying(payload).ethernet().bytes;
    let units = if frame.len() > 500 { frame.len() as u64 } else { 1 };
    let mut packets = Vec::new();
    let start = monotonic_ns();
    let mut latest = start;
    while latest < start + TIME_NS {
        let wait =
            |now| now < latest + GAP_NS || window_ns.is_some_and(|window| now % window > window - BORDER_NS);
        while wait(monotonic_ns()) {
            spin_loop();
        }
        let earliest = monotonic_ns();
        let passed = gate.run(Program::Fragments, &frame, 1).return_value == XDP_PASS;
        latest = monotonic_ns();
        packets.push(Judged { earliest, latest, units, passed });
    }
    packets
}
