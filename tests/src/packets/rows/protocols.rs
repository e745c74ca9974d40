//! Transport headers as they are read.

use xdpgate_ebpf::reason::Reason;

use crate::packets::frame::{Ipv4, Ipv6, Payload};
use crate::packets::row::{Reads, Row};
use crate::packets::world::{DENIED, PLAIN};

/// Where TCP's data offset is, behind Ethernet and IPv4.
const DATA_OFFSET: usize = 14 + 20 + 12;

pub(super) fn rows() -> Vec<Row> {
    [tcp_flags(), data_offsets(), icmp_types(), bare_headers()].concat()
}

/// What opens a connection is a SYN without ACK, whatever else is set.
fn tcp_flags() -> Vec<Row> {
    let row = |flags: u8| {
        let opens = flags & 0x12 == 0x02;
        let reason = if opens { Reason::CountryDenied } else { Reason::WithinLimit };
        let tcp = Payload::tcp(443, 40_000, flags);
        let reads = Reads { ports: (443, 40_000), flags_or_type: flags, ..Reads::protocol(6) };
        let v4 = Ipv4::from(DENIED.ipv4).carrying(&tcp).ethernet();
        let v6 = Ipv6::from(DENIED.ipv6).carrying(&tcp).ethernet();
        [("IPv4", v4), ("IPv6", v6)].map(|(family, frame)| {
            Row::new(format!("TCP flags {flags:#04x} over {family}"), frame, reason).reads(reads)
        })
    };
    (0..=u8::MAX).flat_map(row).collect()
}

fn data_offsets() -> Vec<Row> {
    let row = |words: u8| {
        let frame = Ipv4::from(PLAIN.ipv4).carrying(&Payload::tcp(1, 2, 0x10)).ethernet();
        let name = format!("TCP data offset {words}");
        if words < 5 {
            return Row::new(name, frame.broken(DATA_OFFSET, words << 4), Reason::Malformed);
        }
        // Options are not read, so they need not be there.
        Row::new(name, frame.with_byte(DATA_OFFSET, words << 4), Reason::WithinLimit)
    };
    (0..16).map(row).collect()
}

fn icmp_types() -> Vec<Row> {
    let row = |kind: u8| {
        let v4 = Ipv4::from(DENIED.ipv4).carrying(&Payload::icmp(kind)).ethernet();
        let v6 = Ipv6::from(DENIED.ipv6).carrying(&Payload::icmpv6(kind)).ethernet();
        let reads = |protocol| Reads { flags_or_type: kind, ..Reads::protocol(protocol) };
        [
            Row::new(format!("ICMP type {kind}"), v4, Reason::WithinLimit).reads(reads(1)),
            Row::new(format!("ICMPv6 type {kind}"), v6, Reason::WithinLimit).reads(reads(58)),
        ]
    };
    [0, 3, 5, 8, 11, 13, 128, 129, 1, 2, 4, 130, 143, 255].into_iter().flat_map(row).collect()
}

/// A header at the very end of the frame is whole.
fn bare_headers() -> Vec<Row> {
    let payloads = [
        ("TCP", Payload::tcp(1, 2, 0x10)),
        ("UDP", Payload::udp(1, 2)),
        ("ICMP", Payload::icmp(0)),
        ("ICMPv6", Payload::icmpv6(128)),
        ("ESP", Payload::other(50)),
    ];
    let row = |(name, payload): (&str, Payload)| {
        let payload = payload.bare();
        [
            Row::new(
                format!("{name} over IPv4 and no byte more"),
                Ipv4::from(PLAIN.ipv4).carrying(&payload).ethernet(),
                Reason::WithinLimit,
            ),
            Row::new(
                format!("{name} over IPv6 and no byte more"),
                Ipv6::from(PLAIN.ipv6).carrying(&payload).ethernet(),
                Reason::WithinLimit,
            ),
        ]
    };
    payloads.into_iter().flat_map(row).collect()
}
