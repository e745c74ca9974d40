//! Packets and bytes by reason and list, as the kernel counts them.

use std::collections::BTreeMap;

use xdpgate_ebpf::abi::{MAX_LISTS, MAX_REASONS};
use xdpgate_ebpf::reason::Reason;
use xdpgate_ebpf::verdict::{Action, Verdict};

use crate::api::types::Count;

#[derive(Clone, Debug)]
pub(super) struct Counts {
    decided: [Count; MAX_REASONS],
    monitored: [Count; MAX_REASONS],
    lists_dropped: [Count; MAX_LISTS],
    lists_monitored: [Count; MAX_LISTS],
    would_drop: Count,
}

impl Default for Counts {
    fn default() -> Self {
        let none = Count { packets: 0, bytes: 0 };
        Self {
            decided: [none; MAX_REASONS],
            monitored: [none; MAX_REASONS],
            lists_dropped: [none; MAX_LISTS],
            lists_monitored: [none; MAX_LISTS],
            would_drop: none,
        }
    }
}

impl Counts {
    #[inline]
    pub(super) fn add(&mut self, verdict: &Verdict, bytes: u32) {
        let one = Count { packets: 1, bytes: u64::from(bytes) };
        if let Some(count) = self.decided.get_mut(verdict.reason.index()) {
            *count += one;
        }
        if let Some(list) = verdict.list
            && let Some(count) = self.lists_dropped.get_mut(usize::from(list.bit()))
        {
            *count += one;
        }
        if verdict.monitored == 0 {
            return;
        }
        if verdict.action() == Action::Pass {
            self.would_drop += one;
        }
        add_bits(&mut self.monitored, u64::from(verdict.monitored), one);
        add_bits(&mut self.lists_monitored, verdict.lists_monitored, one);
    }

    /// All packets.
    pub(super) fn total(&self) -> Count {
        self.decided.iter().copied().sum()
    }

    /// By the labels of reasons that have this action; without those that counted nothing.
    pub(super) fn of(&self, action: Action) -> BTreeMap<String, Count> {
        labelled(&self.decided, |reason| reason.action() == action)
    }

    /// What rules in monitor mode would have dropped, likewise.
    pub(super) fn monitored(&self) -> BTreeMap<String, Count> {
        labelled(&self.monitored, |_| true)
    }

    /// Packets that passed, and that at least one rule in monitor mode would have dropped.
    pub(super) const fn would_drop(&self) -> Count {
        self.would_drop
    }

    /// What a list dropped, and what it would have dropped in monitor mode.
    pub(super) fn list(&self, bit: usize) -> (Count, Count) {
        let of = |counts: &[Count]| counts.get(bit).copied().unwrap_or_default();
        (of(&self.lists_dropped), of(&self.lists_monitored))
    }
}

fn add_bits(counts: &mut [Count], mut bits: u64, one: Count) {
    while bits != 0 {
        if let Some(count) = counts.get_mut(bits.trailing_zeros() as usize) {
            *count += one;
        }
        bits &= bits - 1;
    }
}

fn labelled(counts: &[Count], wanted: impl Fn(Reason) -> bool) -> BTreeMap<String, Count> {
    let reasons =
        Reason::ALL.iter().zip(counts).filter(|(reason, count)| count.packets > 0 && wanted(**reason));
    reasons.map(|(reason, count)| (reason.label().to_owned(), *count)).collect()
}
