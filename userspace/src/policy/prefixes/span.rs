//! A part of the address space: the boundaries in it, or the prefixes that say the same.

use super::key::Key;
use super::run::Run;
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

    /// The set that is called outside, and how many prefixes cover the others; none where that takes more bytes than
    /// the boundaries do.
    pub(super) fn as_prefixes(&self) -> Option<(u16, usize)> {
        let most = self.keys.len() * K::BYTES_IN_RUN / (K::BYTES_IN_RUN + 1);
        // What lies far apart is surrounded by one of these.
        let candidates = [self.before, self.sets.first().copied()?];
        candidates.into_iter().find_map(|outside| Some((outside, self.covered(outside, most)?)))
    }

    /// How many prefixes cover what is not outside, if it is not more than `most`.
    fn covered(&self, outside: u16, most: usize) -> Option<usize> {
        let mut count = 0;
        for (range, set) in self.ranges() {
            if set != outside {
                count += range.first.prefixes_to(range.last);
                if count > most {
                    return None;
                }
            }
        }
        Some(count)
    }

    /// The boundaries as a run.
    pub(super) const fn as_run(self) -> Run<'a, K> {
        Run { depth: self.depth, outside: self.before, keys: self.keys, lengths: None, sets: self.sets }
    }

    /// The addresses between boundaries, in order, and their sets.
    pub(super) fn ranges(&self) -> impl Iterator<Item = (Range<K>, u16)> + use<'a, K> {
        #[expect(clippy::cast_possible_truncation, reason = "at most 128")]
        let depth = self.depth as u8;
        let Self { before, keys, sets, .. } = *self;
        let whole = keys.first().map_or(Range::ALL, |key| Range::prefix(*key, depth));
        (0..=keys.len()).map(move |index| {
            let (first, set) =
                match index.checked_sub(1).and_then(|index| keys.get(index).zip(sets.get(index))) {
                    Some((key, set)) => (*key, *set),
                    None => (whole.first, before),
                };
            let last = keys.get(index).and_then(|key| key.predecessor()).unwrap_or(whole.last);
            (Range { first, last }, set)
        })
    }
}
