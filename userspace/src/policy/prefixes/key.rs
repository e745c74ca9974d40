//! An address as the tables see it: bits from a depth on.

use xdpgate_ebpf::abi::prefix::{MAX_STEPS_V4, MAX_STEPS_V6, global_unicast};

use crate::feeds::Address;

/// An address of a family that has prefix tables. Bits are counted from the first; behind the last they are zero.
pub(super) trait Key: Address {
    /// As an operator names it.
    const NAME: &'static str;
    /// The first bits of an address that decide whether the root is for it, and their value.
    const ROOT_FOR: (u32, u32);
    /// The most tables and paths on the way to a run.
    const MAX_STEPS: u32;
    /// Whether there are bits behind a digit: then it has paths, and its runs say where their tails are.
    const IS_LONG: bool;
    /// What an address takes in a run, in bytes. Without what many of them do not have.
    const BYTES_IN_RUN: usize;

    /// The address with other first bits; one at least.
    #[must_use]
    fn with_first(self, count: u32, first: u32) -> Self;

    /// Bits `depth..depth + count`; 16 at most.
    fn bits(self, depth: u32, count: u32) -> u16;

    /// Bits `depth..depth + 64`.
    fn double(self, depth: u32) -> u64;

    /// Whether all bits from `depth` on are zero.
    fn ends_at(self, depth: u32) -> bool;

    /// How many of the first bits are those of the other address.
    fn shared_bits(self, other: Self) -> u32;

    /// How many prefixes cover exactly the addresses from this one to `last`, which is not before it.
    fn prefixes_to(self, last: Self) -> usize;
}

macro_rules! key {
    ($type:ty: $name:literal, root for $root:expr, $steps:ident, long $long:literal, bytes $bytes:literal, $double:expr) => {
        impl Key for $type {
            const NAME: &'static str = $name;
            const ROOT_FOR: (u32, u32) = $root;
            const MAX_STEPS: u32 = $steps;
            const IS_LONG: bool = $long;
            const BYTES_IN_RUN: usize = $bytes;

            fn with_first(self, count: u32, first: u32) -> Self {
                let left = Self::BITS - count;
                Self::from(first) << left | self & Self::MAX.unbounded_shr(count)
            }

            #[expect(clippy::cast_possible_truncation, reason = "16 bits are left")]
            fn bits(self, depth: u32, count: u32) -> u16 {
                self.unbounded_shl(depth).unbounded_shr(Self::BITS - count) as u16
            }

            fn double(self, depth: u32) -> u64 {
                $double(self.unbounded_shl(depth))
            }

            fn ends_at(self, depth: u32) -> bool {
                self.unbounded_shl(depth) == 0
            }

            fn shared_bits(self, other: Self) -> u32 {
                (self ^ other).leading_zeros()
            }

            fn prefixes_to(self, last: Self) -> usize {
                // The first bit that differs splits the range in two. Each half has a prefix for each bit of its size.
                let behind = Self::MAX.unbounded_shr(self.shared_bits(last) + 1);
                let (first, last) = (self & behind, last & behind);
                if first == 0 && last == behind {
                    return 1;
                }
                ((behind - first + 1).count_ones() + (last + 1).count_ones()) as usize
            }
        }
    };
}

key!(u32: "IPv4", root for (0, 0), MAX_STEPS_V4, long false, bytes 2, |bits| u64::from(bits) << 32);
key!(u128: "IPv6", root for (global_unicast::BITS, global_unicast::VALUE), MAX_STEPS_V6, long true, bytes 6, |bits| (bits >> 64) as u64);
