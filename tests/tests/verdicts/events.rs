//! Sampled events: what they say, and how many there are.

use xdpgate_ebpf::abi::{Event, event_kind};
use xdpgate_ebpf::reason::Reason;
use xdpgate_tests::kernel_or_skip;
use xdpgate_tests::packets::{Ipv4, Ipv6, Payload, World, origins};

use super::gate::{Gate, Program, SLOT, stay_on};

#[test]
fn a_budget_bounds_the_events_and_each_says_what_happened() {
    if !kernel_or_skip("a_budget_bounds_the_events_and_each_says_what_happened") {
        return;
    }
    // The budget is one of each CPU.
    stay_on(0);
    let gate = with_events("per_second = 1\nburst = 5");
    let source = origins()[0].ipv4;
    gate.kernel.ban(ipnet::IpNet::from(std::net::IpAddr::from(source)), None).unwrap();
    let frame = Ipv4::from(source).carrying(&Payload::tcp(40_000, 80, 0xc2)).ethernet().bytes;
    for _ in 0..100 {
        gate.run(Program::Fragments, &frame, 1);
    }
    let sums = gate.kernel.event_counters().unwrap();
    assert_eq!((sums.written + sums.skipped, sums.lost), (100, 0));
    assert!((5..=6).contains(&sums.written), "{sums:?}");

    let mut events = Vec::new();
    assert_eq!(gate.kernel.next_events(&mut events) as u64, sums.written);
    for event in &events {
        assert_eq!(event.source[..4], source.octets());
        assert_eq!(event.source_port, 40_000u16.to_be_bytes());
        assert_eq!(event.destination_port, 80u16.to_be_bytes());
        assert_eq!((event.protocol, event.tcp_flags, event.family), (6, 0xc2, 4));
        assert_eq!((event.kind, event.reason), (event_kind::DROPPED, Reason::Banned as u8));
        assert_eq!((event.list, u32::from(event.interface)), (Event::NO_LIST, SLOT));
        assert_eq!((event.bytes as usize, event.monitored), (frame.len(), 0));
    }
    assert!(events.is_sorted_by_key(|event| event.time_ns));
    assert_eq!(gate.kernel.next_events(&mut events), 0, "each event is taken once");
}

#[test]
fn lists_and_monitored_rules_are_named() {
    if !kernel_or_skip("lists_and_monitored_rules_are_named") {
        return;
    }
    let gate = with_events("per_second = 100\nburst = 100");
    let of = |name: &str| *origins().iter().find(|origin| origin.name == name).unwrap();
    let (also, watched, allowed) = (of("ALSO_BLOCKED"), of("WATCHED"), of("PLAIN"));
    for origin in [also, watched, allowed] {
        let frame = Ipv6::from(origin.ipv6).carrying(&Payload::udp(40_000, 5_000)).ethernet();
        gate.run(Program::OneBuffer, &frame.bytes, 1);
    }
    let mut events = Vec::new();
    gate.kernel.next_events(&mut events);
    let [dropped, monitored] = events[..] else { panic!("{} events", events.len()) };
    assert_eq!(dropped.source, also.ipv6.octets());
    assert_eq!((dropped.kind, dropped.reason, dropped.list), (0, Reason::Blocklisted as u8, 1));
    assert_eq!(monitored.source, watched.ipv6.octets());
    assert_eq!((monitored.kind, monitored.list), (event_kind::MONITORED, Event::NO_LIST));
    assert_eq!(monitored.monitored, Reason::Blocklisted.bit());
    assert_eq!(monitored.reason, Reason::DefaultPass as u8);
}

#[test]
fn no_budget_no_events() {
    if !kernel_or_skip("no_budget_no_events") {
        return;
    }
    let gate = with_events("per_second = 0");
    gate.run(Program::Fragments, &[0x41; 14], 10);
    let malformed = Ipv4::from(origins()[0].ipv4).claiming(3).carrying(&Payload::udp(1, 2)).ethernet();
    gate.run(Program::Fragments, &malformed.bytes, 10);
    assert_eq!(gate.counted().decided(Reason::Malformed).packets, 10);
    assert_eq!(gate.kernel.event_counters().unwrap(), xdpgate::kernel::EventSums::default());
}

fn with_events(events: &str) -> Gate {
    let gate = Gate::new();
    let policy = format!(
        "[[list]]\nname = \"watched\"\npath = \"watched\"\nmode = \"monitor\"\n\
         [[list]]\nname = \"also\"\npath = \"also\"\n\
         [events]\n{events}"
    );
    gate.kernel.install(&World::new().unwrap().compile(&policy, 1).unwrap()).unwrap();
    gate
}
