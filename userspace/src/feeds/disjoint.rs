//! Ranges in order, without overlaps: what lookups and the compiler work on.

mod algebra;

use std::net::IpAddr;

use super::range::{Address, AddressRanges, Range};

/// Ranges of both families, sorted; no two overlap or touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DisjointRanges {
    ipv4: Vec<Range<u32>>,
    ipv6: Vec<Range<u128>>,
}

impl DisjointRanges {
    /// The IPv4 ranges.
    #[must_use]
    pub fn ipv4(&self) -> &[Range<u32>] {
        &self.ipv4
    }

    /// The IPv6 ranges.
    #[must_use]
    pub fn ipv6(&self) -> &[Range<u128>] {
        &self.ipv6
    }

    /// Whether a range contains the address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(ip) => contains(&self.ipv4, ip.to_bits()),
            IpAddr::V6(ip) => contains(&self.ipv6, ip.to_bits()),
        }
    }
}

impl From<AddressRanges> for DisjointRanges {
    fn from(ranges: AddressRanges) -> Self {
        Self { ipv4: merged(ranges.ipv4), ipv6: merged(ranges.ipv6) }
    }
}

impl FromIterator<ipnet::IpNet> for DisjointRanges {
    fn from_iter<I: IntoIterator<Item = ipnet::IpNet>>(prefixes: I) -> Self {
        prefixes.into_iter().collect::<AddressRanges>().into()
    }
}

/// Sorts ranges and joins those that overlap or touch, in place; what is left takes no more memory than it needs.
#[must_use]
pub fn merged<A: Address>(mut ranges: Vec<Range<A>>) -> Vec<Range<A>> {
    // Ranges with the same start join, in whatever order they are.
    ranges.sort_unstable_by_key(|range| range.first);
    ranges.dedup_by(|next, kept| {
        let joins = kept.last.successor().is_none_or(|after| next.first <= after);
        if joins {
            kept.last = kept.last.max(next.last);
        }
        joins
    });
    ranges.shrink_to_fit();
    ranges
}

fn contains<A: Address>(ranges: &[Range<A>], address: A) -> bool {
    let after = ranges.partition_point(|range| range.first <= address);
    after.checked_sub(1).and_then(|index| ranges.get(index)).is_some_and(|range| range.contains(address))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn merging_joins_what_overlaps_or_touches() {
        let range = |first, last| Range { first, last };
        assert_eq!(
            merged(vec![range(5_u32, 9), range(1, 2), range(3, 4), range(20, 30)]),
            [range(1, 9), range(20, 30)]
        );
        assert_eq!(
            merged(vec![range(0_u32, u32::MAX), range(7, 7), range(u32::MAX, u32::MAX)]),
            [Range::ALL]
        );
        assert_eq!(merged(vec![range(1_u32, 100), range(2, 3), range(50, 60)]), [range(1, 100)]);
        assert_eq!(merged(vec![range(1_u32, 3), range(1, 100), range(1, 2)]), [range(1, 100)]);
        assert_eq!(merged::<u128>(Vec::new()), []);
    }

    /// Near both ends of the family, so that ranges meet.
    fn pieces() -> impl Strategy<Value = Vec<(u8, u8, bool)>> {
        prop::collection::vec((any::<u8>(), 0_u8..20, any::<bool>()), 0..30)
    }

    fn check<A: Address>(ranges: &[Range<A>], merged: &[Range<A>], found: impl Fn(A) -> bool) {
        for pair in merged.windows(2) {
            assert!(pair[0].last.successor().is_some_and(|after| after < pair[1].first), "{pair:?}");
        }
        let ends = ranges.iter().flat_map(|range| [range.first, range.last]);
        let near = ends.flat_map(|end| [end.predecessor(), Some(end), end.successor()]).flatten();
        for address in near.chain([A::MIN, A::MAX]) {
            assert_eq!(found(address), ranges.iter().any(|range| range.contains(address)), "{address:?}");
        }
    }

    proptest! {
        #[test]
        fn disjoint_ranges_hold_the_same_addresses(pieces in pieces()) {
            let ranges = AddressRanges {
                ipv4: pieces.iter().map(|(start, length, end)| {
                    let first = if *end { u32::MAX - u32::from(*start) } else { u32::from(*start) };
                    Range { first, last: first.saturating_add((*length).into()) }
                }).collect(),
                ipv6: pieces.iter().map(|(start, length, end)| {
                    let first = if *end { u128::MAX - u128::from(*start) } else { u128::from(*start) };
                    Range { first, last: first.saturating_add((*length).into()) }
                }).collect(),
            };
            let disjoint = DisjointRanges::from(ranges.clone());
            check(&ranges.ipv4, disjoint.ipv4(), |bits| disjoint.contains(Ipv4Addr::from_bits(bits).into()));
            check(&ranges.ipv6, disjoint.ipv6(), |bits| disjoint.contains(Ipv6Addr::from_bits(bits).into()));
        }
    }
}
