//! Files that were cut, damaged, or made to harm.

use proptest::prelude::*;
use proptest::sample::Index;
use xdpgate_ebpf::packet::{Packet as Read, View, parse};

use super::build::{Packet, Writer, ethernet, ipv4_udp};
use super::{End, read};
use crate::captures::Capture;

fn packet(payload: usize) -> Packet {
    Packet::whole(1_700_000_000_000_000_000, ethernet(&ipv4_udp([198, 51, 100, 1], 53, payload)))
}

fn pcap() -> Vec<u8> {
    Writer { big: false }.pcap(false, 1, &[packet(0), packet(11), packet(2)])
}

fn pcapng() -> Vec<u8> {
    let writer = Writer { big: true };
    let resolution = [writer.option(9, &[0x8a]), writer.option(14, &[0; 8])];
    let mut file = [writer.section(), writer.interface(1, 0, &resolution)].concat();
    file.extend(writer.enhanced(0, 1 << 40, &packet(3), &[writer.option(2, &writer.word(1))]));
    file.extend(writer.simple(&packet(0)));
    file.extend(writer.block(5, &[7; 24]));
    file
}

/// Reads and parses everything, as `replay` does.
fn exhaust(file: &[u8]) {
    let Ok(mut capture) = Capture::open(file) else { return };
    while let Ok(record) = capture.next_packet() {
        let frame = record.frame();
        let _ = parse(&frame, &mut Read::unread(frame.len()));
    }
}

#[test]
fn a_cut_file_gives_the_packets_before_the_cut() {
    let file = pcap();
    let starts = [24, 24 + 16 + 42, 24 + 16 + 42 + 16 + 53, file.len()];
    for cut in 24..file.len() {
        let (seen, end) = read(&file[..cut]).unwrap();
        let whole = starts.iter().filter(|start| **start <= cut).count() - 1;
        assert_eq!(seen.len(), whole, "{cut}");
        if starts.contains(&cut) {
            assert!(matches!(end, End::Whole), "{cut}: {end:?}");
        } else {
            assert!(matches!(end, End::Cut { at } if at == starts[whole] as u64), "{cut}: {end:?}");
            let problem = end.problem(whole as u64).unwrap();
            assert!(problem.contains(&format!("byte {}, after packet {whole}", starts[whole])), "{problem}");
        }
    }
}

#[test]
fn a_cut_pcapng_file_is_never_whole_within_a_block() {
    let file = pcapng();
    let whole = (4..=file.len()).filter(|cut| matches!(read(&file[..*cut]), Ok((_, End::Whole)))).count();
    // After each of its five blocks.
    assert_eq!(whole, 5);
}

#[test]
fn claimed_lengths_are_not_believed() {
    let mut file = pcap();
    file[24 + 8..][..4].copy_from_slice(&u32::MAX.to_le_bytes());
    let (seen, end) = read(&file).unwrap();
    assert!(seen.is_empty() && matches!(end, End::Damaged { at: 24, .. }), "{end:?}");

    let writer = Writer { big: false };
    for (kind, length) in [(6, 0xffff_fffc_u32), (6, 8), (6, 30), (1, 0x7fff_fffc), (0x0bad, 4)] {
        let mut file = writer.section();
        let at = file.len() as u64;
        file.extend([writer.word(kind), writer.word(length), writer.word(0)].concat());
        let (_, end) = read(&file).unwrap();
        assert!(matches!(end, End::Damaged { at: found, .. } if found == at), "{kind} {length}: {end:?}");
    }
    // What is not read is skipped, however long, and is missing here.
    let file =
        [writer.section(), writer.word(0x0bad).to_vec(), writer.word(0xffff_fffc).to_vec(), vec![0; 64]];
    assert!(matches!(read(&file.concat()).unwrap().1, End::Cut { .. }));
}

#[test]
fn a_packet_of_no_interface_is_damage() {
    let writer = Writer { big: false };
    for block in [writer.enhanced(0, 1, &packet(0), &[]), writer.simple(&packet(0))] {
        let (seen, end) = read(&[writer.section(), block].concat()).unwrap();
        assert!(seen.is_empty() && matches!(end, End::Damaged { .. }), "{end:?}");
    }
}

proptest! {
    #[test]
    fn random_bytes_are_survived(bytes: Vec<u8>) {
        exhaust(&bytes);
    }

    #[test]
    fn random_bytes_behind_a_header_are_survived(
        file in prop_oneof![Just(pcap()[..24].to_vec()), Just(pcapng()[..28].to_vec())],
        bytes: Vec<u8>,
    ) {
        exhaust(&[file, bytes].concat());
    }

    #[test]
    fn mutated_captures_are_survived(
        mut file in prop_oneof![Just(pcap()), Just(pcapng())],
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..8),
        cut: Index,
    ) {
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        file.truncate(cut.index(file.len()) + 1);
        exhaust(&file);
    }

    #[test]
    fn what_is_written_is_read(
        packets in prop::collection::vec((any::<u32>(), prop::collection::vec(any::<u8>(), 0..200)), 0..20),
        big: bool,
    ) {
        let packets: Vec<_> = packets
            .into_iter()
            .map(|(seconds, bytes)| Packet::whole(u64::from(seconds) * 1_000_000_000 + 7, bytes))
            .collect();
        let (seen, end) = read(&Writer { big }.pcap(true, 1, &packets)).unwrap();
        prop_assert!(matches!(end, End::Whole));
        let seen: Vec<_> = seen.into_iter().map(|seen| (seen.time_ns, seen.bytes)).collect();
        let written: Vec<_> = packets.into_iter().map(|packet| (packet.time_ns, packet.bytes)).collect();
        prop_assert_eq!(seen, written);
    }
}
