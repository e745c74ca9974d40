//! Who sent most, in memory of a fixed size: space saving (Metwally, Agrawal, El Abbadi 2005) within sets of eight.
//!
//! While a set has room, its sources are counted exactly. In a full set a new source takes the place of the one with the
//! fewest packets, and how many those were is kept as what the new one may have sent before at most. So a source that
//! sends more than an eighth of what its set sees is always there, and what is shown of a source is never more than it
//! sent.

use std::hint::black_box;

use xdpgate_ebpf::abi::family;
use xdpgate_ebpf::reason::Reason;
use xdpgate_ebpf::verdict::{Action, Verdict};

const WAYS: usize = 8;
/// Packets that are accounted together: each of them misses the cache two or three times, and so all wait at once.
const BATCH: usize = 32;
const SET_BITS: u32 = 15;
/// Reasons that are told apart of one source. Seldom has one more than two.
const REASONS: usize = 4;

pub(super) struct Talkers {
    /// Not yet accounted.
    waiting: Vec<Sent>,
    sets: Box<[Set]>,
    details: Box<[[Detail; WAYS]]>,
    /// Sources that took the place of another one.
    replaced: u64,
    /// Places in use.
    used: u64,
}

/// What there is to account of a packet.
#[derive(Clone, Copy)]
struct Sent {
    address: u128,
    hash: u64,
    bytes: u32,
    family: u8,
    action: Action,
    /// Why it was dropped; where it passed, what would have dropped it.
    reason: Option<Reason>,
}

/// What is looked at for every packet.
#[derive(Clone, Copy, Default)]
struct Set {
    /// Part of the hash of each source; zero: nobody.
    tags: [u32; WAYS],
    /// The packets of each, with those of whom it replaced.
    weights: [u64; WAYS],
}

#[derive(Clone, Copy, Default)]
struct Detail {
    talker: Talker,
    /// Indexes of reasons, and how many packets were dropped, or would have been, for each.
    reasons: [(u8, u32); REASONS],
}

/// One source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Talker {
    /// Its address, cut to the length of a source; of IPv4 in the upper bits.
    pub(super) address: u128,
    pub(super) family: u8,
    /// At least so many.
    pub(super) packets: u64,
    pub(super) bytes: u64,
    pub(super) dropped: u64,
    pub(super) would_drop: u64,
    /// And at most so many more packets.
    pub(super) more: u64,
}

impl Talkers {
    /// The most sources that are told apart.
    pub(super) const ROOM: usize = WAYS << SET_BITS;

    pub(super) fn new() -> Self {
        let sets = 1 << SET_BITS;
        Self {
            waiting: Vec::with_capacity(BATCH),
            sets: vec![Set::default(); sets].into_boxed_slice(),
            details: vec![[Detail::default(); WAYS]; sets].into_boxed_slice(),
            replaced: 0,
            used: 0,
        }
    }

    pub(super) fn add(&mut self, address: u128, family: u8, verdict: &Verdict, bytes: u32) {
        let action = verdict.action();
        let reason = match action {
            Action::Drop => Some(verdict.reason),
            Action::Pass if verdict.monitored == 0 => None,
            Action::Pass => Reason::from_index(verdict.monitored.trailing_zeros() as usize),
        };
        self.waiting.push(Sent { address, hash: hash(address, family), bytes, family, action, reason });
        if self.waiting.len() == BATCH {
            self.account();
        }
    }

    /// Accounts what waits. To be called before anything is asked.
    pub(super) fn account(&mut self) {
        for sent in &self.waiting {
            self.touch(sent);
        }
        for index in 0..self.waiting.len() {
            if let Some(sent) = self.waiting.get(index).copied() {
                self.account_one(&sent);
            }
        }
        self.waiting.clear();
    }

    /// Loads what will be needed; nothing waits for it.
    fn touch(&self, sent: &Sent) {
        let (Some(line), Some(places)) = (self.sets.get(sent.index()), self.details.get(sent.index())) else {
            return;
        };
        let way = line.tags.iter().position(|tag| *tag == sent.tag()).unwrap_or_default();
        black_box(places.get(way).map(|detail| detail.talker.packets));
    }

    fn account_one(&mut self, sent: &Sent) {
        let Sent { address, family, .. } = *sent;
        let (index, tag) = (sent.index(), sent.tag());
        let (Some(line), Some(places)) = (self.sets.get_mut(index), self.details.get_mut(index)) else {
            return;
        };
        let known = (0..WAYS).find(|way| {
            let talker = &places[*way].talker;
            line.tags[*way] == tag && talker.address == address && talker.family == family
        });
        let way = known.unwrap_or_else(|| lightest(&line.weights));
        let Detail { talker, reasons } = &mut places[way];
        if known.is_none() {
            if line.tags[way] == 0 {
                self.used += 1;
            } else {
                self.replaced += 1;
            }
            line.tags[way] = tag;
            *talker = Talker { address, family, more: line.weights[way], ..Talker::default() };
            *reasons = [(0, 0); REASONS];
        }
        line.weights[way] += 1;
        talker.packets += 1;
        talker.bytes += u64::from(sent.bytes);
        match (sent.action, sent.reason) {
            (Action::Drop, _) => talker.dropped += 1,
            (Action::Pass, Some(_)) => talker.would_drop += 1,
            (Action::Pass, None) => return,
        }
        if let Some(reason) = sent.reason {
            note(reasons, reason);
        }
    }

