//! A part of the address space: the boundaries in it, or the prefixes that say the same.

use super::key::Key;
use crate::feeds::Range;

/// Addresses that share their first `depth` bits, and the boundaries among them.
#[derive(Clone, Copy)]
pub(super) struct Span<'a, K> {
    pub(super) depth: u32,
    /// The set before the first boundary.
    pub(super) before: u16,
    /// Sorted.
    pub(super) keys: &'a [K],
    /// From each key on.
    pub(super) sets: &'a [u16],
}

impl<'a, K: Key> Span<'a, K> {
    /// A boundary at the first address of the span is no boundary in it.
    pub(super) fn without_start(self) -> Self {
        match (self.keys, self.sets) {
            ([first, keys @ ..], [before, sets @ ..]) if first.ends_at(self.depth) => {
                Self { before: *before, keys, sets, ..self }
            }
            _ => self,
        }
    }

    /// The first boundaries, and the others.
    pub(super) fn split(self, count: usize) -> (Self, Self) {
        let (keys, later_keys) = self.keys.split_at_checked(count).unwrap_or((self.keys, &[]));
        let (sets, later_sets) = self.sets.split_at_checked(count).unwrap_or((self.sets, &[]));
        let later =
            Self { before: Self { sets, ..self }.after(), keys: later_keys, sets: later_sets, ..self };
        (Self { keys, sets, ..self }, later)
    }

    /// The set behind the last boundary.
    pub(super) fn after(&self) -> u16 {
        self.sets.last().copied().unwrap_or(self.before)
    }

    /// How many bits behind the depth all addresses share at which anything but the sets before the first boundary and
    /// behind the last one holds.
    pub(super) fn shared_bits(&self) -> u32 {
        match self.keys {
            [first, .., end] => {
                let last = end.predecessor().unwrap_or(*end);
                first.shared_bits(last).saturating_sub(self.depth)
            }
            _ => 0,
        }
    }

    /// The addresses between boundaries, in order, and their sets.
    pub(super) fn ranges(self) -> impl Iterator<Item = (Range<K>, u16)> + use<'a, K> {
        #[expect(clippy::cast_possible_truncation, reason = "at most 128")]
        let depth = self.depth as u8;
        let whole = self.keys.first().map(|key| Range::prefix(*key, depth));
        let firsts = whole.map(|whole| whole.first).into_iter().chain(self.keys.iter().copied());
        let lasts = self.keys.iter().map(|key| key.predecessor().unwrap_or(*key));
        let lasts = lasts.chain(whole.map(|whole| whole.last));
        let sets = std::iter::once(self.before).chain(self.sets.iter().copied());
        firsts.zip(lasts).zip(sets).map(|((first, last), set)| (Range { first, last }, set))
    }

    /// The set that is best called outside, and how many prefixes then cover the others. Of a span with boundaries.
    pub(super) fn outside(self) -> (u16, usize) {
        // What lies far apart is surrounded by one of these.
        let candidates = [self.before, self.sets.first().copied().unwrap_or(self.before)];
        let mut covers = [0; 2];
        for (range, set) in self.ranges() {
            let prefixes = range.first.prefixes_to(range.last);
            for (cover, candidate) in covers.iter_mut().zip(candidates) {
                *cover += if set == candidate { 0 } else { prefixes };
            }
        }
        if covers[1] < covers[0] { (candidates[1], covers[1]) } else { (candidates[0], covers[0]) }
    }
}
