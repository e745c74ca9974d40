//! The limits of each source.

use super::Case;
use crate::abi::{BucketKey, bucket_class, family, mode};
use crate::limit::{Outcome, charge_source};
use crate::reason::Reason;
use crate::tables::{Clock, Tables};
use crate::verdict::Verdict;

#[inline(always)]
pub(super) fn judge<T: Tables, C: Clock>(case: &Case<'_, T, C>, verdict: &mut Verdict) -> Reason {
    let limits = &case.settings.source;
    if !limits.packets.is_set() && !limits.bytes.is_set() {
        return Reason::DefaultPass;
    }
    let Some(bucket) = case.tables.bucket(&bucket_key(case, bucket_class::SOURCE)) else {
        return Reason::LimiterFull;
    };
    let rejected = match charge_source(&bucket, limits, case.packet.bytes, case.clock.now_ns()) {
        Outcome::Admitted => return Reason::WithinLimit,
        Outcome::OverPackets => Reason::PacketLimit,
        Outcome::OverBytes => Reason::ByteLimit,
    };
    if case.settings.modes & mode::MONITOR_LIMITS != 0 {
        verdict.monitored |= rejected.bit();
        return Reason::DefaultPass;
    }
    rejected
}

/// The source's key, cut to the prefix length of the policy.
#[inline(always)]
pub(super) fn bucket_key<T: Tables, C: Clock>(case: &Case<'_, T, C>, class: u32) -> BucketKey {
    let source = &case.packet.source;
    let mut address = source.address;
    if source.family == family::IPV4 {
        let mask = case.settings.ipv4_key;
        address = [
            address[0] & mask[0],
            address[1] & mask[1],
            address[2] & mask[2],
            address[3] & mask[3],
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
        ];
    } else {
        let mask = u128::from_ne_bytes(case.settings.ipv6_key);
        address = (u128::from_ne_bytes(address) & mask).to_ne_bytes();
    }
    BucketKey { address, family: u32::from(source.family), class }
}
