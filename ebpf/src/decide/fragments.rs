//! Fragments after the first. They carry no ports, so they have a rule of their own.

use super::limits::charge_all;
use super::{Case, Step};
use crate::abi::{bucket_class, fragments, mode};
use crate::limit::{Due, Outcome};
use crate::reason::Reason;
use crate::tables::{Clock, Tables};
use crate::verdict::Verdict;

#[inline(always)]
pub(super) fn judge<T: Tables, C: Clock>(case: &Case<'_, T, C>, verdict: &mut Verdict) -> Step {
    let rejected = match case.settings.fragments {
        fragments::DROP => Reason::FragmentDenied,
        fragments::LIMIT => {
            let limit = &case.settings.fragment_limit;
            let due = Due {
                limit,
                class: bucket_class::FRAGMENTS,
                charge: limit.charge(1),
                over: Reason::FragmentLimit,
            };
            match charge_all(case, &[due]) {
                Outcome::Admitted => return Some(Reason::Fragment),
                Outcome::NoRoom => return Some(Reason::LimiterFull),
                Outcome::Over(reason) => reason,
            }
        }
        _ => return Some(Reason::Fragment),
    };
    if case.settings.modes & mode::MONITOR_FRAGMENTS != 0 {
        verdict.monitored |= rejected.bit();
        return None;
    }
    Some(rejected)
}
