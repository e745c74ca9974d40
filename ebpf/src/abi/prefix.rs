//! How the prefix tables are written: entries, runs, tails, and the blocks of memory that hold them.
//!
//! A family has a root: one [`Entry`] for each value of an address's first 16 bits. An entry is a leaf, a table of more
//! entries on the next bits, or a run: the sorted addresses ("boundaries") at which the attribute set changes. A run at
//! depth `d` (the bits of the address that led to it) is, in little-endian numbers:
//!
//! | field | type | where |
//! |---|---|---|
//! | [`RunHeader`] | `u32` | always |
//! | [`Tails`] | `u32` | IPv6 |
//! | number of boundaries | `u32` | runs of more than [`Entry::MAX_COUNT`] |
//! | digits: bits `d..d + 16` of each boundary | `u16` each | always |
//! | set before the first boundary, set from each boundary on | `u8` or `u16` each | where [`RunHeader`] says so |
//!
//! What a boundary has beyond its digit is in the region of tails, which a look-up reads only where the address has the
//! same digit: bits `d + 16..d + 48` as `u32` each, then, if [`Tails::have_rests`], bits `d + 48..` as `u64` each.

use super::family;

/// Entries of a root.
pub const ROOT_ENTRIES: usize = 1 << 16;
/// Bits of an address that the root consumes.
pub const ROOT_BITS: u32 = 16;
/// Bytes of a block that hold data. Neither a run, its tails nor a table crosses the end of a block.
pub const BLOCK_BYTES: u32 = 1 << 21;
/// Bytes behind the data of a block, all zero: a search reads numbers in groups, and may read beyond the last run.
pub const BLOCK_SLACK: u32 = 4096;
/// Blocks of one generation: those of all [`Region`]s.
pub const GENERATION_BLOCKS: u32 = Region::TAILS.first + Region::TAILS.blocks;
/// Bytes of a unit. Positions count units from the start of a region.
pub const UNIT_BYTES: u32 = 4;
/// The most tables that an IPv4 address walks through.
pub const MAX_TABLES_V4: u32 = 2;
/// The most tables that an IPv6 address walks through. Strides of 16 bits reach the last bit of the address.
pub const MAX_TABLES_V6: u32 = 7;
/// The most boundaries of a run.
pub const MAX_RUN: u32 = (1 << 16) - 1;

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
    /// The most boundaries that an entry counts itself; a longer run holds its number.
    pub const MAX_COUNT: u32 = (1 << 7) - 1;
    /// The most bits that a table consumes.
    pub const MAX_STRIDE: u32 = 16;

    const RUN: u32 = 1 << 31;
    const TABLE: u32 = 1 << 30;
    const COUNT_SHIFT: u32 = 24;
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

    /// A run of `count` boundaries (1 to [`MAX_RUN`]) at a position of the family's region.
    #[must_use]
    pub const fn run(count: u32, position: u32) -> Self {
        let count = if count > Self::MAX_COUNT { 0 } else { count };
        Self(Self::RUN | count << Self::COUNT_SHIFT | position & Self::POSITION)
    }

    /// A table of `1 << stride` entries (stride 1 to [`Self::MAX_STRIDE`]) at a position of the family's region.
    #[must_use]
    pub const fn table(stride: u32, position: u32) -> Self {
        Self(Self::TABLE | ((stride - 1) & 15) << Self::STRIDE_SHIFT | position & Self::POSITION)
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

    /// Of a leaf: the attribute set.
    #[inline(always)]
    #[must_use]
    pub const fn set(self) -> u32 {
        self.0 & 0xffff
    }

    /// Of a run: the number of boundaries; 0 where the run holds it.
    #[inline(always)]
    #[must_use]
    pub const fn count(self) -> u32 {
        (self.0 >> Self::COUNT_SHIFT) & Self::MAX_COUNT
    }

    /// Of a table: how many bits it consumes, 1 to [`Self::MAX_STRIDE`].
    #[inline(always)]
    #[must_use]
    pub const fn stride(self) -> u32 {
        ((self.0 >> Self::STRIDE_SHIFT) & 15) + 1
    }

    /// Of a run or a table: where it is.
    #[inline(always)]
    #[must_use]
    pub const fn position(self) -> u32 {
        self.0 & Self::POSITION
    }
}

/// How a run names its sets. In most runs two of them take turns: on a list, not on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunHeader(u32);

impl RunHeader {
    /// One byte for each set follows the digits.
    pub const BYTES: Self = Self(0);
    /// Two bytes for each set follow the digits.
    pub const HALVES: Self = Self(0x1_0001);

    /// A header out of a run.
    #[inline(always)]
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// As a run holds it.
    #[must_use]
    pub const fn to_bits(self) -> u32 {
        self.0
    }

    /// `before` and `after` take turns, `before` first; none where they are equal.
    #[must_use]
    pub const fn turns(before: u16, after: u16) -> Option<Self> {
        if before == after { None } else { Some(Self((after as u32) << 16 | before as u32)) }
    }

    /// Whether two sets take turns.
    #[inline(always)]
    #[must_use]
    pub const fn takes_turns(self) -> bool {
        self.0 & 0xffff != self.0 >> 16
    }

    /// Of two that take turns: the one behind `passed` boundaries.
    #[inline(always)]
    #[must_use]
    pub const fn turn(self, passed: u32) -> u32 {
        (self.0 >> ((passed & 1) << 4)) & 0xffff
    }
}

/// Where a run's tails are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tails(u32);

impl Tails {
    /// Every boundary ends with its digit: all bits behind it are zero.
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

    /// Whether boundaries go on behind their tails.
    #[inline(always)]
    #[must_use]
    pub const fn have_rests(self) -> bool {
        self.0 & Self::RESTS != 0
    }

    /// Where they are.
    #[inline(always)]
    #[must_use]
    pub const fn position(self) -> u32 {
        self.0 & Self::POSITION
    }
}
