//! IPv6 neighbour discovery: without it the host loses its router.

use xdpgate_ebpf::reason::Reason;

use crate::packets::frame::{Extension, Ipv4, Ipv6, Payload};
use crate::packets::row::Row;
use crate::packets::world::{ALLOWED, BANNED, BLOCKED, MANAGEMENT, PLAIN};

/// RFC 4861: router solicitation to redirect.
const NEIGHBOUR_TYPES: std::ops::RangeInclusive<u8> = 133..=137;

pub(super) fn rows() -> Vec<Row> {
    [from_the_link(), from_afar(), look_alikes()].concat()
}

fn from_the_link() -> Vec<Row> {
    let mut rows = Vec::new();
    for kind in NEIGHBOUR_TYPES {
        let message = Payload::icmpv6(kind);
        for (origin, reason) in [
            (PLAIN, Reason::Neighbour),
            (BANNED, Reason::Neighbour),
            (BLOCKED, Reason::Neighbour),
            (MANAGEMENT, Reason::Neighbour),
            (ALLOWED, Reason::Allowed),
        ] {
            let name = format!("neighbour discovery type {kind} from {}", origin.name);
            let frame = Ipv6::from(origin.ipv6).hop_limit(255).carrying(&message).ethernet();
            rows.push(Row::new(name, frame, reason));
        }
        // A router alert may stand before it.
        let frame = Ipv6::from(BANNED.ipv6)
            .hop_limit(255)
            .extensions(&[Extension::HopByHop(0)])
            .carrying(&message)
            .ethernet();
        rows.push(Row::new(
            format!("neighbour discovery type {kind} behind options"),
            frame,
            Reason::Neighbour,
        ));
    }
    rows
}

/// A router lowers the hop limit: 255 proves that the sender is on the link (RFC 5082).
fn from_afar() -> Vec<Row> {
    let mut rows = Vec::new();
    for kind in NEIGHBOUR_TYPES {
        for hop_limit in [0, 1, 64, 254] {
            let frame = Ipv6::from(BANNED.ipv6).hop_limit(hop_limit).carrying(&Payload::icmpv6(kind));
            let name = format!("type {kind} with hop limit {hop_limit} from BANNED");
            rows.push(Row::new(name, frame.ethernet(), Reason::Banned));
        }
    }
    rows
}

fn look_alikes() -> Vec<Row> {
    let mut rows = Vec::new();
    for kind in [0, 1, 128, 129, 130, 131, 132, 138, 139, 143, 255] {
        let frame = Ipv6::from(BANNED.ipv6).hop_limit(255).carrying(&Payload::icmpv6(kind)).ethernet();
        rows.push(Row::new(format!("ICMPv6 type {kind} from the link, BANNED"), frame, Reason::Banned));
    }
    // RFC 6980 forbids neighbour discovery in fragments.
    for (offset, more) in [(0, true), (1, false)] {
        let frame = Ipv6::from(BANNED.ipv6)
            .hop_limit(255)
            .extensions(&[Extension::Fragment(offset, more)])
            .carrying(&Payload::icmpv6(135));
        let name = format!("neighbour discovery in a fragment at {offset} from BANNED");
        rows.push(Row::new(name, frame.ethernet(), Reason::Banned));
    }
    // ICMPv6 over IPv4, and ICMP of the same type, are not neighbour discovery.
    let over_ipv4 = Ipv4::from(BANNED.ipv4).carrying(&Payload::icmpv6(135)).ethernet();
    rows.push(Row::new(
        "ICMPv6 type 135 over IPv4 from BANNED",
        over_ipv4.with_byte(22, 255),
        Reason::Banned,
    ));
    let icmp = Ipv6::from(BANNED.ipv6).hop_limit(255).carrying(&Payload::icmp(135)).ethernet();
    rows.push(Row::new("ICMP type 135 over IPv6 from BANNED", icmp, Reason::Banned));
    rows
}
