use std::time::Duration;

use proptest::prelude::*;
use xdpgate_ebpf::limit::TICKS_PER_NS;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn rate(units: u64, per: Duration, burst: u64) -> Rate {
    Rate { units, per, burst }
}

/// How many packets of `bytes` pass at `now`, one after the other, into a bucket whose word is `word`.
fn admitted(limit: &Limit, charge: u64, now: u64, word: &mut u64) -> u64 {
    let mut count = 0;
    while let Some(next) = limit.admit(*word, now, charge) {
        *word = next;
        count += 1;
    }
    count
}

#[test]
fn costs_are_times_in_ticks() {
    let limit = packet_limit(&rate(1000, SECOND, 5)).unwrap();
    assert_eq!(limit.cost >> COST_FRACTION_BITS, 1_000_000 * TICKS_PER_NS);
    assert_eq!(limit.burst, 5 * 1_000_000 * TICKS_PER_NS);
    // 50 Mbit/s is 160 ns a byte.
    let limit = byte_limit(&rate(6_250_000, SECOND, 100_000)).unwrap();
    assert_eq!(limit.cost >> COST_FRACTION_BITS, 160 * TICKS_PER_NS);
    assert_eq!(limit.burst, 100_000 * 160 * TICKS_PER_NS);
    let limit = packet_limit(&rate(120, Duration::from_mins(1), 1)).unwrap();
    assert_eq!(limit.cost >> COST_FRACTION_BITS, 500_000_000 * TICKS_PER_NS);
}

#[test]
fn what_the_kernel_cannot_hold_is_refused() {
    let day = Duration::from_hours(24);
    assert_eq!(packet_limit(&rate(0, SECOND, 1)), Err(LimitProblem::ZeroRate));
    assert_eq!(packet_limit(&rate(1, SECOND, 0)), Err(LimitProblem::ZeroBurst));
    assert_eq!(byte_limit(&rate(1, SECOND, 0)), Err(LimitProblem::ZeroBurst));
    assert_eq!(packet_limit(&rate(1, Duration::ZERO, 1)), Err(LimitProblem::TooFast));
    assert_eq!(packet_limit(&rate(u64::MAX, SECOND, 1)), Err(LimitProblem::TooFast));
    // Its cost is not zero, but the charge of one packet would be.
    assert_eq!(packet_limit(&rate(40_000_000_000, SECOND, 1)), Err(LimitProblem::TooFast));
    assert!(byte_limit(&rate(40_000_000_000, SECOND, 1)).is_ok());
    assert_eq!(packet_limit(&rate(1, Duration::MAX, 1)), Err(LimitProblem::TooSlow));
    assert_eq!(packet_limit(&rate(1, 60 * day, 1)), Err(LimitProblem::TooSlow));
    assert_eq!(byte_limit(&rate(1, day, 1)), Err(LimitProblem::TooSlow));
    assert_eq!(packet_limit(&rate(24, day, 1_000_000)), Err(LimitProblem::BurstTooLong));
    assert_eq!(byte_limit(&rate(1000, SECOND, u64::MAX)), Err(LimitProblem::BurstTooLong));
}

#[test]
fn every_problem_says_what_to_do() {
    let problems = [
        (LimitProblem::ZeroRate, "a rate of zero would drop everything; leave the limit out, or name a rate"),
        (LimitProblem::ZeroBurst, "a burst of zero would drop everything; name a burst of one or more"),
        (
            LimitProblem::TooFast,
            "too fast to be told from no limit; leave the limit out, or name a lower rate",
        ),
        (LimitProblem::TooSlow, "too slow; name a higher rate"),
        (LimitProblem::BurstTooLong, "the burst is years of the rate; name a smaller burst"),
    ];
    for (problem, message) in problems {
        assert_eq!(problem.to_string(), message);
    }
}

#[test]
fn events_have_a_budget_or_none() {
    let budget = event_budget(EventConfig { per_second: 100, burst: 7 });
    assert_eq!(budget, EventBudget { cost: 10_000_000 * TICKS_PER_NS, burst: 70_000_000 * TICKS_PER_NS });
    assert_eq!(event_budget(EventConfig { per_second: 0, burst: 9 }), EventBudget { cost: 0, burst: 0 });
    let most = event_budget(EventConfig { per_second: u32::MAX, burst: u32::MAX });
    assert!(most.cost > 0 && most.burst > 0, "{most:?}");
    assert!(event_budget(EventConfig { per_second: 1, burst: u32::MAX }).burst <= MAX_BURST);
}

proptest! {
    #[test]
    fn a_full_bucket_admits_exactly_its_burst(units in 1_u64..10_000_000, seconds in 1_u64..3600, burst in 1_u64..2000) {
        let limit = packet_limit(&rate(units, Duration::from_secs(seconds), burst)).unwrap();
        prop_assert_eq!(admitted(&limit, limit.charge(1), ticks(1_000_000), &mut 0), burst);
    }

    #[test]
    fn over_time_the_rate_is_kept_within_a_thousandth(units in 1_u64..5_000_000, burst in 2_u64..1000) {
        let limit = packet_limit(&rate(units, SECOND, burst)).unwrap();
        let (mut word, mut total) = (0, 0);
        // Half of a burst at a time: a bucket that gets full loses what comes then.
        let step = (NANOSECONDS_PER_SECOND * burst / units / 2).max(1);
        let steps = 10_000 / burst;
        for index in 0..=steps {
            total += admitted(&limit, limit.charge(1), ticks(1_000_000 + index * step), &mut word);
        }
        let refilled = u128::from(units) * u128::from(steps * step) / u128::from(NANOSECONDS_PER_SECOND);
        let expected = refilled + u128::from(burst);
        let error = expected.abs_diff(u128::from(total));
        prop_assert!(error <= 1 + expected / 1000, "{total} packets, expected {expected}");
    }

    #[test]
    fn bytes_are_admitted_up_to_the_burst(units in 1000_u64..12_500_000_000, frames in 1_u64..200) {
        let limit = byte_limit(&rate(units, SECOND, frames * 1500)).unwrap();
        let count = admitted(&limit, limit.charge(1500), ticks(1_000_000), &mut 0);
        // The kernel rounds each frame's charge, so the last frame may find a few ticks too little.
        prop_assert!(count == frames || count + 1 == frames, "{count} of {frames}");
    }
}
