//! One run: boundaries sorted by their digits, and the sets between them.

use super::{Block, search};
use crate::abi::prefix::{Entry, MAX_RUN, RunHeader, UNIT_BYTES, offset};

/// Bytes of a digit.
pub(super) const DIGIT_BYTES: u32 = 2;

pub(super) struct Run<'b, B> {
    block: &'b B,
    header: RunHeader,
    count: u32,
    /// The offset of the first digit.
    digits: u32,
}

impl<'b, B: Block> Run<'b, B> {
    /// The run that an entry leads to; the family has `extra` bytes between header and number.
    #[inline(always)]
    pub(super) fn new(block: &'b B, entry: Entry, extra: u32) -> Self {
        let start = offset(entry.position());
        let header = RunHeader::from_bits(block.word(start));
        let digits = start + UNIT_BYTES + extra;
        match entry.count() {
            // Masked: no run is longer, whatever the memory holds.
            0 => Self { block, header, count: block.word(digits) & MAX_RUN, digits: digits + UNIT_BYTES },
            count => Self { block, header, count, digits },
        }
    }

    /// How many digits are not greater than this one.
    #[inline(always)]
    pub(super) fn passed(&self, digit: u32) -> u32 {
        search::not_greater(self.block, self.digits, self.count, digit)
    }

    /// The digit of a boundary.
    #[inline(always)]
    pub(super) fn digit(&self, index: u32) -> u32 {
        self.block.half(self.digits + index * DIGIT_BYTES).into()
    }

    /// How many boundaries there are.
    #[inline(always)]
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    /// The set behind the first `passed` boundaries.
    #[inline(always)]
    pub(super) fn set(&self, passed: u32) -> u32 {
        if self.header.takes_turns() {
            return self.header.turn(passed);
        }
        let sets = self.digits + self.count * DIGIT_BYTES;
        if self.header == RunHeader::BYTES {
            (self.block.half(sets + passed) & 0xff).into()
        } else {
            self.block.half(sets + passed * 2).into()
        }
    }
}
