//! Whose packets a limit counts together.

use super::RuleCase;
use crate::abi::{LimitRow, family, limit_key, limit_unit};
use crate::buckets::BucketKey;
use crate::packet::{Fragment, TCP_ACK, TCP_SYN, protocol};

/// The key of the packet's bucket. The salt is that of its service.
#[inline(always)]
#[must_use]
pub const fn of(row: &LimitRow, salt: u64, case: &RuleCase<'_>) -> BucketKey {
    let source = &case.packet.source;
    let address = u128::from_be_bytes(source.address);
    let first = (address >> 64) as u64;
    let (high, family) = match row.key {
        limit_key::COUNTRY => (u16::from_be_bytes(case.country) as u64, family::IPV4),
        limit_key::SERVICE => (0, family::IPV4),
        _ if source.family == family::IPV4 => {
            (first >> 32 & u32::from_be_bytes(row.ipv4_key) as u64, family::IPV4)
        }
        _ => (first & u64::from_be_bytes(row.ipv6_key), family::IPV6),
    };
    BucketKey { high, low: 0, salt, family }
}

/// How much the packet counts; `None` where the limit does not see it.
#[inline(always)]
pub(super) const fn units(row: &LimitRow, case: &RuleCase<'_>) -> Option<u32> {
    let packet = case.packet;
    match row.unit {
        limit_unit::BYTES => Some(packet.bytes),
        limit_unit::CONNECTIONS => {
            let opens = packet.protocol == protocol::TCP
                && packet.tcp_flags & (TCP_SYN | TCP_ACK) == TCP_SYN
                && !matches!(packet.fragment, Fragment::Later);
            if opens { Some(1) } else { None }
        }
        _ => Some(1),
    }
}
