//! Ranges of one family and their countries.

use std::fmt;

use crate::country::CountryCode;
use crate::feeds::range::{Address, Range};

/// Addresses of one country.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GeoRange<A> {
    /// The addresses.
    pub range: Range<A>,
    /// Their country.
    pub country: CountryCode,
}

impl<A: Address> fmt::Display for GeoRange<A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.range, self.country)
    }
}

/// Ranges with a country. Once finished they are sorted, do not overlap, and no two neighbours could be one.
#[derive(Clone, Debug)]
pub(super) struct GeoTable<A> {
    // Apart from each other: together, alignment would take 48 bytes for the 34 of an IPv6 range and its country.
    ranges: Vec<Range<A>>,
    countries: Vec<CountryCode>,
    in_order: bool,
}

impl<A: Address> GeoTable<A> {
    pub(super) const fn new() -> Self {
        Self { ranges: Vec::new(), countries: Vec::new(), in_order: true }
    }

    /// Adds a range; databases list them in order, any other order costs a sort.
    pub(super) fn push(&mut self, range: Range<A>, country: CountryCode) {
        if let (Some(previous), Some(previous_country)) = (self.ranges.last_mut(), self.countries.last()) {
            if country == *previous_country && previous.last.successor() == Some(range.first) {
                previous.last = range.last;
                return;
            }
            self.in_order &= previous.last < range.first;
        }
        self.ranges.push(range);
        self.countries.push(country);
    }

    /// Sorts and joins, or names two ranges that overlap with different countries.
    pub(super) fn finish(self) -> Result<Self, (GeoRange<A>, GeoRange<A>)> {
        let mut table = if self.in_order { self } else { self.sorted()? };
        table.ranges.shrink_to_fit();
        table.countries.shrink_to_fit();
        Ok(table)
    }

    pub(super) fn lookup(&self, address: A) -> Option<CountryCode> {
        let after = self.ranges.partition_point(|range| range.first <= address);
        let index = after.checked_sub(1)?;
        self.ranges.get(index)?.contains(address).then(|| self.countries.get(index).copied())?
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = GeoRange<A>> {
        self.ranges
            .iter()
            .zip(&self.countries)
            .map(|(range, country)| GeoRange { range: *range, country: *country })
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    fn sorted(self) -> Result<Self, (GeoRange<A>, GeoRange<A>)> {
        let mut all: Vec<_> = self.iter().collect();
        all.sort_unstable();
        let mut table = Self::new();
        for next in all {
            let previous = table.ranges.last_mut().zip(table.countries.last());
            match previous {
                Some((previous, country)) if next.range.first <= previous.last => {
                    if *country != next.country {
                        return Err((GeoRange { range: *previous, country: *country }, next));
                    }
                    previous.last = previous.last.max(next.range.last);
                }
                _ => table.push(next.range, next.country),
            }
        }
        Ok(table)
    }
}
