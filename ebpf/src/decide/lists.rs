//! The lists that hold for the packet's service.

use super::{Case, Step};
use crate::abi::Access;
use crate::reason::Reason;
use crate::tables::{Clock, Tables};
use crate::verdict::{ListNumber, Verdict};

#[inline(always)]
pub(super) fn judge<T: Tables, C: Clock>(
    case: &Case<'_, T, C>,
    access: &Access,
    verdict: &mut Verdict,
) -> Step {
    let lists = case.attributes.lists;
    if lists == 0 {
        return None;
    }
    verdict.lists_monitored = lists & access.lists_monitored;
    if verdict.lists_monitored != 0 {
        verdict.monitored |= Reason::Blocklisted.bit();
    }
    let enforced = lists & access.lists_enforced;
    if enforced == 0 {
        return None;
    }
    verdict.list = ListNumber::of_bit(lowest_bit(enforced));
    Some(Reason::Blocklisted)
}

/// The number of the lowest set bit. BPF has no instruction for it; a halving search is a handful of branches, where
/// the compiler's own expansion is a multiplication and a table.
#[inline(always)]
fn lowest_bit(mut bits: u64) -> u8 {
    let mut number = 0;
    let mut width = 32;
    while width != 0 {
        if bits & ((1 << width) - 1) == 0 {
            bits >>= width;
            number += width;
        }
        width >>= 1;
    }
    number
}
