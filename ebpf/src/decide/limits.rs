//! The limits of each source.

use super::Case;
use crate::abi::{BucketKey, Settings, bucket_class, family, mode};
use crate::limit::{Outcome, charge_source};
use crate::packet::{Source, widen};
use crate::reason::Reason;
use crate::tables::{Clock, Tables};
use crate::verdict::Verdict;

#[inline(always)]
pub(super) fn judge<T: Tables, C: Clock>(case: &Case<'_, T, C>, verdict: &mut Verdict) -> Reason {
    let limits = &case.settings.source;
    if !limits.packets.is_set() && !limits.bytes.is_set() {
        return Reason::DefaultPass;
    }
    let Some(bucket) =
        case.tables.bucket(&bucket_key(case.settings, &case.packet.source, bucket_class::SOURCE))
    else {
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

/// Whose bucket a source uses: its address, cut to the prefix length of the policy.
#[inline(always)]
#[must_use]
pub fn bucket_key(settings: &Settings, source: &Source, class: u32) -> BucketKey {
    let mask = match source.family {
        family::IPV4 => u128::from_ne_bytes(widen(settings.ipv4_key)),
        _ => u128::from_ne_bytes(settings.ipv6_key),
    };
    let address = (u128::from_ne_bytes(source.address) & mask).to_ne_bytes();
    BucketKey { address, family: u32::from(source.family), class }
}
