//! What the tables must answer, said as simply as can be; and how they are asked.

use xdpgate_ebpf::abi::family;
use xdpgate_ebpf::packet::{Source, widen};
use xdpgate_ebpf::prefix::find;

use super::super::key::Key;
use super::super::{FamilySize, PrefixTables};
use crate::feeds::Range;
use crate::policy::image::Segment;

/// A family, as the tests need it.
pub(super) trait Family: Key {
    fn source(self) -> Source;
    fn compile(segments: &[Segment<Self>]) -> PrefixTables;
    fn size(tables: &PrefixTables) -> FamilySize;
    /// Out of the low bits.
    fn from_number(number: u128) -> Self;
    fn to_number(self) -> u128;
}

impl Family for u32 {
    fn source(self) -> Source {
        Source { address: widen(self.to_be_bytes()), family: family::IPV4 }
    }

    fn compile(segments: &[Segment<Self>]) -> PrefixTables {
        PrefixTables::compile(segments, &[]).unwrap()
    }

    fn size(tables: &PrefixTables) -> FamilySize {
        tables.size().ipv4
    }

    #[expect(clippy::cast_possible_truncation, reason = "the low bits")]
    fn from_number(number: u128) -> Self {
        number as Self
    }

    fn to_number(self) -> u128 {
        self.into()
    }
}

impl Family for u128 {
    fn source(self) -> Source {
        Source { address: self.to_be_bytes(), family: family::IPV6 }
    }

    fn compile(segments: &[Segment<Self>]) -> PrefixTables {
        PrefixTables::compile(&[], segments).unwrap()
    }

    fn size(tables: &PrefixTables) -> FamilySize {
        tables.size().ipv6
    }

    fn from_number(number: u128) -> Self {
        number
    }

    fn to_number(self) -> u128 {
        self
    }
}

/// Prefixes, and the set of each. The longest around an address decides; of two equal ones the later.
#[derive(Clone, Debug, Default)]
pub(super) struct Prefixes<A>(pub(super) Vec<(A, u8, u16)>);

impl<A: Family> Prefixes<A> {
    /// Looks at every prefix.
    pub(super) fn set(&self, address: A) -> u16 {
        let around = self.0.iter().filter(|(at, length, _)| Range::prefix(*at, *length).contains(address));
        around.max_by_key(|(_, length, _)| *length).map_or(0, |(_, _, set)| *set)
    }

    /// Every address where a prefix begins, or the first behind one.
    pub(super) fn borders(&self) -> Vec<A> {
        let ranges = self.0.iter().map(|(address, length, _)| Range::prefix(*address, *length));
        let mut borders: Vec<A> =
            ranges.flat_map(|range| [Some(range.first), range.last.successor()]).flatten().collect();
        borders.sort_unstable();
        borders.dedup();
        borders
    }

    /// As the policy compiler hands them on; looks at every prefix for every border.
    pub(super) fn segments(&self) -> Vec<Segment<A>> {
        segments(self.borders().into_iter().map(|border| (border, self.set(border))))
    }

    /// Likewise, for many.
    pub(super) fn sweep(mut self) -> Vec<Segment<A>> {
        self.0.sort_by_key(|(address, length, _)| (address.prefix_start(*length), *length));
        let mut changes = Vec::with_capacity(2 * self.0.len());
        // The prefixes around the current one, each inside the one before.
        let mut around: Vec<(A, u16)> = vec![(A::MAX, 0)];
        let leave = |around: &mut Vec<(A, u16)>, changes: &mut Vec<(A, u16)>| {
            let (last, _) = around.pop().unwrap();
            if let (Some(after), Some((_, set))) = (last.successor(), around.last()) {
                changes.push((after, *set));
            }
        };
        for (address, length, set) in self.0 {
            let range = Range::prefix(address, length);
            while around.last().is_some_and(|(last, _)| *last < range.first) {
                leave(&mut around, &mut changes);
            }
            changes.push((range.first, set));
            around.push((range.last, set));
        }
        while around.len() > 1 {
            leave(&mut around, &mut changes);
        }
        // Of several changes at one address, the last is the innermost.
        let mut last_first = changes;
        last_first.reverse();
        last_first.dedup_by_key(|(address, _)| *address);
        last_first.reverse();
        segments(last_first.into_iter())
    }
}

/// Segments out of changes in order: sorted, disjoint, neighbours joined, set 0 left out.
fn segments<A: Family>(changes: impl Iterator<Item = (A, u16)>) -> Vec<Segment<A>> {
    let mut segments: Vec<Segment<A>> = Vec::new();
    let mut changes = changes.peekable();
    while let Some((first, set)) = changes.next() {
        while changes.next_if(|(_, next)| *next == set).is_some() {}
        let last = changes.peek().map_or(A::MAX, |(next, _)| next.predecessor().unwrap());
        if set != 0 {
            segments.push(Segment { first, last, set });
        }
    }
    segments
}

/// The set of an address, out of sorted segments.
pub(super) fn set_of<A: Family>(segments: &[Segment<A>], address: A) -> u16 {
    let after = segments.partition_point(|segment| segment.first <= address);
    let before = after.checked_sub(1).map(|index| segments[index]);
    before.filter(|segment| address <= segment.last).map_or(0, |segment| segment.set)
}

/// Asks the tables.
pub(super) fn ask<A: Family>(tables: &PrefixTables, address: A) -> u16 {
    u16::try_from(find(tables, &address.source())).unwrap()
}

/// Compiles the segments and asks at each end of each of them, one address to either side, and at `extra` addresses.
pub(super) fn check<A: Family>(segments: &[Segment<A>], extra: impl IntoIterator<Item = A>) -> PrefixTables {
    let tables = A::compile(segments);
    check_tables(&tables, segments, extra);
    tables
}

fn check_tables<A: Family>(
    tables: &PrefixTables,
    segments: &[Segment<A>],
    extra: impl IntoIterator<Item = A>,
) {
    let expect = |address: A, set: u16| {
        assert_eq!(ask(tables, address), set, "{:?}, {}", address, address.to_ip());
    };
    let mut before: Option<Segment<A>> = None;
    for (segment, next) in segments.iter().zip(segments.iter().skip(1).map(Some).chain([None])) {
        let Segment { first, last, set } = *segment;
        expect(first, set);
        expect(last, set);
        if let Some(inside) = first.successor().filter(|inside| *inside < last) {
            expect(inside, set);
        }
        if let Some(outside) = first.predecessor() {
            let touches = before.filter(|before| before.last == outside);
            expect(outside, touches.map_or(0, |before| before.set));
        }
        if let Some(outside) = last.successor() {
            let touches = next.filter(|next| next.first == outside);
            expect(outside, touches.map_or(0, |next| next.set));
        }
        before = Some(*segment);
    }
    for address in [A::MIN, A::MAX].into_iter().chain(extra) {
        expect(address, set_of(segments, address));
    }
}

/// Numbers that look random and are the same in every run (splitmix64).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 1 to `most`.
    pub(super) fn up_to(&mut self, most: u16) -> u16 {
        1 + u16::try_from(self.next() % u64::from(most)).unwrap()
    }

    pub(super) fn number(&mut self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }

    pub(super) fn addresses<A: Family>(mut self, count: usize) -> impl Iterator<Item = A> {
        (0..count).map(move |_| A::from_number(self.number()))
    }
}
