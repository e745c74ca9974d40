//! Arithmetic instead of branches.
//!
//! The verifier follows both ways of each branch in a loop, on to the end of the loop: with 128 prefix lengths that
//! passes every limit. LLVM turns the usual tricks without branches back into branches, unless a number that it does
//! not know is part of them.

use super::line::upper_half;

/// A zero of which neither the compiler nor the verifier knows that it is one.
#[derive(Clone, Copy)]
pub(super) struct Opaque(u32);

impl Opaque {
    /// From [`crate::abi::BanControl::present`], which has nothing in its upper half.
    #[inline(always)]
    pub(super) const fn new(present: u64) -> Self {
        Self(upper_half(present))
    }

    /// The same number, as one that could be any.
    #[inline(always)]
    pub(super) const fn any(self, number: u32) -> u64 {
        (number ^ self.0) as u64
    }

    /// All ones, or zero for zero.
    #[inline(always)]
    pub(super) const fn ones(self, number: u64) -> u64 {
        // The highest bit of a number or of its negative is set, unless it is zero.
        self.spread(number | number.wrapping_neg())
    }

    /// The larger one.
    #[inline(always)]
    pub(super) const fn later(self, one: u64, other: u64) -> u64 {
        one ^ ((one ^ other) & self.less(one, other))
    }

    /// All ones where `one` is less than `other`, else zero. Both have less than 64 bits.
    #[inline(always)]
    pub(super) const fn less(self, one: u64, other: u64) -> u64 {
        self.spread(one.wrapping_sub(other))
    }

    /// The highest bit in all bits.
    #[inline(always)]
    const fn spread(self, number: u64) -> u64 {
        (number.cast_signed() >> ((self.0 ^ 63) & 63)).cast_unsigned()
    }
}
