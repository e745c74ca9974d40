//! The search in a run: halve until sixteen digits are left, then compare those all at once.

use super::Block;
use super::run::DIGIT_BYTES;

/// Digits that the last step compares, four in each word.
const LAST: u32 = 16;
/// How often the longest run is halved until no more are left than the last step compares.
const HALVINGS: u32 = 12;

/// A one in each of the four lanes of a word.
const ONES: u64 = 0x0001_0001_0001_0001;
/// The top bit of each lane.
const TOPS: u64 = 0x8000_8000_8000_8000;
/// The lanes of the first word, counted from one.
const FIRST_LANES: u64 = 0x0004_0003_0002_0001;

/// How many of `count` sorted digits (up to [`crate::abi::prefix::MAX_RUN`]) at an offset are not greater than `digit`.
///
/// Without a branch that depends on the data: a source is anybody's choice, and a wrong guess costs as much as a miss of
/// the cache.
#[inline(always)]
pub(super) fn not_greater<B: Block>(block: &B, digits: u32, count: u32, digit: u32) -> u32 {
    let (mut passed, mut left) = (0_u32, count);
    let mut halvings = 0;
    while halvings < HALVINGS && left > LAST {
        let half = (left + 1) >> 1;
        let middle = u32::from(block.half(digits + (passed + half - 1) * DIGIT_BYTES));
        // All ones where middle <= digit; both have 16 bits.
        let beyond = middle.wrapping_sub(digit + 1).cast_signed() >> 31;
        passed += half & beyond.cast_unsigned();
        left -= half;
        halvings += 1;
    }

    let (passed, left) = (block.settle(passed), block.settle(left));
    let lanes = Lanes::new(digit, left);
    let at = digits + passed * DIGIT_BYTES;
    let mut sum = lanes.not_greater(block.double(at), 0) + lanes.not_greater(block.double(at + 8), 4);
    if left > 8 {
        sum += lanes.not_greater(block.double(at + 16), 8) + lanes.not_greater(block.double(at + 24), 12);
    }
    let last = (sum.wrapping_mul(ONES) >> 48) as u32;
    block.settle(passed + last)
}

/// What all lanes are compared with.
struct Lanes {
    digit: u64,
    /// The digit, with the top bit of each lane set: subtracting a lane never borrows from the next.
    minuend: u64,
    /// The number of digits that count, likewise.
    left: u64,
}

impl Lanes {
    #[inline(always)]
    const fn new(digit: u32, left: u32) -> Self {
        let digit = (digit as u64).wrapping_mul(ONES);
        Self { digit, minuend: digit | TOPS, left: (left as u64).wrapping_mul(ONES) | TOPS }
    }

    /// A one in each lane whose digit counts and is not greater; `before` digits are in earlier words.
    #[inline(always)]
    const fn not_greater(&self, word: u64, before: u64) -> u64 {
        // The low 15 bits are compared by subtraction; the top bits decide where they differ.
        let low = self.minuend.wrapping_sub(word & !TOPS);
        let not_greater = (self.digit & !word) | (!(self.digit ^ word) & low);
        let counts = self.left.wrapping_sub(FIRST_LANES + before * ONES);
        (not_greater & counts & TOPS) >> 15
    }
}
