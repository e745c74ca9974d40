//! Sets out of sets: each in one pass over both.

use std::iter::Peekable;

use super::DisjointRanges;
use crate::feeds::range::{Address, Range};

impl DisjointRanges {
    /// The addresses that are in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self { ipv4: union(&self.ipv4, &other.ipv4), ipv6: union(&self.ipv6, &other.ipv6) }
    }

    /// The addresses that are not in the other.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        Self { ipv4: without(&self.ipv4, &other.ipv4), ipv6: without(&self.ipv6, &other.ipv6) }
    }

    /// The addresses that are in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self { ipv4: intersection(&self.ipv4, &other.ipv4), ipv6: intersection(&self.ipv6, &other.ipv6) }
    }

    /// How many IPv4 and IPv6 addresses there are. All of IPv6 is one more than fits, and counts as one less.
    #[must_use]
    pub fn addresses(&self) -> (u128, u128) {
        let ipv4 = self.ipv4.iter().map(|range| u128::from(range.last - range.first) + 1).sum();
        let ipv6 = self.ipv6.iter().map(|range| (range.last - range.first).saturating_add(1));
        (ipv4, ipv6.fold(0, u128::saturating_add))
    }

    /// Whether there is no address.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ipv4.is_empty() && self.ipv6.is_empty()
    }
}

fn union<A: Address>(ours: &[Range<A>], theirs: &[Range<A>]) -> Vec<Range<A>> {
    let mut union: Vec<Range<A>> = Vec::with_capacity(ours.len() + theirs.len());
    let (mut ours, mut theirs) = (ours.iter().peekable(), theirs.iter().peekable());
    while let Some(next) = earlier(&mut ours, &mut theirs) {
        match union.last_mut() {
            Some(last) if last.last.successor().is_none_or(|after| next.first <= after) => {
                last.last = last.last.max(next.last);
            }
            _ => union.push(*next),
        }
    }
    union.shrink_to_fit();
    union
}

/// The range of the two that starts first.
fn earlier<'a, A: Address + 'a, I: Iterator<Item = &'a Range<A>>>(
    ours: &mut Peekable<I>,
    theirs: &mut Peekable<I>,
) -> Option<&'a Range<A>> {
    let from_theirs = match (ours.peek(), theirs.peek()) {
        (Some(ours), Some(theirs)) => theirs.first < ours.first,
        (ours, _) => ours.is_none(),
    };
    if from_theirs { theirs.next() } else { ours.next() }
}

fn without<A: Address>(ours: &[Range<A>], theirs: &[Range<A>]) -> Vec<Range<A>> {
    let mut left = Vec::with_capacity(ours.len());
    let mut theirs = theirs.iter().copied().peekable();
    for range in ours {
        // What is left of it, from here on.
        let mut rest = Some(*range);
        while let Some(piece) = rest {
            match theirs.peek() {
                Some(hole) if hole.last < piece.first => {
                    theirs.next();
                }
                Some(hole) if hole.first <= piece.last => {
                    let before = hole.first.predecessor().and_then(|last| Range::new(piece.first, last));
                    left.extend(before);
                    rest = hole.last.successor().and_then(|first| Range::new(first, piece.last));
                }
                _ => {
                    left.push(piece);
                    rest = None;
                }
            }
        }
    }
    left.shrink_to_fit();
    left
}

fn intersection<A: Address>(ours: &[Range<A>], theirs: &[Range<A>]) -> Vec<Range<A>> {
    let mut both = Vec::new();
    let (mut ours, mut theirs) = (ours.iter().peekable(), theirs.iter().peekable());
    while let (Some(our), Some(their)) = (ours.peek(), theirs.peek()) {
        both.extend(Range::new(our.first.max(their.first), our.last.min(their.last)));
        // Only the one that ends last may meet another.
        if our.last < their.last {
            ours.next();
        } else {
            theirs.next();
        }
    }
    both.shrink_to_fit();
    both
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;
    use crate::feeds::range::AddressRanges;

    /// Addresses near both ends of each family.
    fn sets() -> impl Strategy<Value = (DisjointRanges, BTreeSet<u8>)> {
        prop::collection::vec((any::<u8>(), 0_u8..40), 0..12).prop_map(|pieces| {
            let ends = pieces.iter().map(|(first, length)| (*first, first.saturating_add(*length)));
            let members = ends.clone().flat_map(|(first, last)| first..=last).collect();
            // The upper half of the small numbers lies at the end of the family, so that nothing lies between the halves.
            let ranges = AddressRanges {
                ipv4: ends.clone().flat_map(|(first, last)| halves(first, last, place4)).collect(),
                ipv6: ends.flat_map(|(first, last)| halves(first, last, place6)).collect(),
            };
            (ranges.into(), members)
        })
    }

    fn halves<A: Address>(first: u8, last: u8, place: fn(u8) -> A) -> Vec<Range<A>> {
        let lower = (first < 128).then(|| Range::new(place(first), place(last.min(127)))).flatten();
        let upper = (last >= 128).then(|| Range::new(place(first.max(128)), place(last))).flatten();
        lower.into_iter().chain(upper).collect()
    }

    fn place4(small: u8) -> u32 {
        if small < 128 { small.into() } else { u32::MAX - u32::from(255 - small) }
    }

    fn place6(small: u8) -> u128 {
        if small < 128 { small.into() } else { u128::MAX - u128::from(255 - small) }
    }

    fn check(found: &DisjointRanges, wanted: &BTreeSet<u8>) {
        for small in 0..=u8::MAX {
            let wanted = wanted.contains(&small);
            assert_eq!(found.contains(Ipv4Addr::from_bits(place4(small)).into()), wanted, "{small}");
            assert_eq!(found.contains(Ipv6Addr::from_bits(place6(small)).into()), wanted, "{small}");
        }
        let count = wanted.len() as u128;
        assert_eq!(found.addresses(), (count, count), "nothing outside of the small numbers");
        assert_eq!(found.is_empty(), wanted.is_empty());
        // As it would have been made from its own ranges: sorted, none overlaps or touches.
        let again = AddressRanges { ipv4: found.ipv4().to_vec(), ipv6: found.ipv6().to_vec() };
        assert_eq!(DisjointRanges::from(again), *found);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn sets_are_as_a_naive_set_has_them((ours, a) in sets(), (theirs, b) in sets()) {
            check(&ours.union(&theirs), &a.union(&b).copied().collect());
            check(&ours.without(&theirs), &a.difference(&b).copied().collect());
            check(&ours.intersection(&theirs), &a.intersection(&b).copied().collect());
        }
    }

    #[test]
    fn everything_is_counted_and_cut() {
        let ends = [Range::single(0), Range::single(u32::MAX)];
        let all = DisjointRanges { ipv4: vec![Range::ALL], ipv6: vec![Range::ALL] };
        assert_eq!(all.addresses(), (1 << 32, u128::MAX));
        let ends = DisjointRanges { ipv4: ends.to_vec(), ipv6: Vec::new() };
        assert_eq!(all.without(&ends).ipv4(), [Range { first: 1, last: u32::MAX - 1 }]);
        assert_eq!(all.without(&all), DisjointRanges::default());
        assert_eq!(ends.union(&all), all);
        assert_eq!(all.intersection(&ends), ends);
    }
}
