//! Policies that change under traffic: each packet sees one of them, whole.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use xdpgate::kernel::KernelError;
use xdpgate_ebpf::reason::Reason;
use xdpgate_tests::kernel_or_skip;
use xdpgate_tests::packets::{Ipv4, Ipv6, Payload, World, origins};

use super::gate::{Gate, Program, stay_on};

const FLIPS: u64 = 200;
const BURST: u32 = 500;

/// The source is on the list, which enforces.
const LISTED: &str =
    "[[list]]\nname = \"blocked\"\npath = \"blocked\"\n[limits.source]\npackets = \"1000000/s\"";
/// It is allowed, the list only watches, and anything else is dropped.
const ALLOWED: &str = "default_action = \"drop\"\n[allow]\nprefixes = [\"192.0.2.1\", \"2001:db8:3:1::/64\"]\n\
                       [[list]]\nname = \"blocked\"\npath = \"blocked\"\nmode = \"monitor\"";

/// Half of one generation with half of the other would pass within a limit, drop by default, or be monitored.
#[test]
fn no_packet_sees_half_of_a_policy() {
    if !kernel_or_skip("no_packet_sees_half_of_a_policy") {
        return;
    }
    let world = World::new().unwrap();
    let gate = Gate::new();
    let images = |generation| {
        let policy = if generation % 2 == 0 { LISTED } else { ALLOWED };
        world.compile(policy, generation).unwrap()
    };
    gate.kernel.install(&images(1)).unwrap();
    let source = *origins().iter().find(|origin| origin.name == "BLOCKED").unwrap();
    let syn = Payload::tcp(40_000, 80, 2);
    let frames = [
        Ipv4::from(source.ipv4).carrying(&syn).ethernet().bytes,
        Ipv6::from(source.ipv6).carrying(&syn).ethernet().bytes,
    ];
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for (cpu, frame) in frames.iter().enumerate() {
            let (gate, done) = (&gate, &done);
            scope.spawn(move || {
                stay_on(cpu);
                while !done.load(Ordering::Relaxed) {
                    gate.run(Program::Fragments, frame, BURST);
                }
            });
        }
        for generation in 2..=FLIPS {
            gate.kernel.install(&images(generation)).unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    let counted = gate.counted();
    let of = |reason| counted.decided(reason).packets;
    println!(
        "{} packets through {FLIPS} generations: {} blocklisted, {} allowed",
        counted.seen.packets,
        of(Reason::Blocklisted),
        of(Reason::Allowed)
    );
    assert_eq!(of(Reason::Blocklisted) + of(Reason::Allowed), counted.seen.packets, "{counted:?}");
    assert!(of(Reason::Blocklisted) > 0 && of(Reason::Allowed) > 0, "one of them was never seen");
    assert!(counted.monitored.iter().all(|count| count.packets == 0), "{counted:?}");
    assert_eq!(gate.kernel.live_generation(), FLIPS);
}

#[test]
fn a_policy_that_does_not_fit_leaves_the_one_before() {
    if !kernel_or_skip("a_policy_that_does_not_fit_leaves_the_one_before") {
        return;
    }
    let world = World::new().unwrap();
    let gate = Gate::sized(|options| options.prefixes = 4);
    let frame = Ipv4::from(origins()[0].ipv4).carrying(&Payload::udp(1, 2)).ethernet().bytes;
    gate.kernel.install(&world.compile("default_action = \"drop\"", 1).unwrap()).unwrap();
    let error = gate.kernel.install(&world.compile(LISTED, 2).unwrap()).map(drop).unwrap_err();
    assert!(
        matches!(error, KernelError::TableFull { table: "prefixes-ipv4", capacity: 4, .. })
            || matches!(error, KernelError::TableFull { table: "prefixes-ipv6", capacity: 4, .. }),
        "{error}"
    );
    assert_eq!(error.exit_code(), 11);
    assert_eq!(gate.kernel.live_generation(), 1);
    assert_eq!(gate.reason_of(&frame), Reason::DefaultDrop);
}

#[test]
fn a_pause_acts_at_once_and_ends_at_once() {
    if !kernel_or_skip("a_pause_acts_at_once_and_ends_at_once") {
        return;
    }
    let gate = Gate::new();
    let frame = Ipv4::from(origins()[0].ipv4).carrying(&Payload::udp(1, 2)).ethernet().bytes;
    assert_eq!(gate.reason_of(&frame), Reason::NoPolicy);
    gate.kernel.install(&World::new().unwrap().compile("default_action = \"drop\"", 1).unwrap()).unwrap();
    assert_eq!(gate.reason_of(&frame), Reason::DefaultDrop);
    gate.kernel.pause(true);
    assert!(gate.kernel.paused());
    assert_eq!(gate.reason_of(&frame), Reason::Paused);
    xdpgate::kernel::pause_pinned(gate.folder.path(), false).unwrap();
    assert!(!gate.kernel.paused());
    assert_eq!(gate.reason_of(&frame), Reason::DefaultDrop);
}
