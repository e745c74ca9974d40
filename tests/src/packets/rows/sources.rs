//! Every kind of source with every kind of packet.

use xdpgate_ebpf::reason::Reason::{
    self, Allowed, Banned, Blocklisted, CountryDenied, Management, WithinLimit,
};

use crate::packets::frame::{Ipv4, Ipv6, Payload};
use crate::packets::row::Row;
use crate::packets::world::{
    ALLOWED, ALSO_BLOCKED, BANNED, BANNED_BY_OUTER, BLOCKED, BLOCKED_AND_BANNED, BLOCKED_AND_DENIED,
    BLOCKED_AND_WATCHED, BLOCKED_TWICE, DENIED, MANAGEMENT, MANAGEMENT_BANNED, MANAGEMENT_BLOCKED, Origin,
    PARDONED, PLAIN, PREFIX_BANNED, UNKNOWN, WATCHED, WATCHED_AND_DENIED,
};

/// What becomes of a source's packets.
struct Standing {
    origin: Origin,
    /// Of a packet that starts something.
    opening: Reason,
    /// Of one that starts something at a management port.
    managing: Reason,
    /// Of any other packet.
    other: Reason,
}

const fn always(origin: Origin, reason: Reason) -> Standing {
    Standing { origin, opening: reason, managing: reason, other: reason }
}

const fn managing(origin: Origin, reason: Reason) -> Standing {
    Standing { managing: Management, ..always(origin, reason) }
}

const fn denied(origin: Origin) -> Standing {
    Standing { origin, opening: CountryDenied, managing: CountryDenied, other: WithinLimit }
}

const STANDINGS: [Standing; 19] = [
    always(PLAIN, WithinLimit),
    denied(DENIED),
    always(UNKNOWN, WithinLimit),
    always(BANNED, Banned),
    always(PREFIX_BANNED, Banned),
    always(BANNED_BY_OUTER, Banned),
    always(PARDONED, WithinLimit),
    always(BLOCKED, Blocklisted),
    always(ALSO_BLOCKED, Blocklisted),
    always(BLOCKED_TWICE, Blocklisted),
    always(WATCHED, WithinLimit),
    always(BLOCKED_AND_WATCHED, Blocklisted),
    denied(WATCHED_AND_DENIED),
    always(BLOCKED_AND_DENIED, Blocklisted),
    always(BLOCKED_AND_BANNED, Banned),
    always(ALLOWED, Allowed),
    managing(MANAGEMENT, WithinLimit),
    managing(MANAGEMENT_BANNED, Banned),
    managing(MANAGEMENT_BLOCKED, Blocklisted),
];

/// What a packet is to the host.
#[derive(Clone, Copy)]
enum Kind {
    Opening,
    Managing,
    /// To a management port, but not the beginning of anything.
    ManagingOn,
    Other,
}

struct Probe {
    name: &'static str,
    payload: Payload,
    kind: Kind,
}

pub(super) fn rows() -> Vec<Row> {
    let probes = probes();
    let mut rows = Vec::new();
    for standing in &STANDINGS {
        for Probe { name, payload, kind } in &probes {
            let reason = match kind {
                Kind::Opening => standing.opening,
                Kind::Managing => standing.managing,
                Kind::ManagingOn if standing.managing == Management => Management,
                Kind::ManagingOn | Kind::Other => standing.other,
            };
            let origin = standing.origin;
            let v4 = Ipv4::from(origin.ipv4).carrying(payload).ethernet();
            let v6 = Ipv6::from(origin.ipv6).carrying(payload).ethernet();
            for (family, frame) in [("IPv4", v4), ("IPv6", v6)] {
                let name = format!("{name} over {family} from {}", origin.name);
                rows.push(listed(origin, Row::new(name, frame, reason)));
            }
        }
    }
    rows
}

/// Which lists have a part in it: the lowest one that enforces drops, those that watch count.
fn listed(origin: Origin, row: Row) -> Row {
    if matches!(row.reason, Allowed | Banned | Management) {
        return row;
    }
    let row = if row.reason == Blocklisted {
        row.dropped_by_list(if origin == ALSO_BLOCKED { 2 } else { 0 })
    } else {
        row
    };
    if [WATCHED, BLOCKED_AND_WATCHED, WATCHED_AND_DENIED].contains(&origin) {
        return row.watched_by_list(1);
    }
    row
}

fn probes() -> Vec<Probe> {
    let other = |name, payload| Probe { name, payload, kind: Kind::Other };
    let opening = |name, payload| Probe { name, payload, kind: Kind::Opening };
    let managing = |name, payload| Probe { name, payload, kind: Kind::Managing };
    vec![
        opening("TCP SYN", Payload::tcp(40_000, 80, 0x02)),
        opening("TCP SYN with ECE and CWR", Payload::tcp(40_000, 80, 0xc2)),
        opening("TCP SYN and FIN", Payload::tcp(40_000, 80, 0x03)),
        other("TCP SYN and ACK", Payload::tcp(80, 40_000, 0x12)),
        other("TCP ACK", Payload::tcp(80, 40_000, 0x10)),
        other("TCP FIN and ACK", Payload::tcp(80, 40_000, 0x11)),
        other("TCP RST", Payload::tcp(80, 40_000, 0x04)),
        other("TCP without flags", Payload::tcp(80, 40_000, 0)),
        opening("UDP to DNS", Payload::udp(40_000, 53)),
        opening("UDP to QUIC", Payload::udp(40_000, 443)),
        other("UDP from DNS", Payload::udp(53, 40_000)),
        other("UDP to port 0", Payload::udp(40_000, 0)),
        other("UDP to a port next to a service", Payload::udp(40_000, 444)),
        managing("TCP SYN to SSH", Payload::tcp(40_000, 22, 0x02)),
        managing("TCP SYN to the second management port", Payload::tcp(40_000, 8443, 0x02)),
        Probe { name: "TCP ACK to SSH", payload: Payload::tcp(40_000, 22, 0x10), kind: Kind::ManagingOn },
        Probe { name: "UDP to SSH", payload: Payload::udp(40_000, 22), kind: Kind::ManagingOn },
        other("TCP from SSH", Payload::tcp(22, 40_000, 0x10)),
        other("TCP to port 0", Payload::tcp(40_000, 0, 0x10)),
        other("ICMP echo", Payload::icmp(8)),
        other("ICMPv6 echo", Payload::icmpv6(128)),
        other("IGMP", Payload::other(2)),
        other("IP in IP", Payload::other(4)),
        other("IPv6 in IP", Payload::other(41)),
        other("GRE", Payload::other(47)),
        other("ESP", Payload::other(50)),
        other("OSPF", Payload::other(89)),
        other("PIM", Payload::other(103)),
        other("VRRP", Payload::other(112)),
        // Ports 40000 to 22, where TCP and UDP have theirs.
        other("SCTP to SSH", Payload { protocol: 132, headers: 0, ..Payload::udp(40_000, 22) }),
        other("DCCP", Payload::other(33)),
        other("UDP-Lite", Payload::other(136)),
        other("an experimental protocol", Payload::other(253)),
        other("a reserved protocol", Payload::other(255)),
    ]
}
