//! All lists in monitor mode: the packet goes on, and each list counts it.

use xdpgate_ebpf::reason::Reason;

use crate::packets::frame::{Ipv4, Ipv6, Payload};
use crate::packets::row::Row;
use crate::packets::scene::{Policy, Scene, USUAL};
use crate::packets::world::{
    ALLOWED, ALSO_BLOCKED, BLOCKED, BLOCKED_AND_BANNED, BLOCKED_AND_DENIED, BLOCKED_AND_WATCHED,
    BLOCKED_TWICE, MANAGEMENT_BLOCKED, Origin, PLAIN, WATCHED,
};

pub(super) fn scenes() -> Vec<Scene> {
    let cases: &[(Origin, Reason, &[u8])] = &[
        (PLAIN, Reason::WithinLimit, &[]),
        (BLOCKED, Reason::WithinLimit, &[0]),
        (ALSO_BLOCKED, Reason::WithinLimit, &[2]),
        (BLOCKED_TWICE, Reason::WithinLimit, &[0, 2]),
        (WATCHED, Reason::WithinLimit, &[1]),
        (BLOCKED_AND_WATCHED, Reason::WithinLimit, &[0, 1]),
        (BLOCKED_AND_DENIED, Reason::CountryDenied, &[0]),
        // Lists come after bans and the allowlist.
        (BLOCKED_AND_BANNED, Reason::Banned, &[]),
        (ALLOWED, Reason::Allowed, &[]),
        (MANAGEMENT_BLOCKED, Reason::CountryDenied, &[0]),
    ];
    let rows = cases.iter().flat_map(|(origin, reason, bits)| {
        let syn = Payload::tcp(40_000, 80, 2);
        let v4 = Ipv4::from(origin.ipv4).carrying(&syn).ethernet();
        let v6 = Ipv6::from(origin.ipv6).carrying(&syn).ethernet();
        [("IPv4", v4), ("IPv6", v6)].map(|(family, frame)| {
            let row = Row::new(format!("SYN over {family} from {}", origin.name), frame, *reason);
            bits.iter().fold(row, |row, bit| row.watched_by_list(*bit))
        })
    });
    vec![Scene::new("lists monitored", &Policy { lists: "monitor", ..USUAL }, rows.collect())]
}
