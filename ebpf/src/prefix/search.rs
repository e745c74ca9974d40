//! The search among digits: halve until a group is left, then compare all of it at once.

use super::Block;
use super::run::DIGIT_BYTES;
use crate::abi::prefix::{DIGIT_BITS, GROUP};

/// How often the first digits of the longest run's 4,096 groups are halved until a group is left.
const HALVINGS: u32 = 8;

/// A one in each of the four lanes of a word.
const ONES: u64 = 0x0001_0001_0001_0001;
/// The top bit of each lane, which no digit has.
const TOPS: u64 = 0x8000_8000_8000_8000;
/// The lanes of the first word, counted from one.
const FIRST_LANES: u64 = 0x0004_0003_0002_0001;

/// How many of `count` sorted digits at an offset are not greater than `digit`.
///
/// Without a branch that depends on the data: a source is anybody's choice, and a wrong guess costs as much as a miss of
/// the cache.
#[inline(always)]
pub(super) fn not_greater<B: Block>(block: &B, digits: u32, count: u32, digit: u32) -> u32 {
    let (mut at, mut left) = (digits, count);
    let mut halvings = 0;
    while halvings < HALVINGS && left > GROUP {
        let half = (left + 1) >> 1;
        let middle = u32::from(block.half(at + (half - 1) * DIGIT_BYTES));
        // Set where middle <= digit. A comparison would become a branch.
        let not_greater = (digit + (1 << DIGIT_BITS)).wrapping_sub(middle) >> DIGIT_BITS & 1;
        at += half * DIGIT_BYTES * not_greater;
        left -= half;
        halvings += 1;
    }
    (at - digits) / DIGIT_BYTES + not_greater_of_group(block, at, left, digit)
}

/// Likewise, of as many as a group has at most.
#[inline(always)]
pub(super) fn not_greater_of_group<B: Block>(block: &B, digits: u32, count: u32, digit: u32) -> u32 {
    let lanes = Lanes::new(digit, count);
    let [first, second] = block.doubles(digits);
    let mut sum = lanes.not_greater(first, 0) + lanes.not_greater(second, 4);
    if count > 8 {
        let [third, fourth] = block.doubles(digits + 16);
        sum += lanes.not_greater(third, 8) + lanes.not_greater(fourth, 12);
    }
    (sum.wrapping_mul(ONES) >> 48) as u32
}

/// What all lanes are compared with.
struct Lanes {
    /// The digit, with the top bit of each lane set, so that subtracting a digit leaves it where that is not greater.
    digit: u64,
    /// The number of digits, likewise.
    count: u64,
}

impl Lanes {
    #[inline(always)]
    const fn new(digit: u32, count: u32) -> Self {
        Self {
            digit: (digit as u64).wrapping_mul(ONES) | TOPS,
            count: (count as u64).wrapping_mul(ONES) | TOPS,
        }
    }

    /// A one in each lane whose digit is there and not greater; `before` digits are in earlier words.
    #[inline(always)]
    const fn not_greater(&self, word: u64, before: u64) -> u64 {
        // Lanes behind the last digit hold anything, and may borrow from the lanes behind them, which do not count either.
        let not_greater = self.digit.wrapping_sub(word);
        let is_there = self.count.wrapping_sub(FIRST_LANES + before * ONES);
        (not_greater & is_there & TOPS) >> 15
    }
}
