//! Ethernet: VLAN tags, and what is not IP.

use xdpgate_ebpf::reason::Reason;

use crate::packets::frame::{Frame, Ipv4, Ipv6, Network, Payload, VLAN, VLAN_SERVICE};
use crate::packets::row::Row;
use crate::packets::world::{BANNED, PLAIN};

const ARP: u16 = 0x0806;
const LLDP: u16 = 0x88cc;
/// Below 0x0600 the field is a length (IEEE 802.3).
const LENGTH_FIELD: u16 = 46;

pub(super) fn rows() -> Vec<Row> {
    [tagged(), not_ip(), too_short()].concat()
}

fn tagged() -> Vec<Row> {
    let stacks: &[(&str, &[u16])] = &[
        ("no tag", &[]),
        ("one 802.1Q tag", &[VLAN]),
        ("one 802.1ad tag", &[VLAN_SERVICE]),
        ("two tags", &[VLAN_SERVICE, VLAN]),
        ("two tags, the wrong way round", &[VLAN, VLAN_SERVICE]),
        ("three tags", &[VLAN_SERVICE, VLAN, VLAN]),
        ("four tags", &[VLAN, VLAN_SERVICE, VLAN, VLAN_SERVICE]),
        ("five tags", &[VLAN; 5]),
        ("five mixed tags", &[VLAN_SERVICE, VLAN, VLAN, VLAN_SERVICE, VLAN]),
        ("six tags", &[VLAN; 6]),
    ];
    let mut rows = Vec::new();
    for (name, tags) in stacks {
        let expected = |reason| if tags.len() > 4 { Reason::TooDeep } else { reason };
        for (origin, reason) in [(PLAIN, Reason::WithinLimit), (BANNED, Reason::Banned)] {
            let tcp = Payload::tcp(40_000, 80, 2);
            let v4 = Ipv4::from(origin.ipv4).carrying(&tcp).tagged(tags);
            rows.push(Row::new(format!("{name}, IPv4 from {}", origin.name), v4, expected(reason)));
            let v6 = Ipv6::from(origin.ipv6).carrying(&tcp).tagged(tags);
            rows.push(Row::new(format!("{name}, IPv6 from {}", origin.name), v6, expected(reason)));
        }
        let arp = Network::other(ARP, &arp_request()).tagged(tags);
        rows.push(Row::new(format!("{name}, ARP"), arp, expected(Reason::NotIp)));
    }
    rows
}

fn not_ip() -> Vec<Row> {
    let types: &[(&str, u16)] = &[
        ("ARP", ARP),
        ("LLDP", LLDP),
        ("802.3 length", LENGTH_FIELD),
        ("length 0", 0),
        ("spanning tree", 0x0026),
        ("the last length", 0x05dc),
        ("MPLS", 0x8847),
        ("PPPoE session", 0x8864),
        ("802.1X", 0x888e),
        ("MACsec", 0x88e5),
        ("the old QinQ type", 0x9100),
        ("one above IPv4", 0x0801),
        ("one below IPv6", 0x86dc),
        ("IPv4 with its bytes swapped", 0x0008),
        ("all ones", 0xffff),
    ];
    let row = |(name, ether_type): &(&str, u16)| {
        Row::new(*name, Network::other(*ether_type, &arp_request()).ethernet(), Reason::NotIp)
    };
    let mut rows: Vec<_> = types.iter().map(row).collect();
    // A banned source's IPv4 packet behind a type that is not IPv4 is not IPv4.
    let mut hidden = Ipv4::from(BANNED.ipv4).carrying(&Payload::udp(1, 2));
    hidden.ether_type = LLDP;
    hidden.headers = 0;
    rows.push(Row::new("IPv4 behind the type of LLDP", hidden.ethernet(), Reason::NotIp));
    rows.push(Row::new("a header alone", Network::other(ARP, &[]).ethernet(), Reason::NotIp));
    rows
}

fn too_short() -> Vec<Row> {
    let cut = |length| {
        let frame: Frame = Network::other(ARP, &[]).ethernet().cut(length);
        Frame { headers: length, ..frame }
    };
    (0..14).map(|length| Row::new(format!("{length} bytes"), cut(length), Reason::Malformed)).collect()
}

/// RFC 826: who has 192.0.2.200, asks a banned source.
fn arp_request() -> Vec<u8> {
    let mut request = vec![0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1];
    request.extend(BANNED.ipv4.octets());
    request.extend([0; 6]);
    request.extend([192, 0, 2, 200]);
    request
}
