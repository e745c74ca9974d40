//! Of which addresses a policy knows something else than another one.

use std::collections::HashMap;

use ipnet::IpNet;
use xdpgate_ebpf::abi::AttributeSet;

use super::judge::Judge;
use crate::api::Prefix;
use crate::api::types::{AddressChanges, FamilyChanges};
use crate::feeds::{Address, Range};
use crate::policy::{Segment, sweep};

/// Prefixes that are shown of each change.
const EXAMPLES: usize = 5;

/// What two policies know of sources of one set, comparably: lists and plans by name.
pub(super) struct Known {
    before: Vec<Facts>,
    after: Vec<Facts>,
}

/// A set of attributes, with lists and plans numbered alike for both policies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Facts {
    lists: u128,
    plan: u16,
    flags: u16,
    country: [u8; 2],
}

/// One policy's sets, and the names of its lists and plans in order.
pub(super) struct Named<'a> {
    pub(super) sets: &'a [AttributeSet],
    pub(super) lists: Vec<&'a str>,
    pub(super) plans: Vec<&'a str>,
}

impl Known {
    pub(super) fn of(before: &Named<'_>, after: &Named<'_>) -> Self {
        let lists = numbered(before.lists.iter().chain(&after.lists));
        let plans = numbered(before.plans.iter().chain(&after.plans));
        let facts = |named: &Named<'_>| -> Vec<Facts> {
            let all = named.sets.iter().map(|set| {
                let on = |bit: &usize| set.lists >> bit & 1 != 0;
                let on = (0..named.lists.len().min(64)).filter(on).filter_map(|bit| named.lists.get(bit));
                let plan = usize::from(set.plan).checked_sub(1).and_then(|place| named.plans.get(place));
                Facts {
                    // Two policies have no more lists together.
                    lists: on.filter_map(|name| lists.get(name)).fold(0, |all, bit| all | 1 << (bit & 127)),
                    plan: plan.and_then(|name| plans.get(name)).map_or(0, |place| place + 1),
                    flags: set.flags,
                    country: set.country,
                }
            });
            all.collect()
        };
        Self { before: facts(before), after: facts(after) }
    }

    fn compare(&self, old: u16, new: u16) -> (Facts, Facts) {
        let facts = |of: &[Facts], set| of.get(usize::from(set)).copied().unwrap_or_default();
        (facts(&self.before, old), facts(&self.after, new))
    }
}

fn numbered<'a>(names: impl Iterator<Item = &'a &'a str>) -> HashMap<&'a str, u16> {
    let mut numbers = HashMap::new();
    for name in names {
        let next = u16::try_from(numbers.len()).unwrap_or(u16::MAX);
        numbers.entry(*name).or_insert(next);
    }
    numbers
}

/// What differs in one family, and the ranges whose packets meet another verdict or of which something else is known.
pub(super) fn compare<A: Address>(
    before: &[Segment<A>],
    after: &[Segment<A>],
    known: &Known,
    judge: &mut Judge,
) -> (FamilyChanges, Vec<Range<A>>) {
    let [mut added, mut removed, mut changed, mut dropped, mut passing, mut all] =
        [(); 6].map(|()| Merged::<A>::default());
    sweep(before, after, |range, old, new| {
        let (was, is) = known.compare(old, new);
        let (newly_dropped, newly_passing) = judge.moves(old, new, A::WIDTH > 32);
        if was != is {
            let kind = if was == Facts::default() {
                &mut added
            } else if is == Facts::default() {
                &mut removed
            } else {
                &mut changed
            };
            kind.add(range);
        }
        if newly_dropped {
            dropped.add(range);
        }
        if newly_passing {
            passing.add(range);
        }
        if was != is || newly_dropped || newly_passing {
            all.add(range);
        }
    });
    let family = FamilyChanges {
        added: added.summary(),
        removed: removed.summary(),
        changed: changed.summary(),
        newly_dropped: dropped.summary(),
        newly_passing: passing.summary(),
    };
    (family, all.0)
}

/// Ranges in order, those that touch joined.
struct Merged<A>(Vec<Range<A>>);

impl<A> Default for Merged<A> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<A: Address> Merged<A> {
    fn add(&mut self, range: Range<A>) {
        match self.0.last_mut() {
            Some(last) if last.last.successor() == Some(range.first) => last.last = range.last,
            _ => self.0.push(range),
        }
    }

    fn summary(&self) -> AddressChanges {
        summary(&self.0, EXAMPLES)
    }
}

/// Ranges in a few words, with so many of their prefixes.
pub(in crate::daemon::gate) fn summary<A: Address>(ranges: &[Range<A>], examples: usize) -> AddressChanges {
    let mut changes = AddressChanges::default();
    for (first, length) in ranges.iter().flat_map(|range| range.prefixes()) {
        changes.prefixes += 1;
        let addresses = 1_u128.checked_shl(u32::from(A::WIDTH - length)).unwrap_or(u128::MAX);
        changes.addresses = changes.addresses.saturating_add(addresses);
        if changes.examples.len() < examples
            && let Ok(net) = IpNet::new(first.to_ip(), length)
        {
            changes.examples.push(Prefix::from(net));
        }
    }
    changes
}
