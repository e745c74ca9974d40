//! An address as the tables see it: bits from a depth on.

use xdpgate_ebpf::abi::prefix::{MAX_TABLES_V4, MAX_TABLES_V6};

use crate::feeds::Address;

/// An address of a family that has prefix tables. Bits are counted from the first; behind the last they are zero.
pub(super) trait Key: Address {
    /// As an operator names it.
    const NAME: &'static str;
    /// The most tables on the way to a run.
    const MAX_TABLES: u32;
    /// Whether its runs say where their tails are.
    const HAS_TAILS: bool;

    /// Bits `depth..depth + count`; 16 at most.
    fn bits(self, depth: u32, count: u32) -> u16;

    /// Bits `depth + 16..depth + 48`.
    fn tail(self, depth: u32) -> u32;

    /// Bits `depth + 48..depth + 112`.
    fn rest(self, depth: u32) -> u64;

    /// Whether all bits from `depth` on are zero.
    fn ends_at(self, depth: u32) -> bool;

    /// Bits `depth..depth + 16`.
    fn digit(self, depth: u32) -> u16 {
        self.bits(depth, u16::BITS)
    }
}

impl Key for u32 {
    const NAME: &'static str = "IPv4";
    const MAX_TABLES: u32 = MAX_TABLES_V4;
    const HAS_TAILS: bool = false;

    #[expect(clippy::cast_possible_truncation, reason = "16 bits are left")]
    fn bits(self, depth: u32, count: u32) -> u16 {
        let left = self.unbounded_shl(depth);
        left.unbounded_shr(Self::BITS - count) as u16
    }

    fn tail(self, _depth: u32) -> u32 {
        0
    }

    fn rest(self, _depth: u32) -> u64 {
        0
    }

    fn ends_at(self, depth: u32) -> bool {
        self.unbounded_shl(depth) == 0
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the bits that are meant")]
impl Key for u128 {
    const NAME: &'static str = "IPv6";
    const MAX_TABLES: u32 = MAX_TABLES_V6;
    const HAS_TAILS: bool = true;

    fn bits(self, depth: u32, count: u32) -> u16 {
        let left = self.unbounded_shl(depth);
        left.unbounded_shr(Self::BITS - count) as u16
    }

    fn tail(self, depth: u32) -> u32 {
        (self.unbounded_shl(depth + u16::BITS) >> 96) as u32
    }

    fn rest(self, depth: u32) -> u64 {
        (self.unbounded_shl(depth + u16::BITS + u32::BITS) >> 64) as u64
    }

    fn ends_at(self, depth: u32) -> bool {
        self.unbounded_shl(depth) == 0
    }
}
