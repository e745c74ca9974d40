//! Limits that are worth a try.

use serde::Serialize;

use super::peaks::Percentiles;

/// Steps of rates between powers of ten.
const STEPS: [u64; 10] = [10, 12, 15, 20, 25, 30, 40, 50, 60, 80];
/// Rates farther apart get others between them.
const FAR: u64 = 3;
/// No more are put between them from this many on.
const MOST: usize = 10;
/// What can wait is what comes in so many seconds: a page or a reconnection comes at once.
const BURST_SECONDS: u64 = 2;

/// A limit in packets per source, and what it would have done to the capture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Candidate {
    /// Its rate.
    pub packets_per_second: u64,
    /// Its burst.
    pub burst: u64,
    /// Sources of which it would have rejected at least one packet.
    pub sources_touched: u64,
    /// Their share of the service's sources, in percent.
    pub sources_percent: f64,
    /// Packets that it would have rejected.
    pub packets_rejected: u64,
    /// Their share of the service's packets, in percent.
    pub packets_percent: f64,
    /// The lowest one that touches no more sources than wanted, and is not below what 99 % of them do in a second.
    pub suggested: bool,
}

/// Rates near the percentiles, in order, with some between those that lie far apart; and one that no source reaches.
pub(super) fn rates(peaks: &Percentiles) -> Vec<u64> {
    let above = peaks.max.saturating_mul(2);
    let mut rates = Vec::new();
    for rate in [peaks.p50, peaks.p90, peaks.p99, peaks.p999, peaks.max, above].map(round_up) {
        while let Some(last) = rates.last().filter(|last| rates.len() < MOST && rate / FAR > **last) {
            rates.push(round_up(last * FAR));
        }
        rates.push(rate);
    }
    rates.dedup();
    rates
}

pub(super) const fn burst(rate: u64) -> u64 {
    rate.saturating_mul(BURST_SECONDS)
}

/// The next rate that people would write. At most what the policy takes.
fn round_up(rate: u64) -> u64 {
    const FASTEST: u64 = 100_000_000;
    if rate <= 10 {
        return rate.max(1);
    }
    let mut power = 1;
    while STEPS[9] * power < rate && power < FASTEST {
        if let Some(step) = STEPS.iter().find(|step| **step * power >= rate) {
            return *step * power;
        }
        power *= 10;
    }
    STEPS.iter().map(|step| step * power).find(|round| *round >= rate).unwrap_or(FASTEST).min(FASTEST)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rates_are_round() {
        let rounded = [0, 1, 7, 11, 13, 99, 100, 101, 399, 1_201, 81_000, 90_000_000, u64::MAX].map(round_up);
        assert_eq!(rounded, [1, 1, 7, 12, 15, 100, 100, 120, 400, 1_500, 100_000, 100_000_000, 100_000_000]);
    }

    #[test]
    fn what_lies_far_apart_gets_others_between() {
        let peaks = Percentiles { p50: 30, p90: 35, p99: 1_043, p999: 1_075, max: 1_075 };
        assert_eq!(rates(&peaks), [30, 40, 120, 400, 1_200, 2_500]);
        assert!(rates(&Percentiles { p50: 1, max: u64::MAX, ..peaks }).len() < 2 * MOST);
        assert_eq!(rates(&Percentiles::default()), [1]);
    }

    proptest! {
        #[test]
        fn rounding_goes_up_and_not_far(rate in 1_u64..50_000_000) {
            let rounded = round_up(rate);
            prop_assert!(rounded >= rate && rounded * 10 <= rate * 14, "{rate} {rounded}");
        }
    }
}
