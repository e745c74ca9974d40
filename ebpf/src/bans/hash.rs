//! From a key to its line. Multiplications by secret numbers, so that whoever makes others be banned can't choose
//! addresses that crowd one line.

use super::line::{lower_half, upper_half};
use super::{BanMemory, BanTable};
use crate::abi::ban_word;

/// 2^64 divided by the golden ratio, odd.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// What hashes of one set of tables depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub [u64; 2]);

impl Seed {
    #[inline(always)]
    pub(super) fn of<M: BanMemory>(memory: &M) -> Self {
        Self([memory.word(ban_word::SEED), memory.word(ban_word::SEED + 1)])
    }
}

/// The way of a key through a table: first a bit of its filter, then the lines in which it may be, the first and each by
/// the same step from the one before. The steps of different keys differ, so that one full line does not fill its
/// neighbours.
#[derive(Clone, Copy, Debug)]
pub struct Path {
    first: u32,
    step: u32,
    last: u32,
}

/// A bit of a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterBit {
    /// The line that holds it.
    pub line: u32,
    /// The word of that line.
    pub word: usize,
    /// Its place in the word.
    pub bit: u32,
}

impl Path {
    /// The line with this number on the way, from 0.
    #[inline(always)]
    #[must_use]
    pub const fn line(&self, probe: u32) -> u32 {
        filter_lines(self.last) + (self.first.wrapping_add(self.step.wrapping_mul(probe)) & self.last)
    }

    /// The bit that is set where this key or another one of the same first line has a ban.
    #[inline(always)]
    #[must_use]
    pub const fn filter(&self) -> FilterBit {
        FilterBit {
            line: self.first >> 6,
            word: (self.first >> 3 & 7) as usize,
            bit: (self.first & 7) << 3 | self.step >> 1 & 7,
        }
    }

    /// The upper bits of a product depend on all bits of its factors, the lower ones do not: these are folded in first.
    #[inline(always)]
    const fn of(sum: u64, shift: u32) -> Self {
        let folded = sum ^ (sum >> 32);
        Self {
            first: lower_half(folded.wrapping_mul(SPREAD) >> (shift & 63)),
            // Odd, and the number of lines is a power of two: the first lines are all different.
            step: lower_half(folded) | 1,
            last: last_line(shift),
        }
    }
}

/// The number of the last line of a table, without its filter.
#[inline(always)]
#[must_use]
pub const fn last_line(shift: u32) -> u32 {
    lower_half(u64::MAX >> (shift & 63))
}

/// How many lines hold the filter of a table, with a byte for each of its other lines; the last of these has the number
/// `last`, counted without the filter.
#[inline(always)]
#[must_use]
pub const fn filter_lines(last: u32) -> u32 {
    (last >> 6) + 1
}

/// Of an IPv4 key in a table whose byte in [`crate::abi::BanControl::shifts`] is `shift`.
#[inline(always)]
#[must_use]
pub const fn path_ipv4(key: u32, Seed([add, multiply]): Seed, shift: u32) -> Path {
    Path::of((key as u64).wrapping_mul(multiply | 1).wrapping_add(add), shift)
}

/// Likewise of an IPv6 key. The sum of products of 32-bit halves of key and seed is the universal hash NH (Black and
/// others, UMAC, 1999): two keys have the same one for at most one in 2^32 seeds.
#[inline(always)]
#[must_use]
pub const fn path_ipv6(high: u64, low: u64, Seed([first, second]): Seed, shift: u32) -> Path {
    Path::of(product(high, first).wrapping_add(product(low, second)), shift)
}

#[inline(always)]
pub(super) fn shift<M: BanMemory>(memory: &M, table: BanTable) -> u32 {
    lower_half(memory.word(ban_word::SHIFTS) >> (8 * table as u32)) & 63
}

#[inline(always)]
const fn product(key: u64, seed: u64) -> u64 {
    let upper = upper_half(key).wrapping_add(upper_half(seed));
    let lower = lower_half(key).wrapping_add(lower_half(seed));
    upper as u64 * lower as u64
}
