//! Rates in the kernel's units, so that the kernel divides nothing.

use xdpgate_ebpf::abi::{EventBudget, Limit};
use xdpgate_ebpf::limit::{COST_FRACTION_BITS, MAX_BURST, MAX_BYTE_COST, MAX_PACKET_COST, ticks};

use super::error::LimitProblem;
use crate::config::{EventConfig, Rate};

const NANOSECONDS_PER_SECOND: u64 = 1_000_000_000;

/// A limit in packets, which are charged one at a time.
pub(super) fn packet_limit(rate: &Rate) -> Result<Limit, LimitProblem> {
    let cost = cost(rate, MAX_PACKET_COST)?;
    let limit = Limit { cost, burst: 0 };
    // The kernel rounds each packet's charge, so the burst is counted in charges: exactly that many packets fit.
    let charge = limit.charge(1);
    if charge == 0 {
        return Err(LimitProblem::TooFast);
    }
    Ok(Limit { burst: burst(u128::from(charge) * u128::from(rate.burst))?, ..limit })
}

/// A limit in bytes.
pub(super) fn byte_limit(rate: &Rate) -> Result<Limit, LimitProblem> {
    let cost = cost(rate, MAX_BYTE_COST)?;
    let ticks = (u128::from(cost) * u128::from(rate.burst)).div_ceil(1 << COST_FRACTION_BITS);
    Ok(Limit { cost, burst: burst(ticks)? })
}

/// The budget of sampled events on one CPU.
pub(super) fn event_budget(events: EventConfig) -> EventBudget {
    let second = ticks(NANOSECONDS_PER_SECOND);
    match second.checked_div(u64::from(events.per_second)) {
        // A burst of no more than 32 bits, times at most a second: fits 64 bits.
        Some(cost) => {
            EventBudget { cost, burst: cost.saturating_mul(u64::from(events.burst)).min(MAX_BURST) }
        }
        None => EventBudget { cost: 0, burst: 0 },
    }
}

/// Ticks per unit with the kernel's fractional bits, rounded to the nearest.
fn cost(rate: &Rate, most: u64) -> Result<u64, LimitProblem> {
    if rate.burst == 0 {
        return Err(LimitProblem::ZeroBurst);
    }
    let units = u128::from(rate.units);
    let period = rate.per.as_nanos().checked_mul(u128::from(ticks(1)) << COST_FRACTION_BITS);
    let exact = period.ok_or(LimitProblem::TooSlow)?;
    let cost = exact.saturating_add(units / 2).checked_div(units).ok_or(LimitProblem::ZeroRate)?;
    match u64::try_from(cost) {
        Ok(0) => Err(LimitProblem::TooFast),
        Ok(cost) if cost <= most => Ok(cost),
        _ => Err(LimitProblem::TooSlow),
    }
}

fn burst(ticks: u128) -> Result<u64, LimitProblem> {
    u64::try_from(ticks).ok().filter(|ticks| *ticks <= MAX_BURST).ok_or(LimitProblem::BurstTooLong)
}

#[cfg(test)]
mod tests;
