//! How the prefix tables are written: entries, runs, tails, and the blocks of memory that hold them.
//!
//! A family has a root: one [`Entry`] for each value of 16 bits of an address. In IPv4 these are the first; in IPv6 they
//! come behind the first three bits of [`global_unicast`] addresses, and all others go through a table of their own. An
//! entry is a leaf, or leads to a table of more entries on the next bits, to a [`path`] of bits that all prefixes below it
//! share, or to a run. A run at depth `d` (the bits of the address that led to it) is sorted, and is one of two kinds:
//!
//! * boundaries: addresses at which the attribute set changes;
//! * prefixes, which do not overlap, and a set for addresses outside of them. Half as much where they are far apart.
//!
//! | field of a run | type | where |
//! |---|---|---|
//! | [`RunHeader`] | `u32` | always |
//! | [`Tails`] | `u32` | IPv6 |
//! | how many there are | `u32` | where the entry says [`Sets::TwoOfMany`] |
//! | the first digit of each group but the first | `u16` each | always |
//! | groups of [`GROUP`], the last one of what is left | | always |
//!
//! | field of a group | type | where |
//! |---|---|---|
//! | digits: bits `d..d + 15` of each address | `u16` each | always |
//! | [`length`]s of the prefixes | `u8` each | runs of prefixes |
//! | sets from each boundary on, or inside each prefix | `u8` or `u16` each | where there are more than two |
//!
//! A digit leaves the top bit free, which makes comparing four of them at once half as long. An IPv4 run right behind the
//! root has one bit more to tell apart: prefixes have it beside their length, and where that is not enough, a table comes
//! before the run. What an IPv6 address has beyond its digit is in the region of tails, which a look-up reads only where
//! the source has the same digit: bits `d + 15..d + 47` as `u32` each, then, if there are [`Tails::rests`], bits
//! `d + 47..d + 111` as `u64` each. A run that would need more has a table before it.
//!
//! All numbers are little-endian.

use super::family;

/// Entries of a root.
pub const ROOT_ENTRIES: usize = 1 << 16;
/// Bits of an address that the root consumes.
pub const ROOT_BITS: u32 = 16;

/// What of IPv6 the root is for: nearly all sources on the internet (RFC 4291, section 2.4; IANA).
pub mod global_unicast {
    /// The first bits of an address that tell.
    pub const BITS: u32 = 3;
    /// Their value: `2000::/3`.
    pub const VALUE: u32 = 1;
}

/// Bytes of a block that hold data. Neither a run, its tails nor a table crosses the end of a block.
pub const BLOCK_BYTES: u32 = 1 << 21;
/// Bytes behind the data of a block, all zero: a search reads numbers in groups, and may read beyond the last run.
pub const BLOCK_SLACK: u32 = 4096;
/// Blocks of one generation: those of all [`Region`]s.
pub const GENERATION_BLOCKS: u32 = Region::TAILS.first + Region::TAILS.blocks;
/// Bytes of a unit. Positions count units from the start of a region.
pub const UNIT_BYTES: u32 = 4;
/// The most tables that an IPv4 address walks through.
pub const MAX_STEPS_V4: u32 = 2;
/// The most tables and paths that an IPv6 address walks through. Strides of 16 bits reach the last bit of the address.
pub const MAX_STEPS_V6: u32 = 8;
/// Bits of a digit.
pub const DIGIT_BITS: u32 = 15;
/// The most addresses in a run.
pub const MAX_RUN: u32 = 1 << 16;
/// The addresses of a group. A search compares the digits of a whole group at once.
pub const GROUP: u32 = 16;

const UNITS_PER_BLOCK: u32 = BLOCK_BYTES / UNIT_BYTES;

/// Blocks that are filled one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// The number of the first block.
    pub first: u32,
    /// How many blocks it may have.
    pub blocks: u32,
}

impl Region {
    /// Tables and runs of IPv4.
    pub const IPV4: Self = Self { first: 0, blocks: 32 };
    /// Tables and runs of IPv6.
    pub const IPV6: Self = Self { first: 32, blocks: 32 };
    /// What IPv6 boundaries have beyond their digits.
    pub const TAILS: Self = Self { first: 64, blocks: 64 };

    /// The tables and runs of a [`family`].
    #[inline(always)]
    #[must_use]
    pub const fn of(family: u8) -> Self {
        if family == family::IPV4 { Self::IPV4 } else { Self::IPV6 }
    }

