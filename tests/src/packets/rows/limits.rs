//! The limits of each source at the edge of their bursts. Rates are so low that no token comes back within the test.

use std::net::{Ipv4Addr, Ipv6Addr};

use xdpgate_ebpf::reason::Reason::{
    self, Allowed, Banned, ByteLimit, DefaultDrop, DefaultPass, Fragment, Management, Neighbour, NotIp,
    PacketLimit, WithinLimit,
};

use crate::packets::frame::{Extension, Frame, Ipv4, Ipv6, Network, Payload, VLAN};
use crate::packets::row::Row;
use crate::packets::scene::{Policy, Scene, USUAL};
use crate::packets::world::{ALLOWED, BANNED, MANAGEMENT, Origin, PLAIN, UNKNOWN};

const THREE_PACKETS: &str = "packets = \"1/h\"\npackets_burst = 3";
const BURST_BYTES: &str = "bytes = \"1 kB/s\"\nbytes_burst = 65536";
/// With 14 bytes of Ethernet, exactly the burst in bytes.
const WHOLE_BURST: u16 = 65_522;

pub(super) fn scenes() -> Vec<Scene> {
    vec![packets(), bytes(), packets_and_bytes(), monitored(), wide_keys(), none(), default_drop()]
}

fn scene(name: &'static str, limits: &str, rows: Vec<Row>) -> Scene {
    Scene::new(name, &Policy { limits, ..USUAL }, rows)
}

fn v4(source: Ipv4Addr) -> Frame {
    Ipv4::from(source).carrying(&Payload::udp(40_000, 5_000)).ethernet()
}

fn v6(source: Ipv6Addr) -> Frame {
    Ipv6::from(source).carrying(&Payload::udp(40_000, 5_000)).ethernet()
}

/// One packet of each family.
fn one(origin: Origin, reason: Reason) -> Vec<Row> {
    vec![
        Row::new(format!("IPv4 from {}", origin.name), v4(origin.ipv4), reason),
        Row::new(format!("IPv6 from {}", origin.name), v6(origin.ipv6), reason),
    ]
}

fn several(count: usize, origin: Origin, reason: Reason) -> Vec<Row> {
    vec![one(origin, reason); count].concat()
}

fn packets() -> Scene {
    let same_64 = Ipv6Addr::from_bits(UNKNOWN.ipv6.to_bits() ^ 0xffff);
    let next_64 = Ipv6Addr::from_bits(UNKNOWN.ipv6.to_bits() ^ (1 << 64));
    let fragment = Ipv4::from(PLAIN.ipv4).fragment(3, false).carrying(&Payload::other(17)).ethernet();
    let rows = [
        several(3, PLAIN, WithinLimit),
        several(4, PLAIN, PacketLimit),
        several(5, ALLOWED, Allowed),
        several(5, BANNED, Banned),
        vec![Row::new("a later fragment has its own rule", fragment, Fragment)],
        several(2, UNKNOWN, WithinLimit),
        vec![
            Row::new("the third of a /64", v6(same_64), WithinLimit),
            Row::new("the fourth of a /64", v6(same_64), PacketLimit),
            Row::new("of the next /64", v6(next_64), WithinLimit),
            Row::new("the third of a /32", v4(UNKNOWN.ipv4), WithinLimit),
            Row::new("the fourth of a /32", v4(UNKNOWN.ipv4), PacketLimit),
        ],
    ];
    scene("limit in packets", THREE_PACKETS, rows.concat())
}

fn claiming(source: Ipv4Addr, total: u16) -> Network {
    Ipv4::from(source).claiming(total).carrying(&Payload::udp(40_000, 5_000))
}

/// What a header claims is charged, so that the buffers of a large frame need not be counted.
fn bytes() -> Scene {
    let long = Ipv6::from(PLAIN.ipv6)
        .extensions(&[Extension::Destination(255), Extension::Destination(6)])
        .carrying(&Payload::udp(40_000, 5_000))
        .ethernet();
    let fits = long.bytes.len();
    let mut rows = vec![
        Row::new("the whole burst at once", claiming(PLAIN.ipv4, WHOLE_BURST).ethernet(), WithinLimit),
        Row::new("when nothing is left", claiming(PLAIN.ipv4, 10_000).ethernet(), ByteLimit),
        Row::new("a byte over the burst", claiming(UNKNOWN.ipv4, WHOLE_BURST + 1).ethernet(), ByteLimit),
        Row::new("a tag makes it longer", claiming(UNKNOWN.ipv4, WHOLE_BURST).tagged(&[VLAN]), ByteLimit),
        Row::new(
            "a rejected one was not charged",
            claiming(UNKNOWN.ipv4, WHOLE_BURST).ethernet(),
            WithinLimit,
        ),
    ];
    let many = 65_536 / fits;
    rows.extend((0..many).map(|_| Row::new("long IPv6 frames", long.clone(), WithinLimit)));
    rows.push(Row::new("the frame over the burst", long, ByteLimit));
    scene("limit in bytes", BURST_BYTES, rows)
}