    /// How many sources are told apart, and whether these are all.
    pub(super) const fn known(&self) -> (u64, bool) {
        (self.used, self.replaced == 0)
    }

    /// The first `count` by packets, each with its reasons.
    pub(super) fn top(&self, count: usize) -> Vec<(Talker, Vec<(Reason, u32)>)> {
        let mut all: Vec<&Detail> =
            self.details.as_flattened().iter().filter(|detail| detail.talker.packets > 0).collect();
        all.sort_unstable_by_key(|detail| {
            let talker = &detail.talker;
            (u64::MAX - talker.packets, talker.family, talker.address)
        });
        all.truncate(count);
        all.into_iter().map(|detail| (detail.talker, reasons(detail))).collect()
    }
}

impl Sent {
    const fn index(&self) -> usize {
        (self.hash >> (u64::BITS - SET_BITS)) as usize
    }

    /// Never zero.
    const fn tag(&self) -> u32 {
        low_half(self.hash) | 1
    }
}

fn reasons(detail: &Detail) -> Vec<(Reason, u32)> {
    let counted = detail.reasons.iter().filter(|(_, packets)| *packets > 0);
    let mut reasons: Vec<_> = counted
        .filter_map(|(index, packets)| Some((Reason::from_index(usize::from(*index))?, *packets)))
        .collect();
    reasons.sort_unstable_by_key(|(reason, packets)| (u32::MAX - packets, *reason));
    reasons
}

/// A fifth reason of one source is left out.
fn note(reasons: &mut [(u8, u32); REASONS], reason: Reason) {
    let index = reason as u8;
    if let Some((known, packets)) =
        reasons.iter_mut().find(|(known, packets)| *packets == 0 || *known == index)
    {
        *known = index;
        *packets = packets.saturating_add(1);
    }
}

fn lightest(weights: &[u64; WAYS]) -> usize {
    weights.iter().enumerate().min_by_key(|(_, weight)| **weight).map_or(0, |(way, _)| way)
}

/// Nobody gains by a collision: it makes the counts of one report less exact, which the report says.
const fn hash(address: u128, family: u8) -> u64 {
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let is_six = (family == family::IPV6) as u64;
    let mixed = (upper_half(address).wrapping_mul(SPREAD) ^ low_double(address)).wrapping_add(is_six);
    let mixed = (mixed ^ mixed >> 32).wrapping_mul(SPREAD);
    (mixed ^ mixed >> 29).wrapping_mul(SPREAD)
}

const fn upper_half(address: u128) -> u64 {
    low_double(address >> 64)
}

#[expect(clippy::cast_possible_truncation, reason = "the point")]
const fn low_double(address: u128) -> u64 {
    address as u64
}

#[expect(clippy::cast_possible_truncation, reason = "the point")]
const fn low_half(hash: u64) -> u32 {
    hash as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn passed() -> Verdict {
        Verdict::of(Reason::WithinLimit)
    }

    #[test]
    fn reasons_are_counted_for_each_source() {
        let mut talkers = Talkers::new();
        for _ in 0..3 {
            talkers.add(1, family::IPV4, &Verdict::of(Reason::PacketLimit), 100);
        }
        talkers.add(1, family::IPV4, &Verdict::of(Reason::Banned), 100);
        let monitored = Verdict { monitored: Reason::Blocklisted.bit(), ..passed() };
        talkers.add(1, family::IPV4, &monitored, 100);
        // The same bits in the other family are another source.
        talkers.add(1, family::IPV6, &passed(), 60);
        talkers.account();
        let top = talkers.top(9);
        let (first, reasons) = &top[0];
        assert_eq!((first.packets, first.bytes, first.dropped, first.would_drop), (5, 500, 4, 1));
        assert_eq!(reasons, &[(Reason::PacketLimit, 3), (Reason::Banned, 1), (Reason::Blocklisted, 1)]);
        assert_eq!((top.len(), top[1].0.packets, talkers.known()), (2, 1, (2, true)));
    }

    #[test]
    fn a_flood_of_sources_hides_nobody_who_sends_much() {
        let mut talkers = Talkers::new();
        let flood = 2 * Talkers::ROOM as u128;
        for spoofed in 0..flood {
            talkers.add(spoofed << 96, family::IPV4, &passed(), 60);
            if spoofed % 1_000 == 0 {
                talkers.add(7, family::IPV6, &passed(), 60);
            }
        }
        talkers.account();
        let (known, exact) = talkers.known();
        assert!(known <= Talkers::ROOM as u64 && !exact);
        let (first, _) = talkers.top(1)[0];
        let sent = u64::try_from(flood.div_ceil(1_000)).unwrap();
        assert_eq!((first.address, first.packets + first.more >= sent), (7, true));
        assert!(first.packets <= sent && first.packets > sent / 2);
    }

    proptest! {
        #[test]
        fn the_parts_add_up_while_there_is_room(sources in prop::collection::vec(0..50_u128, 0..500)) {
            let mut talkers = Talkers::new();
            for source in &sources {
                talkers.add(*source, family::IPV6, &passed(), 60);
            }
            talkers.account();
            let top = talkers.top(usize::MAX);
            let packets: u64 = top.iter().map(|(talker, _)| talker.packets).sum();
            prop_assert_eq!(packets, sources.len() as u64);
            prop_assert!(top.iter().all(|(talker, _)| talker.bytes == talker.packets * 60));
        }
    }
}
