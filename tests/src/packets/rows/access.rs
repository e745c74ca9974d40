//! Services with lists and country rules of their own.

use xdpgate_ebpf::reason::Reason::{
    self, Allowed, Blocklisted, CountryDenied, CountryUnknown, DefaultPass, WithinLimit,
};

use crate::packets::frame::{Frame, Ipv4, Ipv6, Payload};
use crate::packets::row::Row;
use crate::packets::scene::{Policy, Scene, USUAL};
use crate::packets::world::{
    ALLOWED, ALSO_BLOCKED, BLOCKED, BLOCKED_AND_WATCHED, DENIED, Origin, PLAIN, UNKNOWN, WATCHED,
    WATCHED_AND_DENIED,
};

const SYN: u8 = 2;
const ACK: u8 = 0x10;

/// The services of the scenes: `open` at 80 denies no country and skips a list; `home` at 443, over TCP and UDP, is for one
/// country; `quiet` at 8000 only counts; `all` at 9000 judges every packet; `plain` at 25 says nothing.
const SERVICES: &str = r#"
[[service]]
name = "open"
ports = [80]
[service.country]
deny = []
[service.lists]
skip = ["blocked"]

[[service]]
name = "home"
protocol = "tcp+udp"
ports = [443, 5060]
[service.country]
allow_only = ["FR"]
unknown = "drop"
[service.lists]
deny = ["watched"]
monitor = ["blocked"]

[[service]]
name = "quiet"
ports = [8000]
[service.country]
deny = ["FR"]
mode = "monitor"

[[service]]
name = "all"
ports = [9000]
[service.country]
deny = ["FR"]
scope = "all"

[[service]]
name = "plain"
ports = [25]
"#;

pub(super) fn scenes() -> Vec<Scene> {
    let rows = [country_rules(), of_every_packet(), lists(), what_comes_before()].concat();
    vec![Scene::new("services with their own access", &Policy { services: SERVICES, ..USUAL }, rows)]
}

fn both(name: &str, origin: Origin, payload: &Payload, reason: Reason) -> Vec<Row> {
    let row = |family: &str, frame: Frame| {
        Row::new(format!("{name} over {family} from {}", origin.name), frame, reason)
    };
    vec![
        row("IPv4", Ipv4::from(origin.ipv4).carrying(payload).ethernet()),
        row("IPv6", Ipv6::from(origin.ipv6).carrying(payload).ethernet()),
    ]
}

fn tcp(origin: Origin, port: u16, flags: u8, reason: Reason) -> Vec<Row> {
    both(&format!("TCP {flags:#x} to {port}"), origin, &Payload::tcp(40_000, port, flags), reason)
}

fn udp(origin: Origin, port: u16, reason: Reason) -> Vec<Row> {
    both(&format!("UDP to {port}"), origin, &Payload::udp(40_000, port), reason)
}

fn monitored(rows: Vec<Row>, reason: Reason) -> Vec<Row> {
    rows.into_iter().map(|row| row.monitored(reason)).collect()
}

fn dropped_by(rows: Vec<Row>, list: u8) -> Vec<Row> {
    rows.into_iter().map(|row| row.dropped_by_list(list)).collect()
}

fn watched_by(rows: Vec<Row>, list: u8) -> Vec<Row> {
    rows.into_iter().map(|row| row.watched_by_list(list)).collect()
}

fn country_rules() -> Vec<Row> {
    [
        // The policy's rule denies AQ, where a service has none of its own.
        tcp(DENIED, 22, SYN, CountryDenied),
        tcp(DENIED, 25, SYN, CountryDenied),
        tcp(PLAIN, 25, SYN, DefaultPass),
        tcp(DENIED, 80, SYN, DefaultPass),
        tcp(UNKNOWN, 80, SYN, DefaultPass),
        tcp(PLAIN, 443, SYN, DefaultPass),
        tcp(DENIED, 443, SYN, CountryDenied),
        tcp(UNKNOWN, 443, SYN, CountryUnknown),
        tcp(DENIED, 443, ACK, DefaultPass),
        udp(DENIED, 443, CountryDenied),
        // No port of country.udp_services, but one of a service with a rule.
        udp(DENIED, 5060, CountryDenied),
        udp(UNKNOWN, 5060, CountryUnknown),
        udp(PLAIN, 5060, DefaultPass),
        udp(DENIED, 5061, WithinLimit),
        monitored(tcp(PLAIN, 8000, SYN, DefaultPass), CountryDenied),
        tcp(DENIED, 8000, SYN, DefaultPass),
    ]
    .concat()
}

fn of_every_packet() -> Vec<Row> {
    [
        tcp(PLAIN, 9000, SYN, CountryDenied),
        tcp(PLAIN, 9000, ACK, CountryDenied),
        tcp(DENIED, 9000, ACK, DefaultPass),
        tcp(PLAIN, 9001, ACK, WithinLimit),
    ]
    .concat()
}

fn lists() -> Vec<Row> {
    [
        dropped_by(tcp(BLOCKED, 25, ACK, Blocklisted), 0),
        tcp(BLOCKED, 80, ACK, DefaultPass),
        watched_by(tcp(BLOCKED, 443, ACK, DefaultPass), 0),
        dropped_by(tcp(ALSO_BLOCKED, 443, ACK, Blocklisted), 2),
        watched_by(tcp(WATCHED, 25, ACK, DefaultPass), 1),
        // In its own mode, which is to count.
        watched_by(tcp(WATCHED, 443, ACK, DefaultPass), 1),
        watched_by(tcp(BLOCKED_AND_WATCHED, 80, ACK, DefaultPass), 1),
        watched_by(watched_by(tcp(BLOCKED_AND_WATCHED, 443, ACK, DefaultPass), 0), 1),
        watched_by(tcp(WATCHED_AND_DENIED, 443, SYN, CountryDenied), 1),
    ]
    .concat()
}

fn what_comes_before() -> Vec<Row> {
    [tcp(ALLOWED, 443, SYN, Allowed), udp(ALLOWED, 5060, Allowed)].concat()
}
