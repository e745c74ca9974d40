//! Buckets and windows in the kernel's units.

use std::time::Duration;

use xdpgate_ebpf::abi::{Limit, Meter};
use xdpgate_ebpf::limit::{COST_FRACTION_BITS, ticks};

use super::error::LimitProblem;
use super::limits::{byte_limit, packet_limit};
use crate::config::{Algorithm, LimitUnit, Rate, most_in_window, spare_in_window};

/// A token bucket, or a leaky one: as a meter they are the same.
pub(super) fn bucket(rate: &Rate, unit: LimitUnit) -> Result<Meter, LimitProblem> {
    let limit = match unit {
        LimitUnit::Bytes => byte_limit(rate)?,
        LimitUnit::Packets | LimitUnit::Connections => packet_limit(rate)?,
    };
    Ok(Meter::bucket(limit))
}

/// The bits of a shifted time in the kernel's products.
const WEIGHT_BITS: u32 = 24;

/// A window, in which a unit costs one tick.
pub(super) fn window(
    algorithm: Algorithm,
    count: u64,
    window: Duration,
    unit: LimitUnit,
) -> Result<Meter, LimitProblem> {
    let length = window_ticks(window).ok_or(LimitProblem::WindowTooLong)?;
    if count == 0 {
        return Err(LimitProblem::ZeroRate);
    }
    let most = most_in_window(algorithm, unit, window).unwrap_or(0);
    if count > most {
        return Err(LimitProblem::TooManyInWindow { most });
    }
    let sliding = algorithm == Algorithm::SlidingWindow;
    let largest = count + spare_in_window(unit);
    let count_bits = largest.ilog2() + 1;
    let parts = length >> count_bits;
    // The coarsest quantum that is needed for what the window before admitted to stay below `parts`.
    let mut quantum_bits = 0;
    while sliding && (largest >> quantum_bits) + 1 >= parts {
        quantum_bits += 1;
    }
    let (reciprocal, shift) = reciprocal(length).ok_or(LimitProblem::ZeroWindow)?;
    let bits = |bits: u32| u8::try_from(bits).unwrap_or(u8::MAX);
    Ok(Meter {
        limit: Limit { cost: 1 << COST_FRACTION_BITS, burst: count },
        window: length,
        reciprocal,
        shift: bits(shift),
        count_bits: bits(count_bits),
        quantum_bits: bits(quantum_bits),
        weight_shift: bits((length.ilog2() + 1).saturating_sub(WEIGHT_BITS)),
        sliding: sliding.into(),
        spare: [0; 3],
    })
}

fn window_ticks(window: Duration) -> Option<u64> {
    let ns = u64::try_from(window.as_nanos()).ok()?;
    ns.checked_mul(ticks(1)).filter(|ticks| *ticks < 1 << 56)
}

/// `time * reciprocal >> 64 >> shift` is `time / length` for every time below 2^63 (Granlund and Montgomery 1994, theorem
/// 4.2): with 2^s not above the length, the reciprocal is 2^(64 + s) / length rounded up, which is wrong by less than the
/// length in 2^(64 + s). For a power of two it would need 65 bits, so s is one less.
fn reciprocal(length: u64) -> Option<(u64, u32)> {
    let shift = length.checked_ilog2()?;
    let shift = if length.is_power_of_two() { shift.checked_sub(1)? } else { shift };
    let whole = (1_u128 << (64 + shift)).checked_div(length.into())? + 1;
    Some((u64::try_from(whole).ok()?, shift))
}

#[cfg(test)]
mod tests;
