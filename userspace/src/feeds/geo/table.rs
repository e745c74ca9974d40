//! Ranges of one family and what a database says of them.

use std::fmt;

use crate::feeds::range::{Address, Range};

/// Ranges with what is said of each. Once finished they are sorted, do not overlap, and no two neighbours could be one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct GeoTable<A, T> {
    // Apart from each other: together, alignment would take 48 bytes for the 34 of an IPv6 range and its country.
    ranges: Vec<Range<A>>,
    values: Vec<T>,
    in_order: bool,
}

/// A range and what is said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Said<A, T> {
    pub(super) range: Range<A>,
    pub(super) value: T,
}

/// Two ranges with addresses in common.
pub(super) type Overlap<A, T> = (Said<A, T>, Said<A, T>);

impl<A: Address, T: fmt::Display> fmt::Display for Said<A, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.range, self.value)
    }
}

impl<A: Address, T: Copy + Ord> GeoTable<A, T> {
    pub(super) const fn new() -> Self {
        Self { ranges: Vec::new(), values: Vec::new(), in_order: true }
    }

    /// Adds a range; databases list them in order, any other order costs a sort.
    pub(super) fn push(&mut self, range: Range<A>, value: T) {
        if let (Some(previous), Some(previous_value)) = (self.ranges.last_mut(), self.values.last()) {
            if value == *previous_value && previous.last.successor() == Some(range.first) {
                previous.last = range.last;
                return;
            }
            self.in_order &= previous.last < range.first;
        }
        self.ranges.push(range);
        self.values.push(value);
    }

    /// Sorts and joins, or names two ranges that overlap and of which different things are said.
    pub(super) fn finish(self) -> Result<Self, Overlap<A, T>> {
        let mut table = if self.in_order { self } else { self.sorted()? };
        table.ranges.shrink_to_fit();
        table.values.shrink_to_fit();
        Ok(table)
    }

    pub(super) fn lookup(&self, address: A) -> Option<T> {
        let after = self.ranges.partition_point(|range| range.first <= address);
        let index = after.checked_sub(1)?;
        self.ranges.get(index)?.contains(address).then(|| self.values.get(index).copied())?
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Said<A, T>> {
        self.ranges.iter().zip(&self.values).map(|(range, value)| Said { range: *range, value: *value })
    }

    pub(super) const fn len(&self) -> usize {
        self.ranges.len()
    }

    fn sorted(self) -> Result<Self, Overlap<A, T>> {
        let mut all: Vec<_> = self.iter().collect();
        all.sort_unstable();
        let mut table = Self::new();
        for next in all {
            let previous = table.ranges.last_mut().zip(table.values.last());
            match previous {
                Some((previous, value)) if next.range.first <= previous.last => {
                    if *value != next.value {
                        return Err((Said { range: *previous, value: *value }, next));
                    }
                    previous.last = previous.last.max(next.range.last);
                }
                _ => table.push(next.range, next.value),
            }
        }
        Ok(table)
    }
}
