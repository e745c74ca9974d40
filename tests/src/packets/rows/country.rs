//! The country rule in all its forms.

use xdpgate_ebpf::reason::Reason::{
    self, Allowed, Banned, Blocklisted, CountryDenied, CountryUnknown, Fragment, Management, Neighbour,
    WithinLimit,
};

use crate::packets::frame::{Frame, Ipv4, Ipv6, Payload};
use crate::packets::row::Row;
use crate::packets::scene::{Policy, Scene, USUAL};
use crate::packets::world::{
    ALLOWED, BANNED, BLOCKED_AND_DENIED, DENIED, MANAGEMENT, MANAGEMENT_BLOCKED, Origin, PLAIN, UNKNOWN,
    WATCHED_AND_DENIED,
};

pub(super) fn scenes() -> Vec<Scene> {
    vec![
        every_packet(),
        unknown_dropped(),
        unknown_dropped_every_packet(),
        allow_only(),
        allow_only_strictly(),
        monitored(),
        monitored_unknown(),
        off(),
    ]
}

fn scene(name: &'static str, country: &str, rows: Vec<Row>) -> Scene {
    Scene::new(name, &Policy { country, ..USUAL }, rows)
}

fn both(name: &str, origin: Origin, payload: &Payload, reason: Reason) -> [Row; 2] {
    let row = |family: &str, frame: Frame| {
        Row::new(format!("{name} over {family} from {}", origin.name), frame, reason)
    };
    [
        row("IPv4", Ipv4::from(origin.ipv4).carrying(payload).ethernet()),
        row("IPv6", Ipv6::from(origin.ipv6).carrying(payload).ethernet()),
    ]
}

fn starting(origin: Origin, reason: Reason) -> Vec<Row> {
    [
        both("SYN", origin, &Payload::tcp(40_000, 80, 2), reason),
        both("UDP to DNS", origin, &Payload::udp(40_000, 53), reason),
        both("UDP to QUIC", origin, &Payload::udp(40_000, 443), reason),
    ]
    .concat()
}

fn answering(origin: Origin, reason: Reason) -> Vec<Row> {
    [
        both("SYN and ACK", origin, &Payload::tcp(443, 40_000, 0x12), reason),
        both("ACK", origin, &Payload::tcp(443, 40_000, 0x10), reason),
        both("UDP from DNS", origin, &Payload::udp(53, 40_000), reason),
        both("UDP to port 0", origin, &Payload::udp(53, 0), reason),
        both("ICMP", origin, &Payload::icmp(0), reason),
        both("ESP", origin, &Payload::other(50), reason),
        both("SCTP", origin, &Payload::other(132), reason),
    ]
    .concat()
}

fn later_fragment(origin: Origin, reason: Reason) -> Row {
    let frame = Ipv4::from(origin.ipv4).fragment(3, false).carrying(&Payload::other(6)).ethernet();
    Row::new(format!("later fragment from {}", origin.name), frame, reason)
}

fn every_packet() -> Scene {
    let neighbour = Ipv6::from(DENIED.ipv6).hop_limit(255).carrying(&Payload::icmpv6(135)).ethernet();
    let to_ssh = Payload::tcp(40_000, 22, 0x10);
    let rows = [
        starting(DENIED, CountryDenied),
        answering(DENIED, CountryDenied),
        vec![later_fragment(DENIED, CountryDenied)],
        answering(PLAIN, WithinLimit),
        answering(UNKNOWN, WithinLimit),
        answering(ALLOWED, Allowed),
        answering(BLOCKED_AND_DENIED, Blocklisted).into_iter().map(|row| row.dropped_by_list(0)).collect(),
        answering(WATCHED_AND_DENIED, CountryDenied).into_iter().map(|row| row.watched_by_list(1)).collect(),
        vec![Row::new("neighbour discovery from DENIED", neighbour, Neighbour)],
        both("TCP to SSH", MANAGEMENT_BLOCKED, &to_ssh, Management).to_vec(),
        both("TCP to SSH", DENIED, &to_ssh, CountryDenied).to_vec(),
    ];
    scene("denied countries, every packet", "deny = [\"AQ\"]\nscope = \"all\"", rows.concat())
}

fn unknown_dropped() -> Scene {
    let rows = [
        starting(UNKNOWN, CountryUnknown),
        answering(UNKNOWN, WithinLimit),
        starting(DENIED, CountryDenied),
        starting(PLAIN, WithinLimit),
        starting(BANNED, Banned),
        vec![later_fragment(UNKNOWN, Fragment)],
    ];
    scene("unknown countries dropped", "deny = [\"AQ\"]\nunknown = \"drop\"", rows.concat())
}

fn unknown_dropped_every_packet() -> Scene {
    let rows = [
        answering(UNKNOWN, CountryUnknown),
        answering(PLAIN, WithinLimit),
        answering(ALLOWED, Allowed),
        vec![later_fragment(UNKNOWN, CountryUnknown)],
        both("UDP to SSH", MANAGEMENT, &Payload::udp(40_000, 22), Management).to_vec(),
    ];
    let country = "deny = [\"AQ\"]\nunknown = \"drop\"\nscope = \"all\"";
    scene("unknown countries, every packet", country, rows.concat())
}

fn allow_only() -> Scene {
    let rows = [
        starting(PLAIN, WithinLimit),
        starting(UNKNOWN, WithinLimit),
        starting(DENIED, CountryDenied),
        answering(DENIED, WithinLimit),
    ];
    scene("one country allowed", "allow_only = [\"FR\"]", rows.concat())
}

fn allow_only_strictly() -> Scene {
    let rows = [
        starting(PLAIN, CountryDenied),
        starting(UNKNOWN, CountryUnknown),
        starting(DENIED, WithinLimit),
        answering(PLAIN, CountryDenied),
        answering(UNKNOWN, CountryUnknown),
        vec![later_fragment(PLAIN, CountryDenied), later_fragment(DENIED, Fragment)],
    ];
    let country = "allow_only = [\"AQ\"]\nunknown = \"drop\"\nscope = \"all\"";
    scene("one country allowed, every packet", country, rows.concat())
}

fn monitored() -> Scene {
    let would_drop = |row: Row| row.monitored(CountryDenied);
    let rows = [
        starting(DENIED, WithinLimit).into_iter().map(would_drop).collect(),
        answering(DENIED, WithinLimit),
        starting(PLAIN, WithinLimit),
        starting(WATCHED_AND_DENIED, WithinLimit)
            .into_iter()
            .map(|row| would_drop(row).watched_by_list(1))
            .collect(),
        starting(BLOCKED_AND_DENIED, Blocklisted).into_iter().map(|row| row.dropped_by_list(0)).collect(),
    ];
    scene("country rule monitored", "deny = [\"AQ\"]\nmode = \"monitor\"", rows.concat())
}

fn monitored_unknown() -> Scene {
    let rows = [
        answering(UNKNOWN, WithinLimit).into_iter().map(|row| row.monitored(CountryUnknown)).collect(),
        vec![later_fragment(UNKNOWN, Fragment).monitored(CountryUnknown)],
        answering(DENIED, WithinLimit).into_iter().map(|row| row.monitored(CountryDenied)).collect(),
    ];
    let country = "deny = [\"AQ\"]\nunknown = \"drop\"\nscope = \"all\"\nmode = \"monitor\"";
    scene("unknown countries monitored", country, rows.concat())
}

fn off() -> Scene {
    let rows = [starting(DENIED, WithinLimit), starting(UNKNOWN, WithinLimit)];
    scene("no country rule", "unknown = \"drop\"", rows.concat())
}
