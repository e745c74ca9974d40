//! Segments as boundaries: every address at which the attribute set changes.

use super::key::Key;
use super::span::Span;
use crate::feeds::Address;
use crate::policy::image::Segment;

/// Takes boundaries part by part, and uses the same memory for each: it stays in the cache until the part is written.
pub(super) struct Parts<'a, K> {
    boundaries: Boundaries<'a, K>,
    /// The set before the next part.
    before: u16,
    keys: Vec<K>,
    sets: Vec<u16>,
    taken: usize,
}

impl<'a, K: Key> Parts<'a, K> {
    pub(super) fn of(segments: &'a [Segment<K>]) -> Self {
        Self { boundaries: Boundaries::of(segments), before: 0, keys: Vec::new(), sets: Vec::new(), taken: 0 }
    }

    /// The first boundary of the next part.
    pub(super) fn peek(&self) -> Option<K> {
        self.boundaries.peek()
    }

    /// The set before the next part.
    pub(super) const fn before(&self) -> u16 {
        self.before
    }

    /// How many boundaries all parts so far have.
    pub(super) const fn taken(&self) -> usize {
        self.taken
    }

    /// The next part: the boundaries that share their first `depth` bits with an address.
    pub(super) fn next(&mut self, depth: u32, around: K) -> Span<'_, K> {
        self.keys.clear();
        self.sets.clear();
        while let Some((key, set)) = self.boundaries.next_if(|key| key.shared_bits(around) >= depth) {
            self.keys.push(key);
            self.sets.push(set);
        }
        self.taken += self.keys.len();
        let span = Span { depth, before: self.before, keys: &self.keys, sets: &self.sets };
        self.before = span.after();
        span
    }
}

/// The addresses at which the set changes, in order, and the set from there on. Before the first it is 0.
struct Boundaries<'a, A> {
    segments: std::slice::Iter<'a, Segment<A>>,
    /// The address behind the segment before, where no other segment begins.
    end: Option<A>,
    /// What comes before the end is gone; this is next.
    next: Option<(A, u16)>,
    set: u16,
}

impl<'a, A: Address> Boundaries<'a, A> {
    fn of(segments: &'a [Segment<A>]) -> Self {
        let mut boundaries = Self { segments: segments.iter(), end: None, next: None, set: 0 };
        boundaries.next = boundaries.advance();
        boundaries
    }

    /// The next boundary.
    fn peek(&self) -> Option<A> {
        self.next.map(|(address, _)| address)
    }

    /// The next boundary, if it is wanted.
    fn next_if(&mut self, wanted: impl FnOnce(A) -> bool) -> Option<(A, u16)> {
        let (address, set) = self.next.filter(|(address, _)| wanted(*address))?;
        self.next = self.advance();
        Some((address, set))
    }

    fn advance(&mut self) -> Option<(A, u16)> {
        loop {
            let (address, set) = self.candidate()?;
            if set != self.set {
                self.set = set;
                return Some((address, set));
            }
        }
    }

    /// Where a segment begins or ends; the set may be the same as before.
    fn candidate(&mut self) -> Option<(A, u16)> {
        if let Some(end) = self.end.take()
            && self.segments.as_slice().first().is_none_or(|segment| segment.first != end)
        {
            return Some((end, 0));
        }
        let segment = self.segments.next()?;
        self.end = segment.last.successor();
        Some((segment.first, segment.set))
    }
}
