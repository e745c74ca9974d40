//! Data of shapes that stress one part of the tables each.

use xdpgate_ebpf::abi::prefix::BLOCK_BYTES;

use super::super::PrefixTables;
use super::model::{Family, Prefixes, Random, check};
use crate::feeds::Range;
use crate::policy::image::Segment;

/// Prefixes of one length around random addresses that share their first bits with `base`.
fn clustered<A: Family>(base: A, shared: u8, length: u8, count: usize, sets: u16) -> Prefixes<A> {
    let mut random = Random(u64::from(shared) << 8 | u64::from(length));
    let Range { first, last } = Range::prefix(base, shared);
    let prefixes = (0..count).map(|_| {
        let inside = A::number(0_u128.wrapping_add(
            to_number(first) | (to_number(random.address::<A>()) & (to_number(last) ^ to_number(first))),
        ));
        let set = 1 + u16::try_from(random.below(u64::from(sets))).unwrap();
        (inside, length, set)
    });
    Prefixes(prefixes.collect())
}

fn to_number<A: Family>(address: A) -> u128 {
    match address.to_ip() {
        std::net::IpAddr::V4(ip) => ip.to_bits().into(),
        std::net::IpAddr::V6(ip) => ip.to_bits(),
    }
}

fn random_addresses<A: Family>(count: usize) -> Vec<A> {
    let mut random = Random(99);
    (0..count).map(|_| random.address()).collect()
}

/// Checks, and says how the tables look.
fn check_shape<A: Family>(prefixes: Prefixes<A>) -> PrefixTables {
    let segments = prefixes.sweep();
    let near = segments
        .iter()
        .take(1000)
        .flat_map(|segment| [8, 16, 40].map(|bit| A::number(to_number(segment.first) ^ 1 << bit)));
    check(&segments, random_addresses(1000).into_iter().chain(near))
}

#[test]
fn thousands_of_64s_in_one_48() {
    let tables = check_shape(clustered(0x2001_0db8_0001_u128 << 80, 48, 64, 5_000, 1));
    assert_eq!(tables.size().ipv6.cold_bytes, 0, "digits are enough");
}

#[test]
fn many_128s_in_one_64() {
    check_shape(clustered(0x2001_0db8_0001_0002_u128 << 64, 64, 128, 3_000, 1));
    check_shape(clustered(0x2001_0db8_0001_0002_u128 << 64, 112, 128, 3_000, 3));
    check_shape(clustered(0x2001_0db8_0001_0002_u128 << 64, 64, 128, 60, 1));
}

#[test]
fn more_in_one_corner_than_a_run_holds() {
    check_shape(clustered(u128::MAX, 100, 128, 100_000, 1));
    check_shape(clustered(u128::MAX, 64, 128, 100_000, 700));
}

#[test]
fn a_hundred_thousand_boundaries_in_one_16() {
    check_shape(clustered(0xc0a8_0000_u32, 16, 32, 100_000, 1));
    let every_other = (0..1_u32 << 15).map(|index| (0xc0a8_0000 | index << 1, 32, 1));
    let tables = check_shape(Prefixes(every_other.collect()));
    assert_eq!(tables.size().ipv4.boundaries, 1 << 16);
    check_shape(clustered(0x2001_u128 << 112, 16, 32, 100_000, 1));
    check_shape(clustered(0x2001_u128 << 112, 16, 40, 100_000, 5));
}

#[test]
fn all_addresses_of_a_16_in_turn() {
    let all = (0..=u32::from(u16::MAX)).map(|index| (0xc0a8_0000 | index, 32, 1 + (index % 3) as u16));
    check_shape(Prefixes(all.collect()));
    let all = (0..=u128::from(u16::MAX)).map(|index| (index, 128, 1 + (index % 300) as u16));
    check_shape(Prefixes(all.collect()));
}

#[test]
fn more_sets_than_a_byte_names() {
    check_shape(clustered(0xc0a8_0000_u32, 8, 24, 3_000, 1000));
    check_shape(clustered(0_u32, 0, 28, 20_000, 60_000));
    check_shape(clustered(0x2001_u128 << 112, 16, 48, 20_000, 60_000));
}

#[test]
fn runs_of_every_length() {
    for count in 1..300_u32 {
        // Set 256 needs two bytes.
        for sets in [1, 2, 256] {
            let prefix = |index: u32| (index * 7 + 1, 32, 1 + (index % sets) as u16);
            let segments = Prefixes((0..count).map(prefix).collect()).sweep();
            check(&segments, []);
            let prefix = |index: u32| (u128::from(index) * 7 + 1, 128, 1 + (index % sets) as u16);
            let segments = Prefixes((0..count).map(prefix).collect()).sweep();
            check(&segments, []);
        }
    }
}

/// Runs and tables of many sizes, so that blocks end in the middle of what comes next.
#[test]
fn nothing_crosses_the_end_of_a_block() {
    let mut random = Random(5);
    let mut prefixes = Vec::new();
    for root in 0..=u32::from(u16::MAX) {
        let count = random.below(60) as u32;
        prefixes.extend(
            (0..count).map(|index| (root << 16 | index * 1000 + root % 999, 32, 1 + (index % 5) as u16)),
        );
    }
    let tables = check_shape(Prefixes(prefixes));
    let blocks: Vec<_> = tables.blocks().collect();
    assert!(blocks.len() > 1, "several blocks, or the test shows nothing");
    for (number, (index, bytes)) in (0_u32..).zip(&blocks) {
        assert_eq!(number, *index);
        assert!(bytes.len() <= BLOCK_BYTES as usize && !bytes.is_empty());
    }
}

#[test]
fn more_than_fits_is_an_error_that_says_what_to_do() {
    // Each /16 of IPv6 with boundaries that need rests: 64 MiB of tails hold eleven million.
    let segments: Vec<_> = (0..6_000_000_u128)
        .map(|index| Segment { first: index << 90 | 0x55, last: index << 90 | 0x55, set: 1 })
        .collect();
    let error = PrefixTables::compile(&[], &segments).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("6000000 IPv6 ranges") && text.contains("MiB"), "{text}");
}
