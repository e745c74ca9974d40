use etherparse::{PacketBuilder, VlanId};
use proptest::prelude::*;

use super::*;

const V4: [u8; 4] = [192, 0, 2, 1];
const V4_HOST: [u8; 4] = [192, 0, 2, 200];
const V6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const V6_HOST: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

fn read(bytes: &[u8]) -> (Result<(), Unparsed>, Packet) {
    let mut packet = Packet::unread(View::len(&bytes));
    let result = parse(&bytes, &mut packet);
    (result, packet)
}

fn parsed(bytes: &[u8]) -> Packet {
    let (result, packet) = read(bytes);
    assert_eq!(result, Ok(()));
    packet
}

fn built(builder: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    builder(&mut bytes);
    bytes
}

fn ethernet() -> etherparse::PacketBuilderStep<etherparse::Ethernet2Header> {
    PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2])
}

fn tcp_over_ipv4() -> Vec<u8> {
    built(|bytes| {
        ethernet().ipv4(V4, V4_HOST, 61).tcp(40_000, 443, 7, 1_024).syn().write(bytes, b"data").unwrap();
    })
}

fn udp_over_ipv6() -> Vec<u8> {
    built(|bytes| ethernet().ipv6(V6, V6_HOST, 62).udp(53, 40_000).write(bytes, b"data").unwrap())
}

#[test]
fn every_field_of_ipv4_and_tcp() {
    let frame = tcp_over_ipv4();
    let expected = Packet {
        source: Source { address: widen(V4), family: family::IPV4 },
        destination: widen(V4_HOST),
        protocol: protocol::TCP,
        fragment: Fragment::Whole,
        source_port: 40_000u16.to_be_bytes(),
        destination_port: 443u16.to_be_bytes(),
        tcp_flags: TCP_SYN,
        icmp_type: 0,
        hop_limit: 61,
        bytes: View::len(&&*frame),
    };
    assert_eq!(parsed(&frame), expected);
}

#[test]
fn every_field_of_ipv6_and_udp() {
    let frame = udp_over_ipv6();
    let expected = Packet {
        source: Source { address: V6, family: family::IPV6 },
        destination: V6_HOST,
        protocol: protocol::UDP,
        source_port: 53u16.to_be_bytes(),
        destination_port: 40_000u16.to_be_bytes(),
        hop_limit: 62,
        ..Packet::unread(View::len(&&*frame))
    };
    assert_eq!(parsed(&frame), expected);
}

#[test]
fn icmp_has_a_type_and_no_ports() {
    let frame = built(|bytes| {
        ethernet().ipv4(V4, V4_HOST, 61).icmpv4_echo_request(1, 2).write(bytes, b"data").unwrap();
    });
    let packet = parsed(&frame);
    assert_eq!((packet.protocol, packet.icmp_type), (protocol::ICMP, 8));
    assert_eq!((packet.source_port, packet.destination_port), ([0; 2], [0; 2]));

    let frame = built(|bytes| {
        ethernet().ipv6(V6, V6_HOST, 255).icmpv6_echo_reply(1, 2).write(bytes, b"data").unwrap();
    });
    let packet = parsed(&frame);
    assert_eq!((packet.protocol, packet.icmp_type, packet.hop_limit), (protocol::ICMPV6, 129, 255));
}

#[test]
fn tags_are_followed_up_to_the_limit() {
    let tag = VlanId::try_new(42).unwrap();
    let one = built(|bytes| {
        ethernet().single_vlan(tag).ipv4(V4, V4_HOST, 61).udp(1, 2).write(bytes, b"").unwrap();
    });
    let two = built(|bytes| {
        ethernet().double_vlan(tag, tag).ipv6(V6, V6_HOST, 61).udp(1, 2).write(bytes, b"").unwrap();
    });
    assert_eq!(parsed(&one).source.family, family::IPV4);
    assert_eq!(parsed(&two).source.family, family::IPV6);

    let plain = tcp_over_ipv4();
    for count in 0..10 {
        let mut frame = plain[..12].to_vec();
        frame.extend([0x81, 0, 0, 42].repeat(count));
        frame.extend(&plain[12..]);
        let expected = if count <= MAX_VLAN_TAGS as usize { Ok(()) } else { Err(Unparsed::TooDeep) };
        assert_eq!(read(&frame).0, expected, "{count} tags");
    }
}

/// What a header claims counts where it is more than what is there, because the rest may be in other buffers.
#[test]
fn the_longer_of_frame_and_claim_is_charged() {
    let mut frame = tcp_over_ipv4();
    let whole = parsed(&frame).bytes;
    frame.extend([0; 100]);
    assert_eq!(parsed(&frame).bytes, whole + 100, "padding was sent, too");
    frame[16..18].copy_from_slice(&9_000u16.to_be_bytes());
    assert_eq!(parsed(&frame).bytes, 14 + 9_000);

    let mut frame = udp_over_ipv6();
    frame[18..20].copy_from_slice(&u16::MAX.to_be_bytes());
    assert_eq!(parsed(&frame).bytes, 14 + 40 + 65_535);
}

