//! Rate limits as theoretical arrival times (GCRA, ITU-T I.371 annex A): one word of state, no division. Where the words
//! lie is the business of [`crate::buckets`].
//!
//! A bucket's word is the time at which it is full again. A word in the past is a full bucket and equals no bucket at
//! all. A rejected packet writes nothing.

mod charge;
mod window;

pub use charge::{Cell, Due, Outcome, charge};

use crate::abi::{Limit, Meter};

/// Times are counted in ticks: a 64-byte frame at 100 Gbit/s costs 82 of them, 0.1 % more than it should. They stay below
/// 2^63, which is 18 years of uptime.
pub const TICKS_PER_NS: u64 = 1 << TICK_BITS;
/// The fractional bits of [`Limit::cost`]: a byte at 100 Gbit/s costs 1.28 ticks.
pub const COST_FRACTION_BITS: u32 = 16;
/// The most units that one packet is charged: the largest IP packet and its link headers fit.
pub const MAX_UNITS: u32 = (1 << 17) - 1;
/// The largest [`Limit::cost`]: times [`MAX_UNITS`] it still fits 64 bits.
pub const MAX_BYTE_COST: u64 = u64::MAX >> 18;
/// The largest [`Limit::cost`] of a limit in packets, which are charged one at a time.
pub const MAX_PACKET_COST: u64 = u64::MAX >> 2;
/// The largest [`Limit::burst`]: nine years, so that no sum of times overflows.
pub const MAX_BURST: u64 = u64::MAX >> 2;

/// How many CPUs, as a power of two, may charge one bucket beyond its burst at the same moment without its slot leaving what
/// the marks promise. A charge is below 2^47, so this many of them are far from the end of a word.
const OTHERS_BITS: u32 = 8;

const TICK_BITS: u32 = 4;

/// Ticks of a time in nanoseconds.
#[inline(always)]
#[must_use]
pub const fn ticks(ns: u64) -> u64 {
    ns << TICK_BITS
}

impl Limit {
    /// No limit.
    pub const NONE: Self = Self { cost: 0, burst: 0 };

    /// Whether there is a limit.
    #[inline(always)]
    #[must_use]
    pub const fn is_set(&self) -> bool {
        self.cost != 0
    }

    /// What `units` cost, in ticks, rounded to the nearest.
    #[inline(always)]
    #[must_use]
    pub const fn charge(&self, units: u32) -> u64 {
        let units = if units > MAX_UNITS { MAX_UNITS } else { units };
        (self.cost * units as u64 + (1 << (COST_FRACTION_BITS - 1))) >> COST_FRACTION_BITS
    }

    /// As [`Meter::longest`].
    #[inline(always)]
    const fn longest(&self, now: u64, charge: u64) -> u64 {
        now + self.burst + (charge << OTHERS_BITS)
    }

    /// The bucket's next word if a packet that costs `charge` is admitted at `now`, both in ticks.
    #[inline(always)]
    #[must_use]
    pub const fn admit(&self, word: u64, now: u64, charge: u64) -> Option<u64> {
        let start = if word > now { word } else { now };
        let next = start + charge;
        if next - now > self.burst { None } else { Some(next) }
    }
}

impl Meter {
    /// A bucket.
    #[must_use]
    pub const fn bucket(limit: Limit) -> Self {
        Self {
            limit,
            window: 0,
            reciprocal: 0,
            shift: 0,
            count_bits: 0,
            quantum_bits: 0,
            weight_shift: 0,
            sliding: 0,
            spare: [0; 3],
        }
    }

    /// The next word if a packet that costs `charge` is admitted at `now`, both in ticks.
    #[inline(always)]
    #[must_use]
    pub const fn admit(&self, word: u64, now: u64, charge: u64) -> Option<u64> {
        if self.window == 0 {
            self.limit.admit(word, now, charge)
        } else {
            window::admit(self, word, now, charge)
        }
    }

    /// Until when a word may matter once a packet that costs `charge` is charged at `now`, and those of other CPUs that
    /// lost their races; in ticks.
    #[inline(always)]
    #[must_use]
    pub const fn longest(&self, now: u64, charge: u64) -> u64 {
        if self.window == 0 { self.limit.longest(now, charge) } else { now + 4 * self.window }
    }

    /// How many ticks of charges have room at `now`.
    #[must_use]
    pub const fn room(&self, word: u64, now: u64) -> u64 {
        if self.window != 0 {
            return window::room(self, word, now);
        }
        self.limit.burst.saturating_sub(word.saturating_sub(now))
    }
}

#[cfg(test)]
mod tests;
