//! The wall clock, in which people think and the store writes, and the clock of the data path.

use std::sync::OnceLock;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::kernel::monotonic_ns;

/// The daemon's clocks, where they do not run as those of the machine.
static FASTER: OnceLock<Faster> = OnceLock::new();

#[derive(Clone, Copy, Debug)]
struct Faster {
    rate: u32,
    wall: Timestamp,
    monotonic_ns: u64,
}

/// Lets the clocks of a daemon in this process run so many times as fast as those of the machine: for tests that go through a
/// day. A ban of an hour then holds for an hour divided by `rate` of the data path. Only the first call means something, and
/// nothing but tests calls it.
pub fn run_faster(rate: u32) {
    let rate = rate.max(1);
    let _ = FASTER.set(Faster { rate, wall: Timestamp::now(), monotonic_ns: monotonic_ns() });
}

/// The time to the millisecond, as the store keeps it.
pub(super) fn now() -> Timestamp {
    let now = exactly_now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

fn exactly_now() -> Timestamp {
    let Some(faster) = FASTER.get() else { return Timestamp::now() };
    let passed = monotonic_ns().saturating_sub(faster.monotonic_ns).saturating_mul(faster.rate.into());
    let passed = SignedDuration::from_nanos(i64::try_from(passed).unwrap_or(i64::MAX));
    faster.wall.saturating_add(passed).unwrap_or(Timestamp::MAX)
}

/// The time since some moment, by a clock that nobody sets.
pub(super) fn steady() -> Duration {
    Duration::from_nanos(monotonic_ns()).saturating_mul(rate())
}

/// By how much the wall clock is ahead of that of the data path, in nanoseconds of the latter. It changes when the wall clock
/// is set.
pub(super) fn ahead_ns(wall: Timestamp, monotonic_ns: u64) -> i128 {
    wall.as_nanosecond() / i128::from(rate()) - i128::from(monotonic_ns)
}

/// How many times as fast the wall clock runs as that of the data path.
fn rate() -> u32 {
    FASTER.get().map_or(1, |faster| faster.rate)
}

/// Turns ends by the wall clock into ends by `CLOCK_MONOTONIC`, which the data path reads, and back. A clock that is
/// set afterwards moves no ban that the kernel has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    wall: Timestamp,
    monotonic_ns: u64,
}

impl Deadline {
    pub(super) fn now() -> Self {
        Self::at(exactly_now(), monotonic_ns())
    }

    pub(super) const fn at(wall: Timestamp, monotonic_ns: u64) -> Self {
        Self { wall, monotonic_ns }
    }

    pub(super) fn monotonic(self, expires: Option<Timestamp>) -> Option<u64> {
        let left = expires?.duration_since(self.wall).as_nanos() / i128::from(rate());
        // An end in the past is the present: the ban holds for no packet.
        let end = i128::from(self.monotonic_ns) + left.max(0);
        Some(u64::try_from(end).unwrap_or(u64::MAX - 1))
    }

    pub(super) fn wall(self, expires_ns: u64) -> Timestamp {
        let left = i64::try_from(expires_ns.saturating_sub(self.monotonic_ns)).unwrap_or(i64::MAX);
        let left = SignedDuration::from_nanos(left.saturating_mul(rate().into()));
        self.wall.saturating_add(left).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_turn_into_the_kernels_time_and_back() {
        let wall = Timestamp::from_second(1_000).unwrap();
        let deadline = Deadline::at(wall, 500);
        let later = Timestamp::from_second(1_060).unwrap();
        assert_eq!(deadline.monotonic(Some(later)), Some(60_000_000_500));
        assert_eq!(deadline.wall(60_000_000_500), later);
        assert_eq!(deadline.monotonic(None), None);
        assert_eq!(deadline.monotonic(Some(Timestamp::UNIX_EPOCH)), Some(500), "past ends are now");
        assert!(deadline.monotonic(Some(Timestamp::MAX)).is_some_and(|end| end < u64::MAX), "not `never`");
    }
}
