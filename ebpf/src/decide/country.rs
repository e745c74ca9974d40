//! The country rule. The compiler has already turned countries into flags of the source.

use super::{Case, Step};
use crate::abi::{attribute, mode};
use crate::packet::{Fragment, TCP_ACK, TCP_SYN, protocol};
use crate::reason::Reason;
use crate::tables::{Clock, Tables};
use crate::verdict::Verdict;

#[inline(always)]
pub(super) fn judge<T: Tables, C: Clock>(case: &Case<'_, T, C>, verdict: &mut Verdict) -> Step {
    let reason = if case.attributes.has(attribute::COUNTRY_DENIED) {
        Reason::CountryDenied
    } else if case.attributes.has(attribute::UNKNOWN_DENIED) {
        Reason::CountryUnknown
    } else {
        return None;
    };
    if case.settings.scope & mode::COUNTRY_ALL == 0 && !starts_something(case) {
        return None;
    }
    if case.settings.modes & mode::MONITOR_COUNTRY != 0 {
        verdict.monitored |= reason.bit();
        return None;
    }
    Some(reason)
}

/// Whether the packet opens a conversation with this host, rather than answering one of the host's own.
#[inline(always)]
fn starts_something<T: Tables, C: Clock>(case: &Case<'_, T, C>) -> bool {
    let packet = case.packet;
    if packet.fragment == Fragment::Later {
        return false;
    }
    match packet.protocol {
        protocol::TCP => packet.tcp_flags & (TCP_SYN | TCP_ACK) == TCP_SYN,
        protocol::UDP => {
            packet.destination_port != [0; 2] && case.settings.udp_services.contains(&packet.destination_port)
        }
        _ => false,
    }
}
