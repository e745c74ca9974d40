//! Segments as boundaries: every address at which the attribute set changes.

use crate::feeds::Address;
use crate::policy::image::Segment;

/// The addresses at which the set changes, in order, and the set from there on. Before the first it is 0.
pub(super) struct Boundaries<'a, A> {
    segments: std::slice::Iter<'a, Segment<A>>,
    /// The address behind the segment before, where no other segment begins.
    end: Option<A>,
    /// What comes before the end is gone; this is next.
    next: Option<(A, u16)>,
    set: u16,
}

impl<'a, A: Address> Boundaries<'a, A> {
    pub(super) fn of(segments: &'a [Segment<A>]) -> Self {
        let mut boundaries = Self { segments: segments.iter(), end: None, next: None, set: 0 };
        boundaries.next = boundaries.advance();
        boundaries
    }

    /// The next boundary.
    pub(super) fn peek(&self) -> Option<A> {
        self.next.map(|(address, _)| address)
    }

    /// The next boundary, if it is wanted.
    pub(super) fn next_if(&mut self, wanted: impl FnOnce(A) -> bool) -> Option<(A, u16)> {
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