    /// The number of the block that holds a position.
    #[inline(always)]
    #[must_use]
    pub const fn block(self, position: u32) -> u32 {
        self.first + ((position / UNITS_PER_BLOCK) & (self.blocks - 1))
    }

    /// How many bytes it holds.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.blocks as u64 * BLOCK_BYTES as u64
    }
}

/// The offset of a position in its block, in bytes.
#[inline(always)]
#[must_use]
pub const fn offset(position: u32) -> u32 {
    (position % UNITS_PER_BLOCK) * UNIT_BYTES
}

/// What an address's next bits lead to. Zeroes are the leaf of set 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry(u32);

impl Entry {
    /// The most addresses that an entry counts itself.
    pub const MAX_COUNT: u32 = (1 << 6) - 3;
    /// IPv6: where addresses go that are no [`global_unicast`] ones. A table of 8 entries at the start of the region, of
    /// which one is not used.
    pub const OTHERS: Self = Self::table(global_unicast::BITS, 0);
    /// The most bits that a table consumes.
    pub const MAX_STRIDE: u32 = 16;

    const RUN: u32 = 1 << 31;
    const PREFIXES: u32 = 1 << 30;
    const TABLE: u32 = 1 << 30;
    const PATH: u32 = 1 << 29;
    const SIZE: u32 = (1 << 6) - 1;
    const SIZE_SHIFT: u32 = 24;
    const STRIDE_SHIFT: u32 = 26;
    const POSITION: u32 = (1 << 24) - 1;

    /// An entry out of a table.
    #[inline(always)]
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// As a table holds it.
    #[must_use]
    pub const fn to_bits(self) -> u32 {
        self.0
    }

    /// The attribute set of every address that leads here.
    #[must_use]
    pub const fn leaf(set: u16) -> Self {
        Self(set as u32)
    }

    /// A run of boundaries or prefixes at a position of the family's region.
    #[must_use]
    pub const fn run(prefixes: bool, sets: Sets, position: u32) -> Self {
        let kind = if prefixes { Self::RUN | Self::PREFIXES } else { Self::RUN };
        let size = match sets {
            Sets::Two(count) => count & Self::SIZE,
            Sets::TwoOfMany => 0,
            Sets::Bytes => Self::SIZE - 1,
            Sets::Halves => Self::SIZE,
        };
        Self(kind | size << Self::SIZE_SHIFT | position & Self::POSITION)
    }

    /// A table of `1 << stride` entries (stride 1 to [`Self::MAX_STRIDE`]) at a position of the family's region.
    #[must_use]
    pub const fn table(stride: u32, position: u32) -> Self {
        Self(Self::TABLE | ((stride - 1) & 15) << Self::STRIDE_SHIFT | position & Self::POSITION)
    }

    /// A [`path`] at a position of the family's region.
    #[must_use]
    pub const fn path(position: u32) -> Self {
        Self(Self::PATH | position & Self::POSITION)
    }

    /// Whether a run comes next.
    #[inline(always)]
    #[must_use]
    pub const fn is_run(self) -> bool {
        self.0 >= Self::RUN
    }

    /// Whether a table comes next.
    #[inline(always)]
    #[must_use]
    pub const fn is_table(self) -> bool {
        self.0 >> 30 == 1
    }

    /// Whether a path comes next.
    #[inline(always)]
    #[must_use]
    pub const fn is_path(self) -> bool {
        self.0 >> 29 == 1
    }

    /// Of a leaf: the attribute set.
    #[inline(always)]
    #[must_use]
    pub const fn set(self) -> u32 {
        self.0 & 0xffff
    }

    /// Of a run: one if it holds prefixes, zero if boundaries.
    #[inline(always)]
    #[must_use]
    pub const fn prefixes(self) -> u32 {
        (self.0 >> 30) & 1
    }

    /// Of a run of two sets: how many boundaries or prefixes; 0 where the run holds the number.
    #[inline(always)]
    #[must_use]
    pub const fn count(self) -> u32 {
        (self.0 >> Self::SIZE_SHIFT) & Self::SIZE
    }

    /// Of a run: the bytes that each set takes in a group; 0 where there are two, and the header has them.
    #[inline(always)]
    #[must_use]
    pub const fn set_bytes(self) -> u32 {
        // Without a comparison, which would become a branch.
        let size = self.count();
        ((size + 2) >> 6) + ((size + 1) >> 6)
    }

