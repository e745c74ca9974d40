//! Windows: so many units in each stretch of time, in one word of state.
//!
//! A window's word, like a bucket's, is a time in ticks, and in the past it says nothing any more. From the highest
//! digit to the lowest it says which window is running, what the one before had admitted (in units of a quantum), and
//! what this one has admitted:
//!
//! ```text
//! word = end of the last window that it matters to + previous << count_bits + count
//! ```
//!
//! The lower two digits together stay below the length of a window, so words of one window lie between the ends of two.

use crate::abi::Meter;

/// What a window's word says of the window that is running.
struct Reading {
    /// The word of the window with nothing in it.
    base: u64,
    /// What the window before admitted, in quanta. Zero where it does not matter.
    previous: u64,
    /// What this one has admitted, in ticks.
    count: u64,
    /// Ticks that are left of this window.
    left: u64,
}

/// The window's next word if a packet that costs `charge` is admitted at `now`, both in ticks.
#[inline(always)]
pub(super) const fn admit(meter: &Meter, word: u64, now: u64, charge: u64) -> Option<u64> {
    let Reading { base, previous, count, left } = read(meter, word, now);
    let counted = count + charge;
    if counted > meter.limit.burst {
        return None;
    }
    // previous * left / window <= burst - counted, without dividing. Both sides stay below 2^63: an amount is below 2^39,
    // a shifted time below 2^24.
    let weighed = (previous << meter.quantum_bits) * (left >> meter.weight_shift);
    if weighed > (meter.limit.burst - counted) * (meter.window >> meter.weight_shift) {
        return None;
    }
    Some(base + (previous << meter.count_bits) + counted)
}

/// What the window has left for packets at `now`, in ticks.
#[inline(always)]
pub(super) const fn room(meter: &Meter, word: u64, now: u64) -> u64 {
    let Reading { previous, count, left, .. } = read(meter, word, now);
    let weighed = (previous << meter.quantum_bits) * (left >> meter.weight_shift);
    let weighed = match weighed.checked_div(meter.window >> meter.weight_shift) {
        Some(weighed) => weighed,
        None => 0,
    };
    meter.limit.burst.saturating_sub(count).saturating_sub(weighed)
}

#[inline(always)]
const fn read(meter: &Meter, word: u64, now: u64) -> Reading {
    let window = meter.window;
    let start = high_product(now, meter.reciprocal).wrapping_shr(meter.shift as u32) * window;
    let mut base = start + window + window * meter.sliding as u64;
    let mut left = start + window - now;
    if word >= base + window {
        // A CPU whose clock is ahead has begun the next window.
        base += window;
        left = window;
    }
    let mask = 1_u64.wrapping_shl(meter.count_bits as u32) - 1;
    if word >= base + window {
        // Another limit's.
        return Reading { base, previous: 0, count: 0, left };
    }
    if word >= base {
        let digits = word - base;
        let previous = digits.wrapping_shr(meter.count_bits as u32) * meter.sliding as u64;
        return Reading { base, previous, count: digits & mask, left };
    }
    if meter.sliding != 0 && word + window >= base {
        // Of the window before. What it admitted is rounded up, so that no more is admitted than there should be.
        let quantum = 1_u64.wrapping_shl(meter.quantum_bits as u32) - 1;
        let previous = (((word + window - base) & mask) + quantum).wrapping_shr(meter.quantum_bits as u32);
        return Reading { base, previous, count: 0, left };
    }
    Reading { base, previous: 0, count: 0, left }
}

/// The upper half of a product of 128 bits: the target has no instruction for it.
#[inline(always)]
const fn high_product(a: u64, b: u64) -> u64 {
    const LOWER: u64 = u32::MAX as u64;
    let (a_high, a_low, b_high, b_low) = (a >> 32, a & LOWER, b >> 32, b & LOWER);
    let (first, second) = (a_high * b_low, a_low * b_high);
    let middle = ((a_low * b_low) >> 32) + (first & LOWER) + (second & LOWER);
    a_high * b_high + (first >> 32) + (second >> 32) + (middle >> 32)
}