#[test]
fn what_is_not_ip_is_not_judged() {
    let mut frame = tcp_over_ipv4();
    for ether_type in [0x0806u16, 0x88cc, 0x0026, 0x8847] {
        frame[12..14].copy_from_slice(&ether_type.to_be_bytes());
        assert_eq!(read(&frame), (Err(Unparsed::NotIp), Packet::unread(View::len(&&*frame))));
    }
}

/// A chain of extension headers by hand: kinds and length fields, then TCP.
fn chain(kinds: &[(u8, u8)]) -> Vec<u8> {
    let transport = &tcp_over_ipv4()[34..];
    let mut chain = Vec::new();
    for (index, (kind, field)) in kinds.iter().enumerate() {
        let next = kinds.get(index + 1).map_or(protocol::TCP, |(next, _)| *next);
        let length = match kind {
            44 => 8,
            51 => (usize::from(*field) + 2) * 4,
            _ => (usize::from(*field) + 1) * 8,
        };
        let mut header = vec![0; length];
        header[0] = next;
        // The second byte of a fragment header is reserved.
        header[1] = if *kind == 44 { 0 } else { *field };
        chain.extend(header);
    }
    let mut frame = udp_over_ipv6()[..54].to_vec();
    frame[20] = kinds.first().map_or(protocol::TCP, |(kind, _)| *kind);
    frame.extend(chain);
    frame.extend(transport);
    frame
}

fn extension() -> impl Strategy<Value = (u8, u8)> {
    (prop::sample::select(vec![0u8, 43, 44, 51, 60]), 0u8..40)
}

proptest! {
    /// The ports are found behind any chain up to the limit, and behind none beyond it.
    #[test]
    fn any_chain_of_extension_headers(kinds in prop::collection::vec(extension(), 0..12)) {
        let frame = chain(&kinds);
        let (result, packet) = read(&frame);
        if kinds.len() > MAX_IPV6_EXTENSIONS as usize {
            prop_assert_eq!(result, Err(Unparsed::TooDeep));
        } else {
            prop_assert_eq!(result, Ok(()));
            prop_assert_eq!(packet.destination_port, 443u16.to_be_bytes());
            prop_assert_eq!(packet.fragment, Fragment::Whole);
        }
    }

    /// A number that is no extension header ends the walk where it stands.
    #[test]
    fn an_unknown_number_forges_no_ports(
        number in any::<u8>().prop_filter("known", |n| ![0, 43, 44, 51, 60, 1, 6, 17, 58].contains(n)),
        before in prop::collection::vec(extension(), 0..6),
    ) {
        let mut kinds = before;
        kinds.push((number, 0));
        let (result, packet) = read(&chain(&kinds));
        prop_assert_eq!(result, Ok(()));
        prop_assert_eq!(packet.protocol, number);
        prop_assert_eq!((packet.source_port, packet.destination_port), ([0; 2], [0; 2]));
        prop_assert_eq!(packet.tcp_flags, 0);
    }

    /// Options of IPv4 move the ports, and nothing else does.
    #[test]
    fn options_of_ipv4(words in 0u8..=10, option: u8) {
        let plain = tcp_over_ipv4();
        let mut frame = plain[..34].to_vec();
        frame[14] = 0x45 + words;
        let total = 40 + 4 + u16::from(words) * 4;
        frame[16..18].copy_from_slice(&total.to_be_bytes());
        frame.extend(vec![option; usize::from(words) * 4]);
        frame.extend(&plain[34..]);
        let packet = parsed(&frame);
        prop_assert_eq!(packet.destination_port, 443u16.to_be_bytes());
        prop_assert_eq!(packet.bytes, View::len(&&*frame));
    }

    /// Cut within its headers a frame is malformed, and never something else.
    #[test]
    fn a_cut_frame_is_malformed(kinds in prop::collection::vec(extension(), 0..=6), cut in any::<prop::sample::Index>()) {
        let frame = chain(&kinds);
        let headers = frame.len() - 4;
        prop_assert_eq!(read(&frame[..cut.index(headers)]).0, Err(Unparsed::Malformed));
    }

    /// Whatever the bytes: no panic, and nothing read that is not there.
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200), link in 0usize..4) {
        let mut bytes = bytes;
        let types = [[0x08, 0x00], [0x86, 0xdd], [0x81, 0x00], [0x08, 0x06]];
        if let Some(place) = bytes.get_mut(12..14) {
            place.copy_from_slice(&types[link]);
        }
        let (result, packet) = read(&bytes);
        if result.is_ok() {
            prop_assert!(packet.source.family == family::IPV4 || packet.source.family == family::IPV6);
            if packet.source.family == family::IPV4 {
                prop_assert_eq!(&packet.source.address[4..], &[0; 12]);
            }
        }
        prop_assert!(packet.bytes as usize >= bytes.len());
    }
}
