//! Every link comes out as the same Ethernet frame.

use xdpgate_ebpf::packet::{Packet, Unparsed, View, parse};

use super::build::{ethernet, ipv4_udp, ipv6_udp};
use crate::captures::{Frame, Link};

const SOURCE: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7];

fn cooked(ether_type: [u8; 2], kind: u8, packet: &[u8]) -> Vec<u8> {
    [&[0, kind, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0][..], &ether_type, packet].concat()
}

fn cooked_two(ether_type: [u8; 2], kind: u8, packet: &[u8]) -> Vec<u8> {
    [&ether_type[..], &[0, 0, 0, 0, 0, 2, 0, 1, kind, 6, 1, 2, 3, 4, 5, 6, 0, 0], packet].concat()
}

fn parsed(frame: &Frame<'_>) -> (Result<(), Unparsed>, Packet) {
    let mut packet = Packet::unread(frame.len());
    (parse(frame, &mut packet), packet)
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap()
}

#[test]
fn every_link_gives_the_packet_that_ethernet_gives() {
    let (four, six) = (ipv4_udp([198, 51, 100, 1], 53, 9), ipv6_udp(SOURCE, 53));
    for (packet, ether_type) in [(&four, [0x08, 0x00]), (&six, [0x86, 0xdd])] {
        let expected = ethernet(packet);
        let expected = parsed(&Frame::of(Link::Ethernet, &expected, length(&expected)));
        let own = if ether_type == [0x08, 0x00] { Link::Ipv4 } else { Link::Ipv6 };
        for (link, bytes) in [
            (Link::Ip, packet.clone()),
            (own, packet.clone()),
            (Link::Cooked, cooked(ether_type, 0, packet)),
            (Link::CookedTwo, cooked_two(ether_type, 0, packet)),
        ] {
            let frame = Frame::of(link, &bytes, length(&bytes));
            assert_eq!(parsed(&frame), expected, "{link:?}");
            assert!(!frame.is_cut() && !frame.is_outgoing());
        }
    }
}

#[test]
fn a_vlan_tag_of_a_cooked_packet_is_followed() {
    let tagged = [&[0, 7, 0x08, 0x00][..], &ipv4_udp([198, 51, 100, 1], 53, 0)].concat();
    let bytes = cooked([0x81, 0x00], 0, &tagged);
    let (result, packet) = parsed(&Frame::of(Link::Cooked, &bytes, length(&bytes)));
    assert_eq!((result, packet.destination_port), (Ok(()), 53_u16.to_be_bytes()));
}

#[test]
fn cooked_links_say_what_the_host_sent() {
    let packet = ipv4_udp([198, 51, 100, 1], 53, 0);
    for (kind, outgoing) in [(0, false), (1, false), (4, true)] {
        for (link, bytes) in [
            (Link::Cooked, cooked([0x08, 0x00], kind, &packet)),
            (Link::CookedTwo, cooked_two([0x08, 0x00], kind, &packet)),
        ] {
            assert_eq!(Frame::of(link, &bytes, length(&bytes)).is_outgoing(), outgoing, "{link:?} {kind}");
        }
    }
}

#[test]
fn a_payload_that_the_capture_cut_changes_nothing() {
    let whole = ethernet(&ipv4_udp([198, 51, 100, 1], 53, 1_000));
    let expected = parsed(&Frame::of(Link::Ethernet, &whole, length(&whole)));
    let frame = Frame::of(Link::Ethernet, &whole[..42], length(&whole));
    assert_eq!(parsed(&frame), expected);
    assert!(!frame.is_cut());
    assert_eq!(expected.1.bytes, 1_042);
}

#[test]
fn a_header_that_the_capture_cut_is_told_from_a_short_packet() {
    let whole = ethernet(&ipv4_udp([198, 51, 100, 1], 53, 0));
    for captured in 0..42 {
        let frame = Frame::of(Link::Ethernet, &whole[..captured], 42);
        assert_eq!((parsed(&frame).0, frame.is_cut()), (Err(Unparsed::Malformed), true), "{captured}");
        let short = Frame::of(Link::Ethernet, &whole[..captured], length(&whole[..captured]));
        assert_eq!((parsed(&short).0, short.is_cut()), (Err(Unparsed::Malformed), false), "{captured}");
    }
}

#[test]
fn a_made_header_reads_as_its_bytes() {
    let frame = Frame::of(Link::Ipv4, &[0x45, 1, 2, 3], 4);
    assert_eq!(frame.len(), 18);
    assert_eq!(frame.read::<4>(10).map(|bytes| *bytes), Some([0, 0, 8, 0]));
    assert_eq!(frame.read::<4>(14).map(|bytes| *bytes), Some([0x45, 1, 2, 3]));
    assert!(frame.read::<1>(18).is_none() && !frame.is_cut());
}
