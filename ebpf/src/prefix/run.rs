//! One run: sorted boundaries or prefixes by their digits, and their sets.

use super::{Block, search};
use crate::abi::prefix::{Entry, GROUP, MAX_RUN, RunHeader, UNIT_BYTES, length, offset};

/// Bytes of a digit.
pub(super) const DIGIT_BYTES: u32 = 2;

pub(super) struct Run<'b, B> {
    block: &'b B,
    entry: Entry,
    header: RunHeader,
    /// How many boundaries or prefixes there are, one at least.
    count: u32,
    /// The offset of the first digits of groups.
    firsts: u32,
}

/// How far the boundaries or prefixes of a run are not beyond an address: those of all groups before one, and some of
/// that one, which are none only in the first group.
#[derive(Clone, Copy)]
pub(super) struct Passed {
    group: u32,
    members: u32,
}

impl Passed {
    pub(super) const NONE: Self = Self { group: 0, members: 0 };

    /// The first `count` of a run, of which there is one at least.
    #[inline(always)]
    pub(super) const fn first(count: u32) -> Self {
        let last = count - 1;
        Self { group: last / GROUP, members: last % GROUP + 1 }
    }

    #[inline(always)]
    pub(super) const fn count(self) -> u32 {
        self.group * GROUP + self.members
    }

    #[inline(always)]
    pub(super) const fn is_none(self) -> bool {
        self.members == 0
    }
}

impl<'b, B: Block> Run<'b, B> {
    /// The run that an entry leads to; the family has `extra` bytes behind the header.
    #[inline(always)]
    pub(super) fn new(block: &'b B, entry: Entry, extra: u32) -> Self {
        let start = offset(entry.position());
        let header = RunHeader::from_bits(block.word(start));
        let behind = start + UNIT_BYTES + extra;
        let (count, firsts) = match entry.count() {
            0 => ((block.word(behind) & (MAX_RUN - 1)) + 1, behind + UNIT_BYTES),
            _ if entry.set_bytes() != 0 => (header.count(), behind),
            count => (count, behind),
        };
        Self { block, entry, header, count, firsts }
    }

    #[inline(always)]
    pub(super) const fn holds_prefixes(&self) -> bool {
        self.entry.prefixes() != 0
    }

    #[inline(always)]
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    /// How many addresses have a digit that is not greater than this one.
    #[inline(always)]
    pub(super) fn passed(&self, digit: u32) -> Passed {
        let group = match self.groups() - 1 {
            0 => 0,
            firsts => search::not_greater(self.block, self.firsts, firsts, digit),
        };
        let members = search::not_greater_of_group(self.block, self.group(group), self.members(group), digit);
        Passed { group, members }
    }

    /// The digit of the last that was passed.
    #[inline(always)]
    pub(super) fn last_digit(&self, passed: Passed) -> u32 {
        let index = passed.members.wrapping_sub(1);
        self.block.half(self.group(passed.group).wrapping_add(index.wrapping_mul(DIGIT_BYTES))).into()
    }

    /// The [`length`] of the last prefix that was passed.
    #[inline(always)]
    pub(super) fn last_length(&self, passed: Passed) -> u32 {
        let lengths = self.group(passed.group) + self.members(passed.group) * DIGIT_BYTES;
        (self.block.half((lengths + passed.members).wrapping_sub(1)) & 0xff).into()
    }

    /// Of prefixes: what was passed if the address is inside the last of them, as far as its next 16 bits tell; else
    /// nothing. In IPv6 the last of the 16 is zero.
    #[inline(always)]
    pub(super) fn inside(&self, passed: Passed, bits: u32) -> Passed {
        // What is read in front of the first prefix, where none was passed, does not count.
        let length = self.last_length(passed);
        let first = self.last_digit(passed) << 1 | length >> length::LAST_BIT.trailing_zeros();
        let length = length & u32::from(length::BITS);
        // Where a bit of the prefix differs, or the prefix is longer than these bits, this is more than they hold.
        let differs =
            (u64::from(first ^ bits) << (length & 31)) + u64::from((length & !31) << (u16::BITS - 5));
        // The borrow: a comparison would become a branch.
        let inside = differs.wrapping_sub(1 << u16::BITS) >> (u64::BITS - 1);
        Passed { members: passed.members * inside as u32, ..passed }
    }

    /// The set behind the last boundary that was passed, or of the last prefix; if there is none, before or outside.
    #[inline(always)]
    pub(super) fn set(&self, passed: Passed) -> u32 {
        let set_bytes = self.entry.set_bytes();
        if set_bytes == 0 {
            let prefix = u32::from(!passed.is_none());
            return self.header.set(if self.holds_prefixes() { prefix } else { passed.members });
        }
        if passed.is_none() {
            return self.header.set(0);
        }
        let sets = self.group(passed.group)
            + self.members(passed.group) * (DIGIT_BYTES + self.entry.prefixes())
            + (passed.members - 1) * set_bytes;
        u32::from(self.block.half(sets)) & (0xffff >> (16 - 8 * set_bytes))
    }

    /// How many groups there are.
    #[inline(always)]
    const fn groups(&self) -> u32 {
        self.count.div_ceil(GROUP)
    }

    /// The offset of a group.
    #[inline(always)]
    const fn group(&self, index: u32) -> u32 {
        let member_bytes = DIGIT_BYTES + self.entry.prefixes() + self.entry.set_bytes();
        let first = self.firsts + (self.groups() - 1) * DIGIT_BYTES;
        first + index * (GROUP * member_bytes)
    }

    /// How many addresses a group has.
    #[inline(always)]
    const fn members(&self, group: u32) -> u32 {
        let left = self.count.wrapping_sub(group * GROUP);
        if left < GROUP { left } else { GROUP }
    }

    /// The same run, its numbers settled.
    #[inline(always)]
    pub(super) fn settled(&self) -> Self {
        let settle = |number| self.block.settle(number);
        let entry = Entry::from_bits(settle(self.entry.to_bits()));
        Self { entry, count: settle(self.count), firsts: settle(self.firsts), ..*self }
    }

    /// The same number, settled.
    #[inline(always)]
    pub(super) fn settle(&self, number: u32) -> u32 {
        self.block.settle(number)
    }
}
