//! Ranges of addresses, and the prefixes that cover them.

use std::fmt;
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address as a number in host order: `u32` for IPv4, `u128` for IPv6.
pub trait Address: sealed::Sealed + Copy + Ord + Hash + fmt::Debug + Send + Sync + 'static {
    /// Bits of an address.
    const WIDTH: u8;
    /// The first address.
    const MIN: Self;
    /// The last address.
    const MAX: Self;

    /// The address after this one; none after [`Self::MAX`].
    #[must_use]
    fn successor(self) -> Option<Self>;

    /// The address before this one; none before [`Self::MIN`].
    #[must_use]
    fn predecessor(self) -> Option<Self>;

    /// The last address of the prefix of `length` bits around this address. A length over [`Self::WIDTH`] counts as
    /// [`Self::WIDTH`].
    #[must_use]
    fn prefix_end(self, length: u8) -> Self;

    /// The first address of the prefix of `length` bits around this address.
    #[must_use]
    fn prefix_start(self, length: u8) -> Self;

    /// The length of the widest prefix that starts at this address and does not go past `last`, which must not be
    /// before this address.
    #[must_use]
    fn widest_prefix(self, last: Self) -> u8;

    /// How many addresses lie between this one and `other`, which must not be above it.
    #[must_use]
    fn minus(self, other: Self) -> Self;

    /// The address as the standard library writes it.
    #[must_use]
    fn to_ip(self) -> IpAddr;
}

/// All addresses from `first` to `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Range<A> {
    /// The first address.
    pub first: A,
    /// The last address, never before the first.
    pub last: A,
}

impl<A: Address> Range<A> {
    /// Every address of the family.
    pub const ALL: Self = Self { first: A::MIN, last: A::MAX };

    /// One address.
    #[must_use]
    pub const fn single(address: A) -> Self {
        Self { first: address, last: address }
    }

    /// From `first` to `last`, if they are in order.
    #[must_use]
    pub fn new(first: A, last: A) -> Option<Self> {
        (first <= last).then_some(Self { first, last })
    }

    /// The prefix of `length` bits around an address; host bits are dropped.
    #[must_use]
    pub fn prefix(address: A, length: u8) -> Self {
        Self { first: address.prefix_start(length), last: address.prefix_end(length) }
    }

    /// Whether the address is inside.
    #[must_use]
    pub fn contains(&self, address: A) -> bool {
        self.first <= address && address <= self.last
    }

    /// The fewest prefixes that cover exactly this range, in order.
    #[must_use]
    pub fn prefixes(self) -> Prefixes<A> {
        Prefixes { rest: Some(self) }
    }
}

impl<A: Address> fmt::Display for Range<A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.first.to_ip(), self.last.to_ip())
    }
}

/// The prefixes of a range: first address and length. See [`Range::prefixes`].
#[derive(Clone, Debug)]
pub struct Prefixes<A> {
    rest: Option<Range<A>>,
}

impl<A: Address> Iterator for Prefixes<A> {
    type Item = (A, u8);

    fn next(&mut self) -> Option<Self::Item> {
        let Range { first, last } = self.rest?;
        let length = first.widest_prefix(last);
        self.rest = first.prefix_end(length).successor().and_then(|next| Range::new(next, last));
        Some((first, length))
    }
}

/// Ranges of both families, as they were written: in any order, overlapping or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressRanges {
    /// IPv4.
    pub ipv4: Vec<Range<u32>>,
    /// IPv6.
    pub ipv6: Vec<Range<u128>>,
}

impl AddressRanges {
    /// The fewest prefixes that cover each of the ranges.
    pub fn nets(&self) -> impl Iterator<Item = ipnet::IpNet> {
        let ipv4 = self.ipv4.iter().flat_map(|range| range.prefixes());
        let ipv4 = ipv4.filter_map(|(address, length)| {
            ipnet::IpNet::new(Ipv4Addr::from_bits(address).into(), length).ok()
        });
        let ipv6 = self.ipv6.iter().flat_map(|range| range.prefixes());
        let ipv6 = ipv6.filter_map(|(address, length)| {
            ipnet::IpNet::new(Ipv6Addr::from_bits(address).into(), length).ok()
        });
        ipv4.chain(ipv6)
    }

    /// Adds a prefix; host bits are dropped.
    pub fn push_prefix(&mut self, prefix: ipnet::IpNet) {
        match prefix {
            ipnet::IpNet::V4(net) => self.ipv4.push(Range::prefix(net.addr().to_bits(), net.prefix_len())),
            ipnet::IpNet::V6(net) => self.ipv6.push(Range::prefix(net.addr().to_bits(), net.prefix_len())),
        }
    }
}

