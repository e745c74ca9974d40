mod interleaved;
mod keys;
mod reuse;
mod schedules;
mod threads;

use std::sync::atomic::AtomicU64;

use super::owner::unmix;
use super::{BucketKey, BucketMemory, Home, HostTable, Owner, Sets, Shape};
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

/// The key (of up to 64 bits) and the class of a slot with this tag in this set.
fn owner(shape: Shape, index: u32, tag: u64) -> (BucketKey, u64) {
    let owner = Owner::of(shape, index, tag).unwrap();
    (owner.key(0), owner.class)
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
