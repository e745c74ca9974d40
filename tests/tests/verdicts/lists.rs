//! Every bit of the lists, from the first to the last.

use xdpgate::policy::Segment;
use xdpgate_ebpf::abi::{Access, AttributeSet, Count, MAX_LISTS};
use xdpgate_ebpf::reason::Reason;
use xdpgate_tests::kernel_or_skip;
use xdpgate_tests::packets::{Ipv4, Payload, World, origins};

use super::gate::{Gate, Program, XDP_DROP, XDP_PASS};

/// What holds for packets of no service.
fn access(lists_enforced: u64, lists_monitored: u64) -> Access {
    Access { lists_enforced, lists_monitored, ..Access::OPEN }
}

#[test]
fn each_list_counts_for_itself() {
    if !kernel_or_skip("each_list_counts_for_itself") {
        return;
    }
    let gate = Gate::new();
    let source = origins()[0].ipv4;
    let frame = Ipv4::from(source).carrying(&Payload::udp(1, 2)).ethernet().bytes;
    let one = Count { packets: 1, bytes: frame.len() as u64 };
    let mut image = World::new().unwrap().compile("", 1).unwrap();
    image.ipv4 = vec![Segment { first: source.to_bits(), last: source.to_bits(), set: 1 }];
    for bit in 0..MAX_LISTS {
        for enforces in [true, false] {
            image.settings.generation = gate.kernel.live_generation() + 1;
            let (enforced, monitored) = if enforces { (1 << bit, 0) } else { (0, 1 << bit) };
            image.settings.access[0] = access(enforced, monitored);
            image.attributes =
                vec![AttributeSet::EMPTY, AttributeSet { lists: 1 << bit, ..AttributeSet::EMPTY }];
            gate.kernel.install(&image).unwrap();
            let answer = gate.run(Program::OneBuffer, &frame, 1).return_value;
            assert_eq!(answer, if enforces { XDP_DROP } else { XDP_PASS }, "list {bit}");
        }
        let counted = gate.kernel.list_counters().unwrap();
        for (other, counters) in counted.iter().enumerate() {
            let expected = if other <= bit { one } else { Count::ZERO };
            assert_eq!(
                (counters.dropped, counters.monitored),
                (expected, expected),
                "list {other} after {bit}"
            );
        }
    }
    // All at once: the lowest one drops.
    image.settings.generation = gate.kernel.live_generation() + 1;
    image.settings.access[0] = access(u64::MAX << 7, !(u64::MAX << 7));
    image.attributes[1].lists = u64::MAX;
    gate.kernel.install(&image).unwrap();
    gate.run(Program::OneBuffer, &frame, 1);
    for (bit, counters) in gate.kernel.list_counters().unwrap().iter().enumerate() {
        let packets = (counters.dropped.packets, counters.monitored.packets);
        let expected = (1 + u64::from(bit == 7), 1 + u64::from(bit < 7));
        assert_eq!(packets, expected, "list {bit}");
    }
    let rows = MAX_LISTS as u64;
    assert_eq!(gate.counted().decided(Reason::Blocklisted).packets, rows + 1);
    assert_eq!(gate.counted().monitored(Reason::Blocklisted).packets, rows + 1);

    // A bit that gets another list begins anew.
    gate.kernel.reset_list_counters(7).unwrap();
    let counted = gate.kernel.list_counters().unwrap();
    assert_eq!((counted[7].dropped, counted[7].monitored), (Count::ZERO, Count::ZERO));
    assert_eq!(counted[8].dropped, one);
}
