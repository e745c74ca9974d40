//! Data of shapes that stress one part of the tables each.

use xdpgate_ebpf::abi::prefix::{BLOCK_BYTES, Region};

use super::super::PrefixTables;
use super::super::builder::Builder;
use super::model::{Family, Prefixes, Random, check};
use crate::feeds::Range;
use crate::policy::image::Segment;

/// The documentation's IPv6 prefix (RFC 3849), and one subnet of it.
const SUBNET: u128 = 0x2001_0db8_0001_0002 << 64;
/// A private /16 (RFC 1918).
const PRIVATE: u32 = 0xc0a8_0000;

/// Prefixes of one length around random addresses of one wider prefix, each with one of `sets` sets.
fn clustered<A: Family>(around: A, shared: u8, length: u8, count: usize, sets: u16) -> Prefixes<A> {
    let mut random = Random(u64::from(shared) << 8 | u64::from(length));
    let Range { first, last } = Range::prefix(around, shared);
    let free = first.to_number() ^ last.to_number();
    let prefix = |_| {
        let address = A::from_number(first.to_number() | random.number() & free);
        (address, length, random.up_to(sets))
    };
    Prefixes((0..count).map(prefix).collect())
}

/// Asks at all borders, and at addresses that differ from one in a single bit.
fn check_all<A: Family>(prefixes: Prefixes<A>) -> PrefixTables {
    let segments = prefixes.sweep();
    let near = |segment: &Segment<A>| {
        let first = segment.first.to_number();
        [4, 12, 24, 40, 70].map(|bit| A::from_number(first ^ 1 << bit))
    };
    check(&segments, segments.iter().take(2000).flat_map(near).chain(Random(99).addresses(1000)))
}

#[test]
fn thousands_of_64s_in_one_48() {
    check_all(clustered(SUBNET, 48, 64, 5_000, 1));
    check_all(clustered(SUBNET, 48, 64, 5_000, 9));
}

#[test]
fn many_128s_in_one_64() {
    check_all(clustered(SUBNET, 64, 128, 60, 1));
    check_all(clustered(SUBNET, 64, 128, 3_000, 1));
    check_all(clustered(SUBNET, 112, 128, 3_000, 3));
}

#[test]
fn more_in_one_corner_than_a_run_holds() {
    check_all(clustered(u128::MAX, 100, 128, 50_000, 1));
    check_all(clustered(u128::MAX, 64, 128, 50_000, 700));
}

#[test]
fn a_hundred_thousand_boundaries_in_one_16() {
    check_all(clustered(PRIVATE, 16, 32, 100_000, 1));
    check_all(clustered(SUBNET, 16, 32, 100_000, 1));
    check_all(clustered(SUBNET, 16, 40, 100_000, 5));
    let every_other = (0..1 << 15).map(|index| (PRIVATE | index << 1, 32, 1));
    let tables = check_all(Prefixes(every_other.collect()));
    assert_eq!(tables.size().ipv4.boundaries, 1 << 16);
}

#[test]
fn all_addresses_of_a_16_in_turn() {
    let all = (PRIVATE..=PRIVATE | 0xffff).zip((1..=3).cycle());
    check_all(Prefixes(all.map(|(address, set)| (address, 32, set)).collect()));
    let all = (SUBNET..=SUBNET | 0xffff).zip((1..=300).cycle());
    check_all(Prefixes(all.map(|(address, set)| (address, 128, set)).collect()));
}

#[test]
fn more_sets_than_a_byte_names() {
    check_all(clustered(PRIVATE, 8, 24, 3_000, 1_000));
    check_all(clustered(PRIVATE, 0, 28, 20_000, 60_000));
    check_all(clustered(SUBNET, 16, 48, 20_000, 60_000));
}

#[test]
fn runs_of_every_length() {
    // Set 256 needs two bytes.
    for (count, sets) in
        (1..70_u32).chain([127, 128, 255, 256, 257]).flat_map(|count| [(count, 1), (count, 2), (count, 256)])
    {
        let sets = (1..=sets).cycle();
        let prefixes = (1..=count).zip(sets.clone()).map(|(index, set)| (index * 7, 32, set));
        check(&Prefixes(prefixes.collect()).sweep(), []);
        let prefixes = (1..=count).zip(sets).map(|(index, set)| (u128::from(index) * 7, 128, set));
        check(&Prefixes(prefixes.collect()).sweep(), []);
    }
}

/// Runs and tables of many sizes, so that blocks end in the middle of what comes next.
#[test]
fn nothing_crosses_the_end_of_a_block() {
    let mut random = Random(5);
    let roots = (0..1 << 12).map(|root| root << 20);
    let prefixes =
        roots.flat_map(|root| (0..u32::from(random.up_to(600))).map(move |index| root + index * 1_700));
    let prefixes = prefixes.zip((1..=5).cycle()).map(|(address, set)| (address, 32, set));
    let tables = check_all(Prefixes(prefixes.collect()));
    let blocks: Vec<_> = tables.blocks().collect();
    assert!(blocks.len() > 1, "several blocks, or the test shows nothing");
    for (number, (index, bytes)) in (0_u32..).zip(&blocks) {
        assert_eq!(number, *index);
        assert!(bytes.len() <= BLOCK_BYTES as usize && !bytes.is_empty());
    }
}

#[test]
fn more_than_fits_is_an_error_that_says_what_to_do() {
    let one_block = Region { first: 0, blocks: 1 };
    // Each takes three bytes in one region, and twelve in the other.
    let segment = |index: u128| Segment { first: index << 90 | 0x55, last: index << 90 | 0x55, set: 1 };
    let segments: Vec<_> = (0..1_000_000).map(segment).collect();
    for (hot, cold) in [(Region::IPV6, one_block), (one_block, Region::TAILS)] {
        assert!(Builder::compile(&segments[..50_000], hot, cold).is_ok());
    }
    let error = Builder::compile(&segments[..200_000], Region::IPV6, one_block).err().unwrap();
    assert_eq!(
        error.to_string(),
        "the policy tells 200000 ranges of IPv6 addresses apart, and they need more than the 2 MiB that the kernel's \
         tables have for them; leave out a list, or write wider prefixes"
    );
    assert!(Builder::compile(&segments, one_block, Region::TAILS).is_err());
}
