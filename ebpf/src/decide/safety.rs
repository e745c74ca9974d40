//! What is never dropped.

use super::{Case, Step};
use crate::abi::{attribute, family};
use crate::packet::{Fragment, Packet, protocol};
use crate::reason::Reason;
use crate::tables::{Clock, Tables};

/// Neighbour discovery, RFC 4861: router solicitation to redirect.
const FIRST_NEIGHBOUR_TYPE: u8 = 133;
const LAST_NEIGHBOUR_TYPE: u8 = 137;
/// A router lowers it, so the highest value proves that the packet comes from the link (RFC 5082).
const FROM_THE_LINK: u8 = 255;

#[inline(always)]
pub(super) fn judge<T: Tables, C: Clock>(case: &Case<'_, T, C>) -> Step {
    if is_neighbour_discovery(case.packet) {
        return Some(Reason::Neighbour);
    }
    if case.attributes.has(attribute::MANAGEMENT) && is_to_management(case) {
        return Some(Reason::Management);
    }
    None
}

/// The counterpart of ARP: without it the host can't reach its own router, whoever is banned.
#[inline(always)]
fn is_neighbour_discovery(packet: &Packet) -> bool {
    packet.source.family == family::IPV6
        && packet.protocol == protocol::ICMPV6
        && packet.fragment == Fragment::Whole
        && packet.hop_limit == FROM_THE_LINK
        && packet.icmp_type >= FIRST_NEIGHBOUR_TYPE
        && packet.icmp_type <= LAST_NEIGHBOUR_TYPE
}

#[inline(always)]
fn is_to_management<T: Tables, C: Clock>(case: &Case<'_, T, C>) -> bool {
    let port = case.packet.destination_port;
    if (case.packet.protocol != protocol::TCP && case.packet.protocol != protocol::UDP) || port == [0; 2] {
        return false;
    }
    case.settings.management_ports.contains(&port)
}
