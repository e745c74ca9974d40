//! IPv4 headers: options, lengths, versions.

use xdpgate_ebpf::reason::Reason;

use crate::packets::frame::{Ipv4, Payload};
use crate::packets::row::{Reads, Row};
use crate::packets::world::{BANNED, DENIED, PLAIN};

/// Where the IPv4 header begins.
const IPV4: usize = 14;

pub(super) fn rows() -> Vec<Row> {
    [options(), header_lengths(), versions(), total_lengths()].concat()
}

/// A wrong place for the ports would let the denied source in.
fn options() -> Vec<Row> {
    let row =
        |words: u8| {
            let syn = Payload::tcp(40_000, 80, 2);
            let frame = Ipv4::from(DENIED.ipv4).options(words).carrying(&syn).ethernet();
            Row::new(format!("IHL {}, SYN from DENIED", words + 5), frame, Reason::CountryDenied)
                .reads(Reads { ports: (40_000, 80), flags_or_type: 2, ..Reads::protocol(6) })
        };
    let reply = |words: u8| {
        let dns = Payload::udp(53, 40_000);
        let frame = Ipv4::from(DENIED.ipv4).options(words).carrying(&dns).ethernet();
        Row::new(format!("IHL {}, reply from DENIED", words + 5), frame, Reason::WithinLimit)
            .reads(Reads { ports: (53, 40_000), ..Reads::protocol(17) })
    };
    (0..=10).flat_map(|words| [row(words), reply(words)]).collect()
}

fn header_lengths() -> Vec<Row> {
    let short = |ihl: u8| {
        let frame = Ipv4::from(PLAIN.ipv4).carrying(&Payload::udp(1, 2)).ethernet().broken(IPV4, 0x40 | ihl);
        Row::new(format!("IHL {ihl}"), frame, Reason::Malformed)
    };
    let mut rows: Vec<_> = (0..5).map(short).collect();
    // 32 bytes are there, and the header alone claims 60.
    let beyond = Ipv4::from(PLAIN.ipv4).claiming(1_500).carrying(&Payload::other(132)).ethernet();
    let beyond = beyond.broken(IPV4, 0x4f);
    rows.push(Row::new("IHL 15 beyond the frame", beyond, Reason::Malformed));
    // Options fit the frame but not the packet.
    let beyond = Ipv4::from(PLAIN.ipv4).carrying(&Payload::tcp(1, 2, 2)).ethernet().broken(IPV4, 0x4e);
    rows.push(Row::new("IHL 14 beyond the total length", beyond, Reason::Malformed));
    rows
}

fn versions() -> Vec<Row> {
    let row = |version: u8| {
        let frame = Ipv4::from(PLAIN.ipv4).carrying(&Payload::udp(1, 2)).ethernet();
        Row::new(format!("version {version}"), frame.broken(IPV4, version << 4 | 5), Reason::Malformed)
    };
    (0..16).filter(|version| *version != 4).map(row).collect()
}

fn total_lengths() -> Vec<Row> {
    let claiming = |total: u16, words: u8| {
        Ipv4::from(BANNED.ipv4).options(words).claiming(total).carrying(&Payload::udp(1, 2)).ethernet()
    };
    let mut rows = Vec::new();
    for (total, words) in [(0, 0), (1, 0), (19, 0), (20, 1), (23, 1), (59, 10)] {
        let frame = claiming(total, words).broken(usize::MAX, 0);
        let name = format!("total length {total} with a header of {} bytes", 20 + words * 4);
        rows.push(Row::new(name, frame, Reason::Malformed));
    }
    for (total, words) in [(20, 0), (24, 1), (60, 10), (1_500, 0), (u16::MAX, 0)] {
        let name = format!("total length {total} with a header of {} bytes", 20 + words * 4);
        rows.push(Row::new(name, claiming(total, words), Reason::Banned));
    }
    rows
}
