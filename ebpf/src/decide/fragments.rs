//! Fragments after the first. They carry no ports, so they have a rule of their own.

use super::{Case, Step, limits};
use crate::abi::{fragments, mode, service};
use crate::reason::Reason;
use crate::tables::{Clock, Tables};
use crate::verdict::Verdict;

#[inline(always)]
pub(super) fn judge<T: Tables, C: Clock>(case: &Case<'_, T, C>, verdict: &mut Verdict) -> Step {
    match case.settings.fragments {
        fragments::DROP => {}
        fragments::LIMIT => {
            return match limits::judge_service(case, service::FRAGMENTS, verdict) {
                Some(Reason::WithinLimit) => Some(Reason::Fragment),
                // In monitor mode, and over the limit.
                Some(Reason::DefaultPass) => None,
                rejected => rejected,
            };
        }
        _ => return Some(Reason::Fragment),
    }
    if case.settings.modes & mode::MONITOR_FRAGMENTS != 0 {
        verdict.monitored |= Reason::FragmentDenied.bit();
        return None;
    }
    Some(Reason::FragmentDenied)
}
