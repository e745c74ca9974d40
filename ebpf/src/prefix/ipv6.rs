//! IPv6: a digit is rarely all that is left of the address. What lies behind it is read only where it decides.

use super::run::{Passed, Run};
use super::tails::TailMemory;
use super::{Block, PrefixMemory};
use crate::abi::family;
use crate::abi::prefix::{
    DIGIT_BITS, Entry, MAX_STEPS_V6, ROOT_BITS, Region, Tails, UNIT_BYTES, global_unicast, offset, path,
};

/// As [`super::find`], of an IPv6 source.
#[inline(always)]
#[must_use]
pub fn find<M: PrefixMemory>(memory: &M, address: &[u8; 16]) -> u32 {
    let mut key = Key::new(address);
    let mut entry = Entry::OTHERS;
    if key.first(global_unicast::BITS) == global_unicast::VALUE {
        key.take(global_unicast::BITS);
        #[expect(clippy::cast_possible_truncation, reason = "the root consumes 16 bits")]
        let index = key.first(ROOT_BITS) as u16;
        key.take(ROOT_BITS);
        entry = Entry::from_bits(memory.root(family::IPV6, index));
    }
    let mut steps = 0;
    while steps < MAX_STEPS_V6 && (entry.is_table() || entry.is_path()) {
        let Some(block) = memory.block(Region::IPV6.block(entry.position())) else { return 0 };
        let at = offset(entry.position());
        entry = if entry.is_table() {
            let index = key.first(entry.stride());
            key.take(entry.stride());
            Entry::from_bits(block.word(at + index * UNIT_BYTES))
        } else {
            let bits = block.double(at + path::BITS);
            match key.leaves(bits) {
                None => {
                    key.take(path_bits(bits));
                    Entry::from_bits(block.word(at + path::ENTRY))
                }
                Some(Side::Before) => return block.half(at + path::BEFORE).into(),
                Some(Side::After) => return block.half(at + path::AFTER).into(),
            }
        };
        steps += 1;
    }
    if !entry.is_run() {
        return entry.set();
    }

    let Some(block) = memory.block(Region::IPV6.block(entry.position())) else { return 0 };
    let tails = Tails::from_bits(block.word(offset(entry.position()) + UNIT_BYTES));
    let run = Run::new(&block, entry, UNIT_BYTES).settled();
    let digit = key.digit();
    let passed = run.passed(digit);
    if passed.is_none() || tails.are_none() || run.last_digit(passed) != digit {
        return run.set(if run.holds_prefixes() { run.inside(passed, digit << 1) } else { passed });
    }

    // The bits behind the digit decide, but only among the addresses that have the digit.
    let count = run.settle(passed.count());
    let run = run.settled();
    let smaller = if digit == 0 { 0 } else { run.settle(run.passed(digit - 1).count()) };
    let Some(cold) = memory.block(Region::TAILS.block(tails.position())) else { return 0 };
    let run = run.settled();
    let memory = TailMemory::new(&cold, tails, run.count());
    let count = run.settle(memory.passed(smaller, count - smaller, &key));
    let passed = if count == 0 { Passed::NONE } else { Passed::first(count) };
    if !run.holds_prefixes() {
        return run.set(passed);
    }
    if count == smaller {
        return run.set(run.inside(passed, digit << 1));
    }
    let inside = memory.inside(count - 1, run.last_length(passed), &key);
    run.set(if inside { passed } else { Passed::NONE })
}

/// Where an address is that is not on a path.
enum Side {
    Before,
    After,
}

/// The number of a path's bits.
#[inline(always)]
const fn path_bits(bits: u64) -> u32 {
    (bits & 63) as u32
}

/// The bits of an address that nothing has consumed yet, first bit on top, zeroes behind the last.
pub(super) struct Key {
    high: u64,
    low: u64,
}

impl Key {
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
    const fn new(address: &[u8; 16]) -> Self {
        let bits = u128::from_be_bytes(*address);
        Self { high: (bits >> 64) as u64, low: bits as u64 }
    }

    /// The next bits, 1 to 16.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "16 bits at most")]
    const fn first(&self, bits: u32) -> u32 {
        (self.high >> (u64::BITS - bits)) as u32
    }

    /// Consumes bits, 1 to 63.
    #[inline(always)]
    const fn take(&mut self, bits: u32) {
        let left = u64::BITS.wrapping_sub(bits) & 63;
        self.high = self.high << bits | self.low >> left;
        self.low <<= bits;
    }

    /// Whether the address does not have the bits of a path, and on which side it is.
    #[inline(always)]
    const fn leaves(&self, path: u64) -> Option<Side> {
        let left = u64::BITS.wrapping_sub(path_bits(path)) & 63;
        if (self.high ^ path) >> left == 0 {
            None
        } else if self.high < path {
            Some(Side::Before)
        } else {
            Some(Side::After)
        }
    }

    /// The digit.
    #[inline(always)]
    const fn digit(&self) -> u32 {
        (self.high >> (u64::BITS - DIGIT_BITS)) as u32
    }

    /// The 32 bits behind the digit.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "the 32 bits that are meant")]
    pub(super) const fn tail(&self) -> u32 {
        (self.high >> (u32::BITS - DIGIT_BITS)) as u32
    }

    /// The 64 bits behind the tail.
    #[inline(always)]
    pub(super) const fn rest(&self) -> u64 {
        let behind = DIGIT_BITS + u32::BITS;
        self.high << behind | self.low >> (u64::BITS - behind)
    }
}