fn packets_and_bytes() -> Scene {
    let over = || claiming(PLAIN.ipv4, u16::MAX).ethernet();
    let small = || v4(PLAIN.ipv4);
    let rows = vec![
        Row::new("over the bytes", over(), ByteLimit),
        Row::new("the first", small(), WithinLimit),
        Row::new("the second", small(), WithinLimit),
        Row::new("the third, since the rejected one was charged to none", small(), WithinLimit),
        Row::new("over the packets", small(), PacketLimit),
        Row::new("over both", over(), ByteLimit),
    ];
    scene("limits in packets and bytes", &format!("{THREE_PACKETS}\n{BURST_BYTES}"), rows)
}

fn monitored() -> Scene {
    let over = claiming(UNKNOWN.ipv4, u16::MAX).ethernet();
    let rows = [
        several(3, PLAIN, WithinLimit),
        several(3, PLAIN, DefaultPass).into_iter().map(|row| row.monitored(PacketLimit)).collect(),
        vec![Row::new("over the bytes", over, DefaultPass).monitored(ByteLimit)],
        several(2, BANNED, Banned),
    ];
    let limits = format!("{THREE_PACKETS}\n{BURST_BYTES}\nmode = \"monitor\"");
    scene("limits monitored", &limits, rows.concat())
}

fn wide_keys() -> Scene {
    let in_24 = Ipv4Addr::new(198, 51, 100, 99);
    let in_23 = Ipv4Addr::new(198, 51, 101, 99);
    let in_48 = Ipv6Addr::new(0x2001, 0xdb8, 1, 0xffff, 1, 2, 3, 4);
    let in_47 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0xffff, 1, 2, 3, 4);
    let rows = vec![
        Row::new("the first of a /24", v4(PLAIN.ipv4), WithinLimit),
        Row::new("the second of a /24", v4(in_24), WithinLimit),
        Row::new("the third of a /24", v4(in_24), WithinLimit),
        Row::new("the fourth of a /24", v4(PLAIN.ipv4), PacketLimit),
        Row::new("of the next /24", v4(in_23), WithinLimit),
        Row::new("the first of a /48", v6(PLAIN.ipv6), WithinLimit),
        Row::new("the second of a /48", v6(in_48), WithinLimit),
        Row::new("the third of a /48", v6(in_48), WithinLimit),
        Row::new("the fourth of a /48", v6(PLAIN.ipv6), PacketLimit),
        Row::new("of the next /48", v6(in_47), WithinLimit),
    ];
    let limits = format!("{THREE_PACKETS}\nipv4_prefix = 24\nipv6_prefix = 48");
    scene("limits of wide prefixes", &limits, rows)
}

fn none() -> Scene {
    let rows = [several(5, PLAIN, DefaultPass), several(2, BANNED, Banned), several(2, ALLOWED, Allowed)];
    scene("no limits", "", rows.concat())
}

/// What is dropped by default is not charged, so no limit speaks.
fn default_drop() -> Scene {
    let ssh = Ipv4::from(MANAGEMENT.ipv4).carrying(&Payload::tcp(40_000, 22, 2)).ethernet();
    let neighbour = Ipv6::from(PLAIN.ipv6).hop_limit(255).carrying(&Payload::icmpv6(135)).ethernet();
    let fragment = Ipv4::from(PLAIN.ipv4).fragment(3, false).carrying(&Payload::other(17)).ethernet();
    let arp = Network::other(0x0806, &[0; 28]).ethernet();
    let rows = [
        several(5, PLAIN, DefaultDrop),
        several(2, MANAGEMENT, DefaultDrop),
        several(2, BANNED, Banned),
        several(2, ALLOWED, Allowed),
        vec![
            Row::new("to SSH from MANAGEMENT", ssh, Management),
            Row::new("neighbour discovery", neighbour, Neighbour),
            Row::new("a later fragment, by its own rule", fragment, Fragment),
            Row::new("ARP", arp, NotIp),
        ],
    ];
    let policy = Policy { default_action: "drop", limits: THREE_PACKETS, ..USUAL };
    Scene::new("default drop", &policy, rows.concat())
}
