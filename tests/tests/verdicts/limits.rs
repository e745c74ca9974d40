//! The limiter in the kernel, also with two CPUs at one bucket.

use std::thread;
use std::time::Instant;

use xdpgate_ebpf::reason::Reason;
use xdpgate_tests::kernel_or_skip;
use xdpgate_tests::packets::{Ipv4, Payload, World, origins};

use super::gate::{Gate, Program, stay_on};

const CPUS: u32 = 2;
const RUNS: u32 = 200_000;

#[test]
fn one_source_gets_its_burst_and_no_packet_more() {
    if !kernel_or_skip("one_source_gets_its_burst_and_no_packet_more") {
        return;
    }
    // A token comes back after 36 seconds.
    let gate = limited("100/h", 1_000);
    gate.run(Program::Fragments, &frame(), RUNS);
    assert_eq!(admitted(&gate), 1_000);
    assert_eq!(gate.counted().decided(Reason::PacketLimit).packets, u64::from(RUNS) - 1_000);
}

#[test]
fn two_cpus_share_one_burst() {
    if !kernel_or_skip("two_cpus_share_one_burst") {
        return;
    }
    let gate = limited("100/h", 2_400);
    on_every_cpu(&gate, 1);
    let admitted = admitted(&gate);
    println!("{admitted} admitted of a burst of 2400, sent from {CPUS} CPUs at once");
    // A charge that lost four races in a row is added without asking: one packet a CPU.
    assert!((2_400..=2_400 + u64::from(CPUS)).contains(&admitted), "{admitted} admitted");
    assert_eq!(gate.counted().seen.packets, u64::from(CPUS) * u64::from(RUNS));
}

#[test]
fn two_cpus_together_get_one_rate() {
    if !kernel_or_skip("two_cpus_together_get_one_rate") {
        return;
    }
    let gate = limited("20000/s", 1_000);
    let start = Instant::now();
    on_every_cpu(&gate, 5);
    let seconds = start.elapsed().as_secs_f64();
    let admitted = admitted(&gate);
    let most = 1_000.0 + 20_000.0 * seconds;
    println!("{admitted} admitted in {seconds:.3} s, at most {most:.0} allowed");
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let admitted = admitted as f64;
    assert!(admitted <= most + f64::from(CPUS), "{admitted} admitted, {most} allowed");
    assert!(admitted > 1_000.0, "{admitted} admitted: no token came back");
}

/// Admits `rate` of one source, with this burst.
fn limited(rate: &str, burst: u32) -> Gate {
    let gate = Gate::new();
    let policy = format!("[limits.source]\npackets = \"{rate}\"\npackets_burst = {burst}");
    gate.kernel.install(&World::new().unwrap().compile(&policy, 1).unwrap()).unwrap();
    gate
}

fn frame() -> Vec<u8> {
    Ipv4::from(origins()[0].ipv4).carrying(&Payload::udp(40_000, 5_000)).ethernet().bytes
}

fn admitted(gate: &Gate) -> u64 {
    gate.counted().decided(Reason::WithinLimit).packets
}

fn on_every_cpu(gate: &Gate, times: u32) {
    thread::scope(|scope| {
        for cpu in 0..CPUS {
            scope.spawn(move || {
                stay_on(cpu as usize);
                for _ in 0..times {
                    gate.run(Program::Fragments, &frame(), RUNS);
                }
            });
        }
    });
}
