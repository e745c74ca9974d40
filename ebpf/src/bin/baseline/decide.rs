//! The decision: allow, management, bans, list, country, limits, in the order of the program.

use xdpgate_ebpf::abi::family;
use xdpgate_ebpf::packet::{Fragment, Packet, TCP_ACK, TCP_SYN, protocol};

use crate::bucket::{self, Outcome};
use crate::maps::{self, PrefixKeys};

/// Bits of a leaf of the tries.
mod leaf {
    pub(super) const ALLOWED: u32 = 1;
    pub(super) const MANAGEMENT: u32 = 2;
    pub(super) const LISTED: u32 = 4;
    pub(super) const COUNTRY_DENIED: u32 = 8;
}

/// Why a packet left; its number is the row of its counter.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Exit {
    NotIp = 0,
    Malformed = 1,
    Allowed = 2,
    Management = 3,
    Banned = 4,
    Listed = 5,
    CountryDenied = 6,
    WithinLimit = 7,
    OverLimit = 8,
}

/// Rows of counters; a power of two, so that an index is masked and never checked.
pub(crate) const EXITS: u32 = 16;

impl Exit {
    #[inline(always)]
    pub(crate) const fn drops(self) -> bool {
        matches!(self, Self::Malformed | Self::Banned | Self::Listed | Self::CountryDenied | Self::OverLimit)
    }
}

const SSH: [u8; 2] = 22_u16.to_be_bytes();
const UDP_SERVICES: [[u8; 2]; 2] = [53_u16.to_be_bytes(), 443_u16.to_be_bytes()];

#[inline(always)]
pub(crate) fn decide(packet: &Packet, keys: &PrefixKeys) -> Exit {
    let [a, b, c, d, ..] = packet.source.address;
    let is_ipv4 = packet.source.family == family::IPV4;
    let known = if is_ipv4 { maps::leaf_v4(keys, [a, b, c, d]) } else { maps::leaf_v6(keys, &packet.source) };
    if known & leaf::ALLOWED != 0 {
        return Exit::Allowed;
    }
    if known & leaf::MANAGEMENT != 0 && is_to_management(packet) {
        return Exit::Management;
    }
    let ban = if is_ipv4 { maps::ban_v4([a, b, c, d]) } else { maps::ban_v6(&packet.source) };
    if let Some(until) = ban
        && maps::monotonic_ns() < until
    {
        return Exit::Banned;
    }
    if known & leaf::LISTED != 0 {
        return Exit::Listed;
    }
    if known & leaf::COUNTRY_DENIED != 0 && starts_something(packet) {
        return Exit::CountryDenied;
    }
    let outcome = if is_ipv4 {
        bucket::charge_v4(&[a, b, c, d], packet.bytes)
    } else {
        let [a, b, c, d, e, f, g, h, ..] = packet.source.address;
        bucket::charge_v6(&[a, b, c, d, e, f, g, h], packet.bytes)
    };
    match outcome {
        Outcome::Admitted => Exit::WithinLimit,
        Outcome::Rejected => Exit::OverLimit,
    }
}

#[inline(always)]
fn is_to_management(packet: &Packet) -> bool {
    matches!(packet.protocol, protocol::TCP | protocol::UDP) && packet.destination_port == SSH
}

#[inline(always)]
fn starts_something(packet: &Packet) -> bool {
    match (packet.fragment, packet.protocol) {
        (Fragment::Later, _) => false,
        (_, protocol::TCP) => packet.tcp_flags & (TCP_SYN | TCP_ACK) == TCP_SYN,
        (_, protocol::UDP) => UDP_SERVICES.contains(&packet.destination_port),
        _ => false,
    }
}
