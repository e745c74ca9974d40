//! IPv6: a digit is rarely all that is left of the address. What lies behind it is read only where it decides.

use super::run::Run;
use super::{Block, PrefixMemory};
use crate::abi::family;
use crate::abi::prefix::{Entry, MAX_TABLES_V6, Region, Tails, UNIT_BYTES, offset};

/// Bytes of a rest.
const REST_BYTES: u32 = 8;
/// How often the longest run is halved until nothing is left.
const HALVINGS: u32 = 16;

#[inline(always)]
pub(super) fn find<M: PrefixMemory>(memory: &M, address: &[u8; 16]) -> u32 {
    let (index, mut key) = Key::behind_root(address);
    let mut entry = Entry::from_bits(memory.root(family::IPV6, index));
    let mut tables = 0;
    while tables < MAX_TABLES_V6 && entry.is_table() {
        let Some(block) = memory.block(Region::IPV6.block(entry.position())) else { return 0 };
        let index = key.take(entry.stride());
        entry = Entry::from_bits(block.word(offset(entry.position()) + index * UNIT_BYTES));
        tables += 1;
    }
    if !entry.is_run() {
        return entry.set();
    }

    let Some(block) = memory.block(Region::IPV6.block(entry.position())) else { return 0 };
    let tails = Tails::from_bits(block.word(offset(entry.position()) + UNIT_BYTES));
    let run = Run::new(&block, entry, UNIT_BYTES);
    let passed = run.passed(key.digit());
    if tails.are_none() || passed == 0 || run.digit(passed - 1) != key.digit() {
        return run.set(passed);
    }
    // From here on only boundaries with the same digit as the address.
    let before = if key.digit() == 0 { 0 } else { run.passed(key.digit() - 1) };
    let Some(cold) = memory.block(Region::TAILS.block(tails.position())) else { return 0 };
    run.set(before + equal_passed(&cold, tails, run.count(), before, passed - before, &key))
}

/// How many of `count` boundaries from `first` on are not beyond the address; their digits are the address's.
#[inline(always)]
fn equal_passed<B: Block>(block: &B, tails: Tails, total: u32, first: u32, count: u32, key: &Key) -> u32 {
    let start = offset(tails.position());
    let rests = start + total * UNIT_BYTES;
    let rests_count = if tails.have_rests() { u64::MAX } else { 0 };
    let (mut passed, mut left) = (0_u32, count);
    let mut halvings = 0;
    // Without branches on what is compared, as in `search`: here for the verifier, which follows each of them.
    while halvings < HALVINGS && left > 0 {
        let half = (left + 1) >> 1;
        let index = first + passed + half - 1;
        let tail = block.word(start + index * UNIT_BYTES);
        // Rests that are not there are some other bytes of the block; nothing depends on them then.
        let rest = block.double(rests + index * REST_BYTES) & rests_count;
        let beyond = where_less(key.tail().into(), tail.into())
            | !where_less(tail.into(), key.tail().into()) & where_less(key.rest(), rest);
        #[expect(clippy::cast_possible_truncation, reason = "all ones or all zeroes")]
        let beyond = beyond as u32;
        passed += half & !beyond;
        left -= half;
        halvings += 1;
    }
    block.settle(passed)
}

/// All ones where `one` is less than `other`, else zero: the borrow of their difference, spread (Warren, Hacker's Delight,
/// 2-13).
#[inline(always)]
const fn where_less(one: u64, other: u64) -> u64 {
    let borrow = (!one & other) | (!(one ^ other) & one.wrapping_sub(other));
    (borrow.cast_signed() >> 63).cast_unsigned()
}

/// The bits of an address that nothing has consumed yet, first bit on top, zeroes behind the last.
struct Key {
    high: u64,
    low: u64,
}

impl Key {
    /// The first 16 bits, and the rest of the address.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "the parts of the address that are meant")]
    const fn behind_root(address: &[u8; 16]) -> (u16, Self) {
        let bits = u128::from_be_bytes(*address);
        ((bits >> 112) as u16, Self { high: (bits >> 48) as u64, low: (bits << 16) as u64 })
    }

    /// Consumes up to 16 bits, and one at least.
    #[inline(always)]
    const fn take(&mut self, bits: u32) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "16 bits at most")]
        let taken = (self.high >> (u64::BITS - bits)) as u32;
        self.high = self.high << bits | self.low >> (u64::BITS - bits);
        self.low <<= bits;
        taken
    }

    /// The next 16 bits.
    #[inline(always)]
    const fn digit(&self) -> u32 {
        (self.high >> 48) as u32
    }

    /// The 32 bits behind the digit.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "the 32 bits that are meant")]
    const fn tail(&self) -> u32 {
        (self.high >> 16) as u32
    }

    /// The 64 bits behind the tail.
    #[inline(always)]
    const fn rest(&self) -> u64 {
        self.high << 48 | self.low >> 16
    }
}
