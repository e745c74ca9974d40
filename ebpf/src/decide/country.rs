//! The country rule of the packet's service. The compiler has already told which rules deny the source.

use super::{Case, Step};
use crate::abi::{Access, access_flag};
use crate::packet::{Fragment, TCP_ACK, TCP_SYN, protocol};
use crate::reason::Reason;
use crate::tables::{Clock, Tables};
use crate::verdict::Verdict;

#[inline(always)]
pub(super) fn judge<T: Tables, C: Clock>(
    case: &Case<'_, T, C>,
    access: &Access,
    verdict: &mut Verdict,
) -> Step {
    if case.attributes.denied & access.country == 0 {
        return None;
    }
    if !access.has(access_flag::COUNTRY_ALL) && !starts_something(case, access) {
        return None;
    }
    let reason =
        if case.attributes.country == [0; 2] { Reason::CountryUnknown } else { Reason::CountryDenied };
    if access.has(access_flag::COUNTRY_MONITOR) {
        verdict.monitored |= reason.bit();
        return None;
    }
    Some(reason)
}

/// Whether the packet opens a conversation with this host, rather than answering one of the host's own.
#[inline(always)]
fn starts_something<T: Tables, C: Clock>(case: &Case<'_, T, C>, access: &Access) -> bool {
    let packet = case.packet;
    if packet.fragment == Fragment::Later {
        return false;
    }
    match packet.protocol {
        protocol::TCP => packet.tcp_flags & (TCP_SYN | TCP_ACK) == TCP_SYN,
        protocol::UDP if access.has(access_flag::UDP_STARTS) => true,
        protocol::UDP => {
            packet.destination_port != [0; 2] && case.settings.udp_services.contains(&packet.destination_port)
        }
        _ => false,
    }
}
