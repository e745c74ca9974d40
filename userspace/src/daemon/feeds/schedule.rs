//! When a source is asked again. Pure: the clock and the dice are the caller's.

use std::time::Duration;

/// The first wait after a failure; each further one is twice as long, up to the interval.
const FIRST_WAIT: Duration = Duration::from_secs(10);
/// Longer than that nobody is left alone because of what he said.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(24);
/// Up to this share of the interval is left out by chance, so that many hosts do not ask in the same second.
const JITTER: f64 = 0.1;

/// When a source is asked again. Times are those of a clock that nobody sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Schedule {
    every: Duration,
    next: Duration,
    failures: u32,
}

impl Schedule {
    /// Of a source that was last asked with success so long ago, or never. `dice` is at least 0 and below 1.
    pub(super) fn begin(every: Duration, now: Duration, success: Option<Duration>, dice: f64) -> Self {
        let next = success.map_or(now, |ago| now + shortened(every, dice).saturating_sub(ago));
        Self { every, next, failures: 0 }
    }

    pub(super) fn is_due(&self, now: Duration) -> bool {
        self.next <= now
    }

    /// The time until it is asked again.
    pub(super) const fn left(&self, now: Duration) -> Duration {
        self.next.saturating_sub(now)
    }

    /// How often it failed since the last success.
    pub(super) const fn failures(&self) -> u32 {
        self.failures
    }

    /// Asks at the next opportunity.
    pub(super) const fn hurry(&mut self, now: Duration) {
        self.next = now;
    }

    /// Asks again after this time; what kept it from being asked was no failure.
    pub(super) fn postpone(&mut self, now: Duration, by: Duration) {
        self.next = now + by;
    }

    pub(super) fn succeeded(&mut self, now: Duration, dice: f64) {
        self.failures = 0;
        self.next = now + shortened(self.every, dice);
    }

    /// `retry_after` is what the server said of it.
    pub(super) fn failed(&mut self, now: Duration, retry_after: Option<Duration>, dice: f64) {
        let doubled = FIRST_WAIT.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX));
        // From a half to all of it.
        let wait = doubled.min(self.every).mul_f64(0.5 + dice / 2.0);
        let asked_for = retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER);
        self.failures = self.failures.saturating_add(1);
        self.next = now + wait.max(asked_for);
    }
}

/// Shorter and never longer: what is promised is the interval.
fn shortened(every: Duration, dice: f64) -> Duration {
    every.mul_f64(1.0 - JITTER * dice)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);
    const NOW: Duration = Duration::from_secs(1000);

    #[test]
    fn a_source_that_was_never_asked_is_due_at_once() {
        assert!(Schedule::begin(HOUR, NOW, None, 0.5).is_due(NOW));
    }

    #[test]
    fn a_restart_does_not_ask_again_before_it_is_time() {
        let begun = Schedule::begin(HOUR, NOW, Some(Duration::from_mins(20)), 0.0);
        assert_eq!(begun.left(NOW), Duration::from_mins(40));
        assert!(Schedule::begin(HOUR, NOW, Some(2 * HOUR), 0.0).is_due(NOW));
    }

    #[test]
    fn failures_wait_longer_each_time_up_to_the_interval() {
        let mut schedule = Schedule::begin(HOUR, NOW, None, 0.0);
        // The dice are at their end, so that nothing is left out.
        let mut waits = || {
            schedule.failed(NOW, None, 1.0);
            schedule.left(NOW).as_secs()
        };
        assert_eq!([(); 10].map(|()| waits()), [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600]);
        assert_eq!(schedule.failures(), 10);
        schedule.succeeded(NOW, 0.0);
        assert_eq!((schedule.failures(), schedule.left(NOW)), (0, HOUR));
        schedule.failed(NOW, None, 1.0);
        assert_eq!(schedule.left(NOW).as_secs(), 10, "from the beginning");
    }

    #[test]
    fn servers_that_want_rest_get_it_within_reason() {
        let mut schedule = Schedule::begin(HOUR, NOW, None, 0.0);
        schedule.failed(NOW, Some(2 * HOUR), 0.0);
        assert_eq!(schedule.left(NOW), 2 * HOUR, "also beyond the interval");
        schedule.failed(NOW, Some(Duration::from_secs(1)), 0.0);
        assert_eq!(schedule.left(NOW).as_secs(), 10, "not sooner than without");
        schedule.failed(NOW, Some(Duration::MAX), 0.0);
        assert_eq!(schedule.left(NOW), LONGEST_RETRY_AFTER);
    }

    proptest! {
        #[test]
        fn every_wait_is_within_its_bounds(
            every in 1_u64..=30 * 24 * 3600,
            outcomes in prop::collection::vec(prop::option::of(prop::option::of(0_u64..200_000)), 1..50),
            dice in 0.0..1.0,
        ) {
            let every = Duration::from_secs(every);
            let mut schedule = Schedule::begin(every, NOW, None, dice);
            let mut now = NOW;
            for outcome in outcomes {
                match outcome {
                    None => {
                        schedule.succeeded(now, dice);
                        prop_assert!(schedule.left(now) <= every);
                        prop_assert!(schedule.left(now) >= every.mul_f64(0.9 - 1e-9));
                    }
                    Some(retry_after) => {
                        schedule.failed(now, retry_after.map(Duration::from_secs), dice);
                        let most = every.max(Duration::from_secs(retry_after.unwrap_or(0)).min(LONGEST_RETRY_AFTER));
                        prop_assert!(schedule.left(now) <= most);
                        prop_assert!(schedule.left(now) >= every.min(FIRST_WAIT) / 2);
                    }
                }
                prop_assert!(!schedule.is_due(now));
                now += schedule.left(now);
                prop_assert!(schedule.is_due(now));
            }
        }
    }
}
