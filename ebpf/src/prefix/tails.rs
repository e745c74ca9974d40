//! What the addresses of a run have beyond their digits.

use super::Block;
use super::ipv6::Key;
use crate::abi::prefix::{DIGIT_BITS, Tails, UNIT_BYTES, offset};

/// Bits of a tail.
const TAIL_BITS: u32 = u32::BITS;
/// How often the longest run is halved until nothing is left.
const HALVINGS: u32 = 16;

pub(super) struct TailMemory<'b, B> {
    block: &'b B,
    /// The offset of the first tail.
    start: u32,
    /// The offset of the first rest. Without rests, what is read there are tails, and is masked.
    rests: u32,
    /// From one rest to the next, in bytes.
    step: u32,
    mask: u64,
}

impl<'b, B: Block> TailMemory<'b, B> {
    /// The tails of a run of `count` addresses.
    #[inline(always)]
    pub(super) fn new(block: &'b B, tails: Tails, count: u32) -> Self {
        let start = offset(tails.position());
        let rests = tails.rests();
        Self {
            block,
            start,
            rests: start + count * UNIT_BYTES * rests,
            step: UNIT_BYTES << rests,
            mask: 0_u64.wrapping_sub(rests.into()),
        }
    }

    /// Given that none of the first `passed` addresses is beyond the key, and that the next `left` have its digit: how
    /// many are not beyond it.
    #[inline(always)]
    pub(super) fn passed(&self, mut passed: u32, mut left: u32, key: &Key) -> u32 {
        let mut halvings = 0;
        while halvings < HALVINGS && left > 0 {
            let half = (left + 1) >> 1;
            passed += half * self.not_beyond(passed + half - 1, key);
            left -= half;
            halvings += 1;
        }
        passed
    }

    /// One if an address is not beyond the key, else zero. Their digits are equal.
    #[inline(always)]
    fn not_beyond(&self, index: u32, key: &Key) -> u32 {
        let tail = u64::from(self.tail(index));
        let rest = self.rest(index) & self.mask;
        // The borrow of a subtraction of 96 bits: a comparison would become a branch.
        let borrow = borrow(key.rest(), rest);
        1 - (u64::from(key.tail()).wrapping_sub(tail).wrapping_sub(borrow) >> (u64::BITS - 1)) as u32
    }

    /// Whether the key is inside a prefix whose digit is the key's. The length counts from the digit's first bit.
    #[inline(always)]
    pub(super) fn inside(&self, index: u32, length: u32, key: &Key) -> bool {
        // Of the tail, then of the rest.
        let tail_bits = length.saturating_sub(DIGIT_BITS);
        let rest_bits = tail_bits.saturating_sub(TAIL_BITS);
        let tail = u64::from(self.tail(index) ^ key.tail());
        if tail >> TAIL_BITS.saturating_sub(tail_bits) != 0 {
            return false;
        }
        rest_bits == 0 || (self.rest(index) ^ key.rest()) >> (u64::BITS.saturating_sub(rest_bits) & 63) == 0
    }

    #[inline(always)]
    fn tail(&self, index: u32) -> u32 {
        self.block.word(self.start + index * UNIT_BYTES)
    }

    #[inline(always)]
    fn rest(&self, index: u32) -> u64 {
        self.block.double(self.rests + index * self.step)
    }
}

/// One if the second number is greater, else zero.
#[inline(always)]
const fn borrow(from: u64, what: u64) -> u64 {
    ((!from & what) | ((!from | what) & from.wrapping_sub(what))) >> (u64::BITS - 1)
}
