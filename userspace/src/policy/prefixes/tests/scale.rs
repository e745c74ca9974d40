//! A million random prefixes: exact, and within the memory that was promised.

use super::model::{Family, Prefixes, Random, check};

const COUNT: usize = 1_000_000;

/// Lengths `shortest..=longest`, equally often, around random addresses that begin with `first_bits`.
fn random_prefixes<A: Family>(first_bits: u128, shortest: u8, longest: u8, sets: u64) -> Prefixes<A> {
    let mut random = Random(7);
    let prefix = |_| {
        let length = shortest + u8::try_from(random.below(u64::from(longest - shortest) + 1)).unwrap();
        let number = u128::from(random.next()) << 64 | u128::from(random.next());
        let set = 1 + u16::try_from(random.below(sets)).unwrap();
        (A::number(number >> 3 | first_bits), length, set)
    };
    Prefixes((0..COUNT).map(prefix).collect())
}

fn exact_within<A: Family>(prefixes: Prefixes<A>, bytes_per_prefix: usize) {
    let segments = prefixes.sweep();
    let mut random = Random(8);
    let extra: Vec<A> = (0..COUNT / 10).map(|_| random.address()).collect();
    let tables = check(&segments, extra);
    let size = A::size(&tables);
    println!("{:.2} B/prefix: {size:?}", size.bytes() as f64 / COUNT as f64);
    assert!(size.bytes() <= COUNT * bytes_per_prefix, "{size:?}");
}

#[test]
fn a_million_prefixes4() {
    exact_within(random_prefixes::<u32>(0, 19, 32, 1), 4);
}

#[test]
fn a_million_prefixes6() {
    exact_within(random_prefixes::<u128>(1 << 125, 32, 64, 1), 24);
}
