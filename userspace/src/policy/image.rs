//! One compiled generation, as the kernel is given it.

use std::net::IpAddr;

use xdpgate_ebpf::abi::{AttributeSet, Settings};

use super::rules::RuleTables;
use crate::config::Name;
use crate::feeds::{Address, Range};

/// Addresses that share an attribute set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<A> {
    /// The first address.
    pub first: A,
    /// The last address.
    pub last: A,
    /// The index of the set in [`Image::attributes`].
    pub set: u16,
}

/// One compiled generation.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// What it says beside its prefixes.
    pub settings: Settings,
    /// The attribute sets. The first holds for a source in no segment.
    pub attributes: Vec<AttributeSet>,
    /// IPv4: sorted, disjoint, and no two neighbours could be one. Set 0 is left out.
    pub ipv4: Vec<Segment<u32>>,
    /// IPv6, likewise.
    pub ipv6: Vec<Segment<u128>>,
    /// Services, plans and limits.
    pub rules: RuleTables,
    /// The names of the lists: bit n of [`AttributeSet::lists`] is the nth.
    pub lists: Vec<Name>,
}

impl Image {
    /// The fewest prefixes that cover the IPv4 segments exactly, in order: address, length, set. They never overlap.
    pub fn prefixes4(&self) -> impl Iterator<Item = (u32, u8, u16)> {
        prefixes(&self.ipv4)
    }

    /// Likewise for IPv6.
    pub fn prefixes6(&self) -> impl Iterator<Item = (u128, u8, u16)> {
        prefixes(&self.ipv6)
    }

    /// What the image knows about a source.
    #[must_use]
    pub fn attributes_of(&self, source: IpAddr) -> AttributeSet {
        let set = match source {
            IpAddr::V4(ip) => set_of(&self.ipv4, ip.to_bits()),
            IpAddr::V6(ip) => set_of(&self.ipv6, ip.to_bits()),
        };
        self.attributes.get(usize::from(set)).copied().unwrap_or(AttributeSet::EMPTY)
    }
}

fn prefixes<A: Address>(segments: &[Segment<A>]) -> impl Iterator<Item = (A, u8, u16)> {
    segments.iter().flat_map(|segment| {
        let Segment { first, last, set } = *segment;
        Range { first, last }.prefixes().map(move |(address, length)| (address, length, set))
    })
}

fn set_of<A: Address>(segments: &[Segment<A>], address: A) -> u16 {
    let after = segments.partition_point(|segment| segment.first <= address);
    let candidate = after.checked_sub(1).and_then(|index| segments.get(index));
    candidate.filter(|segment| address <= segment.last).map_or(0, |segment| segment.set)
}
