//! Fragments after the first. They carry no ports, so they have a rule of their own.

use super::{Case, Step, limits::bucket_key};
use crate::abi::{bucket_class, fragments, mode};
use crate::limit::{Bucket, take, ticks};
use crate::reason::Reason;
use crate::tables::{Clock, Tables};
use crate::verdict::Verdict;

#[inline(always)]
pub(super) fn judge<T: Tables, C: Clock>(case: &Case<'_, T, C>, verdict: &mut Verdict) -> Step {
    let rejected = match case.settings.fragments {
        fragments::DROP => Reason::FragmentDenied,
        fragments::LIMIT => {
            let limit = &case.settings.fragment_limit;
            let key = bucket_key(case.settings, &case.packet.source, bucket_class::FRAGMENTS);
            let Some(bucket) = case.tables.bucket(&key) else { return Some(Reason::LimiterFull) };
            if take(&bucket.packets(), limit, limit.charge(1), ticks(case.clock.now_ns())) {
                return Some(Reason::Fragment);
            }
            Reason::FragmentLimit
        }
        _ => return Some(Reason::Fragment),
    };
    if case.settings.modes & mode::MONITOR_FRAGMENTS != 0 {
        verdict.monitored |= rejected.bit();
        return None;
    }
    Some(rejected)
}
