//! The formats, as programs write them.

use xdpgate_ebpf::packet::View as _;

use super::build::{Packet, Writer, ethernet, ipv4_udp};
use super::{End, Seen, read};
use crate::captures::{Capture, CaptureError};

const ORDERS: [Writer; 2] = [Writer { big: false }, Writer { big: true }];
const TIME: u64 = 1_700_000_000_123_456_789;

fn packet(time_ns: u64) -> Packet {
    Packet::whole(time_ns, ethernet(&ipv4_udp([198, 51, 100, 1], 53, 5)))
}

fn seen(number: u64, packet: &Packet) -> Seen {
    let Packet { time_ns, bytes, length } = packet.clone();
    Seen { number, time_ns, bytes, length, outgoing: false }
}

#[test]
fn pcap_in_both_orders_and_resolutions() {
    for writer in ORDERS {
        for nanoseconds in [false, true] {
            let cut = packet(TIME + 5_000).cut_to(42);
            let (found, end) = read(&writer.pcap(nanoseconds, 1, &[packet(TIME), cut.clone()])).unwrap();
            let rounded = |time: u64| if nanoseconds { time } else { time / 1_000 * 1_000 };
            let expected =
                [packet(TIME), cut].map(|packet| Packet { time_ns: rounded(packet.time_ns), ..packet });
            assert_eq!(found, [seen(1, &expected[0]), seen(2, &expected[1])]);
            assert!(matches!(end, End::Whole), "{end:?}");
        }
    }
}

#[test]
fn sections_interfaces_and_resolutions_of_pcapng() {
    let mut file = Vec::new();
    for writer in ORDERS {
        file.extend(writer.section());
        file.extend(writer.interface(1, 0, &[]));
        file.extend(writer.interface(1, 0, &[writer.option(9, &[9]), writer.option(2, b"eth0")]));
        file.extend(writer.block(0x0bad, &[0; 100]));
        file.extend(writer.enhanced(1, TIME, &packet(TIME), &[]));
        file.extend(writer.enhanced(0, TIME / 1_000, &packet(TIME), &[writer.option(1, b"a comment")]));
        file.extend(writer.simple(&packet(0)));
    }
    let (found, end) = read(&file).unwrap();
    assert!(matches!(end, End::Whole), "{end:?}");
    let times: Vec<_> = found.iter().map(|seen| seen.time_ns).collect();
    let rounded = TIME / 1_000 * 1_000;
    // A simple packet has no time of its own.
    assert_eq!(times, [TIME, rounded, rounded, TIME, rounded, rounded]);
    assert!(found.iter().all(|seen| seen.bytes == packet(0).bytes && seen.length == packet(0).length));
    assert_eq!(found.iter().map(|seen| seen.number).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_simple_packet_is_as_long_as_the_snaplen_of_its_interface() {
    let writer = ORDERS[0];
    let cut = packet(0).cut_to(44);
    let file = [writer.section(), writer.interface(1, 42, &[]), writer.simple(&cut)].concat();
    let (found, _) = read(&file).unwrap();
    assert_eq!((found[0].bytes.len(), found[0].length), (42, packet(0).length));
}

#[test]
fn the_flags_of_a_packet_say_that_the_host_sent_it() {
    let writer = ORDERS[1];
    let flags = |flags: u32| vec![writer.option(1, b"x"), writer.option(2, &writer.word(flags))];
    let mut file = [writer.section(), writer.interface(1, 0, &[])].concat();
    file.extend(writer.enhanced(0, 1, &packet(0), &flags(1)));
    file.extend(writer.enhanced(0, 1, &packet(0), &flags(2)));
    let (found, _) = read(&file).unwrap();
    assert_eq!(found.iter().map(|seen| seen.outgoing).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn packets_of_other_links_are_left_out_but_numbered() {
    let writer = ORDERS[0];
    let mut file = [writer.section(), writer.interface(189, 0, &[]), writer.interface(1, 0, &[])].concat();
    file.extend(writer.enhanced(0, 1, &packet(0), &[]));
    file.extend(writer.enhanced(1, 1, &packet(0), &[]));
    let (found, end) = read(&file).unwrap();
    assert_eq!(found.iter().map(|seen| seen.number).collect::<Vec<_>>(), [2]);
    assert!(matches!(end, End::Whole), "{end:?}");

    let only =
        [writer.section(), writer.interface(189, 0, &[]), writer.enhanced(0, 1, &packet(0), &[])].concat();
    let (found, end) = read(&only).unwrap();
    let problem = end.problem(1).unwrap();
    assert!(found.is_empty() && problem.contains("link type USB (189)"), "{problem}");
}

#[test]
fn what_is_no_capture_is_named() {
    let message = |file: &[u8]| read(file).unwrap_err().to_string();
    assert!(message(b"").contains("empty"));
    assert!(message(&[0xd4, 0xc3, 0xb2, 0xa1, 2]).contains("within its own header"));
    assert!(message(b"GET / HTTP/1.1").contains("47 45 54 20"));
    assert!(message(b"x").contains("neither pcap nor pcapng"));
    for (magic, program) in [(&[0x1f, 0x8b, 8, 0][..], "zcat"), (&[0x28, 0xb5, 0x2f, 0xfd], "zstdcat")] {
        let message = message(magic);
        assert!(message.contains(&format!("{program} FILE | xdpgate replay -")), "{message}");
    }
    let wifi = ORDERS[0].pcap(false, 127, &[]);
    assert!(matches!(read(&wifi).unwrap_err(), CaptureError::Link { number: 127 }));
    assert!(message(&wifi).contains("Wi-Fi with radiotap (127)"));
}

#[test]
fn what_is_ahead_is_what_comes() {
    let writer = ORDERS[1];
    let mut packets: Vec<_> = (0..40).map(|n| packet(TIME + n * 1_000)).collect();
    packets[7] = packets[7].clone().cut_to(50);
    let mut ng = [writer.section(), writer.interface(1, 0, &[])].concat();
    for packet in &packets {
        ng.extend(writer.enhanced(0, 1, packet, &[writer.option(1, b"why")]));
    }
    for file in [writer.pcap(false, 1, &packets), ng] {
        let mut capture = Capture::open(&file[..]).unwrap();
        for number in 1..=40 {
            let record = capture.next_packet().unwrap();
            let ahead: Vec<_> =
                record.frames_ahead().map(|frame| (frame.len(), frame.read::<14>(0))).collect();
            assert_eq!(ahead.len(), 40 - number);
            assert!(ahead.iter().all(|(len, head)| *len == 47 && head.is_some()), "{ahead:?}");
        }
    }
}
