//! A pause, and a start without a policy: everything passes, and is counted as such.

use xdpgate_ebpf::reason::Reason;

use crate::packets::frame::{Ipv4, Ipv6, Network, Payload, VLAN};
use crate::packets::row::Row;
use crate::packets::scene::{Scene, State, USUAL};
use crate::packets::world::{ALLOWED, BANNED, BLOCKED, DENIED, PLAIN, WATCHED};

pub(super) fn scenes() -> Vec<Scene> {
    vec![
        Scene::new("paused", &USUAL, everything(Reason::Paused)).in_state(State::Paused),
        Scene::new("no policy", &USUAL, everything(Reason::NoPolicy)).in_state(State::NoPolicy),
    ]
}

fn everything(reason: Reason) -> Vec<Row> {
    let syn = Payload::tcp(40_000, 80, 2);
    let mut rows = Vec::new();
    for origin in [PLAIN, BANNED, BLOCKED, DENIED, ALLOWED, WATCHED] {
        let v4 = Ipv4::from(origin.ipv4).carrying(&syn).ethernet();
        rows.push(Row::new(format!("IPv4 from {}", origin.name), v4, reason));
        let v6 = Ipv6::from(origin.ipv6).carrying(&syn).ethernet();
        rows.push(Row::new(format!("IPv6 from {}", origin.name), v6, reason));
    }
    let malformed = Ipv4::from(BANNED.ipv4).carrying(&syn).ethernet().broken(14, 0x41);
    rows.push(Row::new("a malformed packet", malformed, reason));
    let deep = Ipv4::from(BANNED.ipv4).carrying(&syn).tagged(&[VLAN; 5]);
    rows.push(Row::new("too many tags", deep, reason));
    let arp = Network::other(0x0806, &[0; 28]).ethernet();
    rows.push(Row::new("ARP", arp, reason));
    let fragment = Ipv4::from(PLAIN.ipv4).fragment(9, true).carrying(&syn).ethernet();
    rows.push(Row::new("a later fragment", fragment, reason));
    rows
}
