mod interleaved;
mod keys;
mod reuse;
mod schedules;
mod threads;

use std::sync::atomic::AtomicU64;

use super::key::{SPREAD, other};
use super::{BucketKey, BucketMemory, Home, HostTable, Sets, Shape};
use crate::abi::{BUCKET_SET_WORDS, Limit, MIN_BUCKET_BITS, bucket_class, bucket_tag, family};
use crate::limit::{Due, Outcome, charge, ticks};

const SECOND_NS: u64 = 1_000_000_000;
const SEED: u64 = 0x0123_4567_89ab_cdef;
const SMALLEST: Shape = Shape { seed: SEED, bits: MIN_BUCKET_BITS };

type Table = HostTable<Vec<AtomicU64>>;

fn table(shape: Shape) -> Table {
    let words = std::iter::repeat_with(AtomicU64::default).take(shape.sets() as usize * BUCKET_SET_WORDS);
    HostTable::new(words.collect(), shape)
}

/// A limit of `burst` units, each of which comes back after `charge` ticks.
const fn limit(charge: u64, burst: u64) -> Limit {
    Limit { cost: charge << 16, burst: charge * burst }
}

/// One packet of a source with a limit in packets.
fn take<M: BucketMemory>(memory: &M, key: &BucketKey, limit: &Limit, now_ns: u64) -> Outcome<()> {
    let sets = Sets::new(memory, Home::of(key, memory.shape()));
    let due = Due { limit, class: bucket_class::PACKETS, charge: limit.charge(1), over: () };
    charge(&sets, &[due], ticks(now_ns))
}

fn takes<M: BucketMemory>(memory: &M, key: &BucketKey, limit: &Limit, now_ns: u64) -> bool {
    take(memory, key, limit, now_ns) == Outcome::Admitted
}

fn ipv4(address: u32) -> BucketKey {
    BucketKey { high: u64::from(address), low: 0, salt: 0, family: family::IPV4 }
}

fn ipv6(high: u64) -> BucketKey {
    BucketKey { high, low: 0, salt: 0, family: family::IPV6 }
}

/// Keys of up to 64 bits of which nobody knows more than that they are many.
fn any_key(number: u64) -> BucketKey {
    ipv6(number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Undoes `mix`.
fn unmix(mixed: u64, seed: u64) -> u64 {
    let mixed = mixed.wrapping_mul(inverse(SPREAD));
    // The upper half was not changed, so the lower half can be told.
    (mixed ^ (mixed >> 32)).wrapping_mul(inverse(seed | 1))
}

/// Of an odd number, modulo 2^64: each step of Newton's doubles the bits that are right, of which an odd number has three.
fn inverse(odd: u64) -> u64 {
    (0..5).fold(odd, |inverse, _| inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse))))
}

/// The key (of up to 64 bits) and the class of a slot with this tag in this set.
fn owner(shape: Shape, index: u32, tag: u64) -> (BucketKey, u64) {
    let first = if tag & bucket_tag::SECOND == 0 { index } else { index ^ other(tag, shape.bits) };
    let mixed = u64::from(first) << (64 - shape.bits) | (tag & !bucket_tag::FLAGS) << 1 >> shape.bits;
    let family = if tag & bucket_tag::IPV6 == 0 { family::IPV4 } else { family::IPV6 };
    let class = (tag & bucket_tag::FLAGS) / bucket_tag::of_class(1);
    (BucketKey { high: unmix(mixed, shape.seed), low: 0, salt: 0, family }, class)
}

/// Keys whose first set is `first` and whose second set is `second`.
fn keys_between(shape: Shape, first: u32, second: u32) -> impl Iterator<Item = BucketKey> {
    let rests = 0..u64::MAX >> shape.bits;
    rests.filter_map(move |rest| {
        let mixed = u64::from(first) << (64 - shape.bits) | rest;
        let key = ipv6(unmix(mixed, shape.seed));
        (Home::of(&key, shape).second() == second).then_some(key)
    })
}