    /// Of a table: how many bits it consumes, 1 to [`Self::MAX_STRIDE`].
    #[inline(always)]
    #[must_use]
    pub const fn stride(self) -> u32 {
        ((self.0 >> Self::STRIDE_SHIFT) & 15) + 1
    }

    /// Of all but a leaf: where it is.
    #[inline(always)]
    #[must_use]
    pub const fn position(self) -> u32 {
        self.0 & Self::POSITION
    }
}

/// How long a prefix of a run is.
pub mod length {
    /// Its bits behind those that led to the run: 1 to 112.
    pub const BITS: u8 = (1 << 7) - 1;
    /// The bit of its first address behind the digit; only in IPv4.
    pub const LAST_BIT: u8 = 1 << 7;
}

/// A path: bits that an address must have next to get to another entry. Only IPv6 has them.
pub mod path {
    /// The most bits of a path.
    pub const MAX_BITS: u32 = 48;
    /// Bytes of a path.
    pub const BYTES: u32 = 16;
    /// Offset of a `u64`: the bits of the path on top, their number in the low 6 bits.
    pub const BITS: u32 = 0;
    /// Offset of the [`super::Entry`] for addresses that have these bits.
    pub const ENTRY: u32 = 8;
    /// Offset of a `u16`: the set of addresses that come before.
    pub const BEFORE: u32 = 12;
    /// Offset of a `u16`: the set of addresses that come after.
    pub const AFTER: u32 = 14;
}

/// How a run holds its sets, and how many boundaries or prefixes there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sets {
    /// Two, as on a list and not on it, in the header; and 1 to [`Entry::MAX_COUNT`] addresses.
    Two(u32),
    /// Two, in the header; and more addresses.
    TwoOfMany,
    /// One byte each, in the groups.
    Bytes,
    /// Two bytes each, in the groups.
    Halves,
}

/// The first word of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunHeader(u32);

impl RunHeader {
    /// A header out of a run.
    #[inline(always)]
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// As a run holds it.
    #[inline(always)]
    #[must_use]
    pub const fn to_bits(self) -> u32 {
        self.0
    }

    /// Of a run of two sets: of boundaries, they take turns; of prefixes, outside and inside.
    #[must_use]
    pub const fn two(first: u16, second: u16) -> Self {
        Self((second as u32) << 16 | first as u32)
    }

    /// Of a run of more sets: the one before the first boundary, or outside of all prefixes, and how many there are
    /// (1 to [`MAX_RUN`]).
    #[must_use]
    pub const fn many(first: u16, count: u32) -> Self {
        Self(((count - 1) & (MAX_RUN - 1)) << 16 | first as u32)
    }

    /// Of two sets: the first for 0, the second for 1.
    #[inline(always)]
    #[must_use]
    pub const fn set(self, index: u32) -> u32 {
        (self.0 >> ((index & 1) << 4)) & 0xffff
    }

    /// Of a run of more sets: how many boundaries or prefixes.
    #[inline(always)]
    #[must_use]
    pub const fn count(self) -> u32 {
        (self.0 >> 16) + 1
    }
}

/// Where a run's tails are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tails(u32);

impl Tails {
    /// No address has a bit behind its digit, and no prefix is longer.
    pub const NONE: Self = Self(u32::MAX);

    const RESTS: u32 = 1 << 31;
    const POSITION: u32 = (1 << 25) - 1;

    /// Tails at a position of [`Region::TAILS`], with or without rests behind them.
    #[must_use]
    pub const fn at(position: u32, rests: bool) -> Self {
        Self(position & Self::POSITION | if rests { Self::RESTS } else { 0 })
    }

    /// Out of a run.
    #[inline(always)]
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// As a run holds them.
    #[must_use]
    pub const fn to_bits(self) -> u32 {
        self.0
    }

    /// Whether there are none.
    #[inline(always)]
    #[must_use]
    pub const fn are_none(self) -> bool {
        self.0 == u32::MAX
    }

    /// One if there are rests behind the tails, else zero.
    #[inline(always)]
    #[must_use]
    pub const fn rests(self) -> u32 {
        self.0 >> 31
    }

    /// Where they are.
    #[inline(always)]
    #[must_use]
    pub const fn position(self) -> u32 {
        self.0 & Self::POSITION
    }
}
