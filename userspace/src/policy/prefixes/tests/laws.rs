//! For every set of prefixes: the tables answer as a look at every prefix does.

use proptest::prelude::*;

use xdpgate_ebpf::abi::family;
use xdpgate_ebpf::abi::prefix::BLOCK_BYTES;
use xdpgate_ebpf::packet::Source;
use xdpgate_ebpf::prefix::{Block, PrefixMemory, find};

use super::super::{Bytes, PrefixTables};
use super::model::{Family, Prefixes, ask, check, set_of};
use crate::policy::image::Segment;

/// Prefixes of every length. Their addresses differ in few bits, so that they nest, touch and repeat.
fn prefixes<A: Family>(sets: u16) -> impl Strategy<Value = Prefixes<A>> {
    let address = (any::<u128>(), prop::collection::vec(0..u32::from(A::WIDTH), 0..4));
    let prefix = (0..3_usize, prop::collection::vec(0..u32::from(A::WIDTH), 0..6), 0..=A::WIDTH, 0..sets);
    (prop::collection::vec(address, 3), prop::collection::vec(prefix, 0..60)).prop_map(|(bases, prefixes)| {
        let flip = |number: u128, bits: &[u32]| bits.iter().fold(number, |number, bit| number ^ 1 << bit);
        let bases: Vec<u128> = bases.iter().map(|(number, bits)| flip(*number, bits)).collect();
        let prefixes = prefixes
            .into_iter()
            .map(|(base, bits, length, set)| (A::from_number(flip(bases[base], &bits)), length, set));
        Prefixes(prefixes.collect())
    })
}

fn answers_as_every_prefix_would<A: Family>(prefixes: &Prefixes<A>, extra: &[u128]) {
    let segments = prefixes.segments();
    assert_eq!(segments, prefixes.clone().sweep(), "the two ways to flatten in these tests agree");
    let tables = check(&segments, extra.iter().map(|number| A::from_number(*number)));
    let borders = prefixes.borders();
    let before = borders.iter().filter_map(|border| border.predecessor());
    for address in before.chain(borders.iter().copied()) {
        assert_eq!(ask(&tables, address), prefixes.set(address), "{}", address.to_ip());
    }
}

proptest! {
    #[test]
    fn the_longest_prefix_decides4(prefixes in prefixes::<u32>(4), extra: Vec<u128>) {
        answers_as_every_prefix_would(&prefixes, &extra);
    }

    #[test]
    fn the_longest_prefix_decides6(prefixes in prefixes::<u128>(4), extra: Vec<u128>) {
        answers_as_every_prefix_would(&prefixes, &extra);
    }

    #[test]
    fn sets_of_any_number_are_answered4(prefixes in prefixes::<u32>(u16::MAX), extra: Vec<u128>) {
        answers_as_every_prefix_would(&prefixes, &extra);
    }

    #[test]
    fn sets_of_any_number_are_answered6(prefixes in prefixes::<u128>(u16::MAX), extra: Vec<u128>) {
        answers_as_every_prefix_would(&prefixes, &extra);
    }

    /// Whatever it holds, reading it neither fails nor takes forever.
    #[test]
    fn any_memory_is_read(bytes in prop::collection::vec(any::<u8>(), 0..4096), roots: Vec<u32>, extra: Vec<u128>) {
        let memory = Garbage { bytes, roots };
        for number in extra {
            let _ = find(&memory, &u128::from_number(number).source());
            let _ = find(&memory, &u32::from_number(number).source());
        }
    }
}

struct Garbage {
    bytes: Vec<u8>,
    roots: Vec<u32>,
}

impl PrefixMemory for Garbage {
    type Block<'a> = Bytes<'a>;

    fn root(&self, _family: u8, index: u16) -> u32 {
        let roots = self.roots.len().max(1);
        self.roots.get(usize::from(index) % roots).copied().unwrap_or(u32::MAX)
    }

    fn block(&self, _number: u32) -> Option<Bytes<'_>> {
        Some(Bytes(&self.bytes))
    }
}

#[test]
fn without_prefixes_every_source_has_set_0() {
    let tables = PrefixTables::compile(&[], &[]).unwrap();
    assert_eq!(tables.blocks().count(), 0);
    assert_eq!((ask(&tables, 0_u32), ask(&tables, u32::MAX)), (0, 0));
    assert_eq!((ask(&tables, 0_u128), ask(&tables, u128::MAX)), (0, 0));
}

#[test]
fn a_whole_family_is_one_set() {
    check(&[Segment { first: 0_u32, last: u32::MAX, set: 7 }], [1 << 31]);
    check(&[Segment { first: 0_u128, last: u128::MAX, set: u16::MAX }], [1 << 127]);
}

#[test]
fn what_is_not_ip_has_set_0() {
    let tables = PrefixTables::compile(&[Segment { first: 0, last: u32::MAX, set: 7 }], &[]).unwrap();
    let source = Source { address: [0; 16], family: family::NONE };
    assert_eq!(find(&tables, &source), 0);
}

#[test]
fn segments_that_could_be_one_are_fine() {
    let segment = |first: u32, last: u32, set: u16| Segment { first, last, set };
    let tables = check(&[segment(5, 9, 1), segment(10, 20, 1), segment(21, 21, 2)], []);
    assert_eq!(tables.size().ipv4.boundaries, 3);
    assert_eq!(set_of(&[segment(5, 9, 1)], 10), 0);
}

#[test]
fn offsets_stay_inside_the_block() {
    let bytes = Bytes(&[1, 2, 3, 4]);
    assert_eq!(bytes.half(BLOCK_BYTES), 0x0201);
    assert_eq!(bytes.word(2), 0x0403, "zeroes behind what was written");
    assert_eq!(bytes.double(BLOCK_BYTES - 4), 0);
}
