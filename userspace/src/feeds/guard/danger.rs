//! Addresses that a blocklist never means.

use std::fmt;
use std::net::IpAddr;

use super::Guard;
use crate::feeds::disjoint::{DisjointRanges, merged};
use crate::feeds::lines::Entry;
use crate::feeds::range::{Address, Range};

/// Why an entry is dangerous.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Danger {
    /// An address of the host itself.
    Own(IpAddr),
    /// Addresses for a purpose.
    Purpose(Purpose),
    /// More addresses than anybody holds.
    TooWide {
        /// The length of the widest prefix that may be.
        widest: u8,
    },
}

/// What a block of addresses is for, and why an entry of it is dangerous.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// The block, as it is usually written.
    pub block: &'static str,
    /// What it is for.
    pub what: &'static str,
}

/// Private networks, and what a host needs to have a network at all. Blocks for documentation (`192.0.2.0/24`,
/// `2001:db8::/32`) and benchmarks are not among them: no traffic of anybody comes from there, so that they harm nobody.
const IPV4: [(Range<u32>, Purpose); 9] = [
    block4([0, 0, 0, 0], 8, "0.0.0.0/8", "this network: a host that asks for its address with DHCP"),
    block4([10, 0, 0, 0], 8, "10.0.0.0/8", "a private network, which may be this one"),
    block4(
        [100, 64, 0, 0],
        10,
        "100.64.0.0/10",
        "shared by providers (CGNAT), clouds and overlay networks for their own inside: whoever has it here is near",
    ),
    block4([127, 0, 0, 0], 8, "127.0.0.0/8", "loopback: the host itself"),
    block4(
        [169, 254, 0, 0],
        16,
        "169.254.0.0/16",
        "link-local: neighbours, and the metadata service of clouds",
    ),
    block4([172, 16, 0, 0], 12, "172.16.0.0/12", "a private network, which may be this one"),
    block4([192, 168, 0, 0], 16, "192.168.0.0/16", "a private network, which may be this one"),
    block4([224, 0, 0, 0], 4, "224.0.0.0/4", "multicast, which no packet has as its source"),
    block4(
        [240, 0, 0, 0],
        4,
        "240.0.0.0/4",
        "reserved, with the broadcast address: no packet has it as its source",
    ),
];

const IPV6: [(Range<u128>, Purpose); 5] = [
    block6(0, 128, "::/128", "the unspecified address: a host that looks for its address"),
    block6(1, 128, "::1/128", "loopback: the host itself"),
    block6(0xfc00 << 112, 7, "fc00::/7", "a private network (ULA), which may be this one"),
    block6(
        0xfe80 << 112,
        10,
        "fe80::/10",
        "link-local: neighbours and routers, without which there is no IPv6",
    ),
    block6(0xff00 << 112, 8, "ff00::/8", "multicast, which no packet has as its source"),
];

const fn block4(
    first: [u8; 4],
    length: u32,
    block: &'static str,
    what: &'static str,
) -> (Range<u32>, Purpose) {
    let first = u32::from_be_bytes(first);
    (Range { first, last: first | (u32::MAX >> length) }, Purpose { block, what })
}

const fn block6(first: u128, length: u32, block: &'static str, what: &'static str) -> (Range<u128>, Purpose) {
    let last = if length == u128::BITS { first } else { first | (u128::MAX >> length) };
    (Range { first, last }, Purpose { block, what })
}

/// What is dangerous for one host.
pub(super) struct Dangers<'a> {
    own: &'a DisjointRanges,
    widest_ipv4: u8,
    widest_ipv6: u8,
    /// All that is dangerous, so that the usual entry is asked for once.
    ipv4: Vec<Range<u32>>,
    ipv6: Vec<Range<u128>>,
}

impl<'a> Dangers<'a> {
    pub(super) fn new(guard: &'a Guard) -> Self {
        let own = &guard.own;
        Self {
            own,
            widest_ipv4: guard.widest_ipv4,
            widest_ipv6: guard.widest_ipv6,
            ipv4: merged(IPV4.iter().map(|(block, _)| *block).chain(own.ipv4().iter().copied()).collect()),
            ipv6: merged(IPV6.iter().map(|(block, _)| *block).chain(own.ipv6().iter().copied()).collect()),
        }
    }

    /// Why the entry is dangerous, if it is: the host's own addresses first.
    pub(super) fn of(&self, entry: Entry) -> Option<Danger> {
        match entry {
            Entry::Ipv4(range) => of(range, &self.ipv4, self.own.ipv4(), &IPV4, self.widest_ipv4),
            Entry::Ipv6(range) => of(range, &self.ipv6, self.own.ipv6(), &IPV6, self.widest_ipv6),
        }
    }
}

fn of<A: Address>(
    range: Range<A>,
    all: &[Range<A>],
    own: &[Range<A>],
    blocks: &[(Range<A>, Purpose)],
    widest: u8,
) -> Option<Danger> {
    if first_overlap(range, all).is_some() {
        if let Some(hit) = first_overlap(range, own) {
            return Some(Danger::Own(hit.to_ip()));
        }
        let purpose = blocks.iter().find(|(block, _)| overlap(range, *block));
        if let Some((_, purpose)) = purpose {
            return Some(Danger::Purpose(*purpose));
        }
    }
    // As many addresses as the widest prefix has, wherever they start.
    let most = A::MIN.prefix_end(widest);
    (range.last.minus(range.first) > most).then_some(Danger::TooWide { widest })
}

/// The first address that a range has in common with sorted ranges that do not overlap.
fn first_overlap<A: Address>(range: Range<A>, sorted: &[Range<A>]) -> Option<A> {
    let candidate = sorted.get(sorted.partition_point(|other| other.last < range.first))?;
    overlap(range, *candidate).then(|| range.first.max(candidate.first))
}

fn overlap<A: Address>(one: Range<A>, other: Range<A>) -> bool {
    one.first <= other.last && other.first <= one.last
}

impl fmt::Display for Danger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(address) => write!(formatter, "holds {address}, which is this host's own"),
            Self::Purpose(Purpose { block, what }) => write!(formatter, "overlaps {block}, {what}"),
            Self::TooWide { widest } => write!(formatter, "wider than a /{widest}, the widest that is taken"),
        }
    }
}
