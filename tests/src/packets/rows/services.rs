//! Services, plans and their limits, at the edge of their bursts. No token comes back within the test.

use std::net::Ipv4Addr;

use xdpgate_ebpf::packet::{TCP_ACK, TCP_SYN};
use xdpgate_ebpf::reason::Reason::{
    self, ConnectionLimit, CountryDenied, DefaultPass, PacketLimit, WithinLimit,
};

use crate::packets::frame::{Frame, Ipv4, Ipv6, Payload};
use crate::packets::row::Row;
use crate::packets::scene::{Policy, Scene, USUAL};
use crate::packets::world::{ALLOWED, BANNED, DENIED, MANAGEMENT, Origin, PLAIN, UNKNOWN};

const SERVICES: &str = r#"
[[plan]]
name = "partner"
prefixes = ["192.88.99.0/24", "2001:db8:b::/48"]
[[plan]]
name = "one-of-them"
prefixes = ["192.88.99.1", "2001:db8:b::/64"]

[[limit]]
name = "four"
rate = "1 packets/h"
burst = 4
[[limit]]
name = "three-opened"
algorithm = "fixed-window"
count = "3 connections"
window = "1 day"
[[limit]]
name = "ten-of-a-network"
algorithm = "sliding-window"
count = "10 packets"
window = "1 day"
key = "prefix"
[[limit]]
name = "small"
rate = "1 kB/s"
burst = "64 KiB"
[[limit]]
name = "one-watched"
algorithm = "leaky-bucket"
rate = "1 packets/h"
mode = "monitor"
[[limit]]
name = "one-opened"
algorithm = "fixed-window"
count = "1 connections"
window = "1 day"
on_exceed = "monitor"
[[limit]]
name = "of-a-country"
rate = "1 packets/h"
burst = 6
key = "country"

[[service]]
name = "web"
protocol = "tcp+udp"
ports = [8080, "9000-9010"]
limits = ["three-opened", "four", "ten-of-a-network"]
[service.plans]
partner = []
one-of-them = ["one-watched", "one-opened", "small"]

[[service]]
name = "one-address"
ports = [8080]
destinations = ["192.0.2.200", "2001:db8::1"]
limits = ["of-a-country"]

[[service]]
name = "ping"
protocol = "icmp"
limits = ["four"]
"#;

pub(super) fn scenes() -> Vec<Scene> {
    vec![web(), plans(), destinations()]
}

fn scene(name: &'static str, rows: Vec<Row>) -> Scene {
    Scene::new(name, &Policy { services: SERVICES, ..USUAL }, rows)
}

/// A packet of each family that is not for the guarded address itself.
fn both(origin: Origin, payload: &Payload, reason: Reason) -> Vec<Row> {
    let v4 = Ipv4::from(origin.ipv4).carrying(payload).ethernet();
    let v6 = Ipv6::from(origin.ipv6).carrying(payload).ethernet();
    vec![
        Row::new(format!("IPv4 from {}", origin.name), v4, reason),
        Row::new(format!("IPv6 from {}", origin.name), v6, reason),
    ]
}

fn several(count: usize, origin: Origin, payload: &Payload, reason: Reason) -> Vec<Row> {
    vec![both(origin, payload, reason); count].concat()
}

fn web() -> Scene {
    let syn = Payload::tcp(40_000, 9_000, TCP_SYN);
    let segment = Payload::tcp(40_000, 9_010, TCP_ACK);
    let datagram = Payload::udp(40_000, 9_005);
    let neighbour = |last| {
        let [a, b, c, _] = PLAIN.ipv4.octets();
        let frame: Frame = Ipv4::from(Ipv4Addr::new(a, b, c, last)).carrying(&datagram).ethernet();
        frame
    };
    let mut rows = [
        several(3, PLAIN, &syn, WithinLimit),
        several(2, PLAIN, &syn, ConnectionLimit),
        several(1, PLAIN, &segment, WithinLimit),
        several(1, PLAIN, &datagram, PacketLimit),
        several(1, PLAIN, &Payload::udp(40_000, 9_011), WithinLimit),
        several(5, ALLOWED, &syn, Reason::Allowed),
        several(1, BANNED, &syn, Reason::Banned),
        both(DENIED, &syn, CountryDenied),
        several(4, MANAGEMENT, &datagram, WithinLimit),
        several(1, MANAGEMENT, &datagram, PacketLimit),
        both(MANAGEMENT, &Payload::tcp(40_000, 22, TCP_SYN), Reason::Management),
    ]
    .concat();
    for (last, admitted) in [(101, 4), (102, 2)] {
        rows.extend(vec![Row::new("of the same network", neighbour(last), WithinLimit); admitted]);
    }
    rows.push(Row::new("the network's window is full", neighbour(103), PacketLimit));
    scene("services", rows)
}

fn plans() -> Scene {
    let datagram = Payload::udp(40_000, 9_000);
    let [a, b, c, _] = UNKNOWN.ipv4.octets();
    let partner = Ipv4::from(Ipv4Addr::new(a, b, c, 77)).carrying(&datagram).ethernet();
    let mut rows = vec![Row::new("unlimited", partner, DefaultPass); 9];
    rows.extend(both(UNKNOWN, &datagram, WithinLimit));
    for _ in 0..3 {
        let over = both(UNKNOWN, &datagram, WithinLimit);
        rows.extend(over.into_iter().map(|row| row.monitored(PacketLimit)));
    }
    let syn = Payload::tcp(40_000, 9_000, TCP_SYN);
    rows.extend(both(UNKNOWN, &syn, WithinLimit).into_iter().map(|row| row.monitored(PacketLimit)));
    let twice = both(UNKNOWN, &syn, WithinLimit).into_iter();
    rows.extend(twice.map(|row| row.monitored(PacketLimit).monitored(ConnectionLimit)));
    scene("plans", rows)
}

/// The addresses of the guarded host are a service of their own.
fn destinations() -> Scene {
    let segment = Payload::tcp(40_000, 8_080, TCP_ACK);
    let ping = Payload::icmp(8);
    let mut rows = several(3, PLAIN, &segment, WithinLimit);
    rows.extend(both(PLAIN, &segment, PacketLimit));
    rows.extend(both(UNKNOWN, &segment, WithinLimit));
    rows.extend(vec![Row::new("ping", Ipv4::from(PLAIN.ipv4).carrying(&ping).ethernet(), WithinLimit); 4]);
    rows.push(Row::new("one more", Ipv4::from(PLAIN.ipv4).carrying(&ping).ethernet(), PacketLimit));
    scene("destinations", rows)
}