impl FromIterator<ipnet::IpNet> for AddressRanges {
    fn from_iter<I: IntoIterator<Item = ipnet::IpNet>>(prefixes: I) -> Self {
        let mut ranges = Self::default();
        prefixes.into_iter().for_each(|prefix| ranges.push_prefix(prefix));
        ranges
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for u32 {}
    impl Sealed for u128 {}
}

macro_rules! address {
    ($type:ty, $bits:literal, $ip:ty) => {
        impl Address for $type {
            const WIDTH: u8 = $bits;
            const MIN: Self = <$type>::MIN;
            const MAX: Self = <$type>::MAX;

            fn successor(self) -> Option<Self> {
                self.checked_add(1)
            }

            fn predecessor(self) -> Option<Self> {
                self.checked_sub(1)
            }

            fn prefix_end(self, length: u8) -> Self {
                self | <$type>::MAX.checked_shr(u32::from(length)).unwrap_or(0)
            }

            fn prefix_start(self, length: u8) -> Self {
                self & !<$type>::MAX.checked_shr(u32::from(length)).unwrap_or(0)
            }

            fn widest_prefix(self, last: Self) -> u8 {
                // The count of addresses is one more than fits when the range is the whole family.
                let fits = match last.saturating_sub(self).checked_add(1) {
                    Some(count) => count.ilog2(),
                    None => <$type>::BITS,
                };
                let host_bits = self.trailing_zeros().min(fits);
                u8::try_from(<$type>::BITS - host_bits).unwrap_or($bits)
            }

            fn minus(self, other: Self) -> Self {
                self.saturating_sub(other)
            }

            fn to_ip(self) -> IpAddr {
                <$ip>::from_bits(self).into()
            }
        }
    };
}

address!(u32, 32, Ipv4Addr);
address!(u128, 128, Ipv6Addr);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn covers_exactly<A: Address>(range: Range<A>) {
        let mut next = Some(range.first);
        for (address, length) in range.prefixes() {
            assert_eq!(Some(address), next, "{range}: no gap and no overlap");
            assert_eq!(
                address,
                address.prefix_start(length),
                "{range}: no host bits in {address:?}/{length}"
            );
            next = address.prefix_end(length).successor();
        }
        assert_eq!(next, range.last.successor(), "{range}: ends where the range ends");
    }

    #[test]
    fn the_edges_of_a_family_are_ordinary_addresses() {
        assert_eq!(Range::<u32>::ALL.prefixes().collect::<Vec<_>>(), [(0, 0)]);
        assert_eq!(Range::<u128>::ALL.prefixes().collect::<Vec<_>>(), [(0, 0)]);
        assert_eq!(Range::single(u32::MAX).prefixes().collect::<Vec<_>>(), [(u32::MAX, 32)]);
        assert_eq!(Range::single(0_u128).prefixes().collect::<Vec<_>>(), [(0, 128)]);
        // The worst case: every address but the first and the last.
        assert_eq!(Range { first: 1, last: u32::MAX - 1 }.prefixes().count(), 62);
        assert_eq!(Range { first: 1, last: u128::MAX - 1 }.prefixes().count(), 254);
        assert_eq!(Range::prefix(0xC0A8_0105_u32, 24), Range { first: 0xC0A8_0100, last: 0xC0A8_01FF });
        assert_eq!(Range::prefix(7_u128, 0), Range::ALL);
    }

    #[test]
    fn a_reversed_range_is_none() {
        assert_eq!(Range::new(2_u32, 1), None);
        assert_eq!(Range::new(2_u32, 2), Some(Range::single(2)));
    }

    proptest! {
        #[test]
        fn prefixes_cover_exactly_the_range4(a: u32, b: u32) {
            covers_exactly(Range { first: a.min(b), last: a.max(b) });
        }

        #[test]
        fn prefixes_cover_exactly_the_range6(a: u128, b: u128) {
            covers_exactly(Range { first: a.min(b), last: a.max(b) });
        }

        #[test]
        fn neighbouring_prefixes_are_never_joinable(a: u32, b: u32) {
            let prefixes: Vec<_> = Range { first: a.min(b), last: a.max(b) }.prefixes().collect();
            for pair in prefixes.windows(2) {
                let ((first, length), (_, next_length)) = (pair[0], pair[1]);
                let joins = length == next_length && first == first.prefix_start(length - 1);
                prop_assert!(!joins, "{first}/{length} and its neighbour are one prefix");
            }
        }
    }
}
