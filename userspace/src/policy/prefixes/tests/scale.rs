//! A million random prefixes: exact, and within the memory that was promised.

use super::model::{Family, Prefixes, Random, check};

const COUNT: usize = 1_000_000;

/// Lengths `shortest..=longest`, equally often, around random addresses that begin with `first_bits`.
fn exact_within<A: Family>(first_bits: u128, shortest: u8, longest: u8, bytes_per_prefix: usize) {
    let mut random = Random(7);
    let lengths = u16::from(longest - shortest) + 1;
    let prefix = |_| {
        let length = shortest + u8::try_from(random.up_to(lengths) - 1).unwrap();
        (A::from_number(random.number() >> 3 | first_bits), length, 1)
    };
    let segments = Prefixes((0..COUNT).map(prefix).collect()).sweep();
    let tables = check(&segments, Random(8).addresses(COUNT / 10));
    let size = A::size(&tables);
    println!("/{shortest} to /{longest}: {} bytes, {size:?}", size.bytes());
    assert!(size.bytes() <= COUNT * bytes_per_prefix, "{} bytes, {size:?}", size.bytes());
}

#[test]
fn a_million_prefixes4() {
    exact_within::<u32>(0, 19, 32, 4);
}

#[test]
fn a_million_addresses4() {
    exact_within::<u32>(0, 32, 32, 4);
}

#[test]
fn a_million_prefixes6() {
    exact_within::<u128>(1 << 125, 32, 64, 24);
}

#[test]
fn a_million_addresses6() {
    exact_within::<u128>(1 << 125, 128, 128, 24);
}
