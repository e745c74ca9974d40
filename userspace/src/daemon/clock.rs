//! The wall clock, in which people think and the store writes, and the clock of the data path.

use jiff::{SignedDuration, Timestamp};

use crate::kernel::monotonic_ns;

/// The time to the millisecond, as the store keeps it.
pub(super) fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
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
        Self::at(Timestamp::now(), monotonic_ns())
    }

    pub(super) const fn at(wall: Timestamp, monotonic_ns: u64) -> Self {
        Self { wall, monotonic_ns }
    }

    pub(super) fn monotonic(self, expires: Option<Timestamp>) -> Option<u64> {
        let left = expires?.duration_since(self.wall).as_nanos();
        // An end in the past is the present: the ban holds for no packet.
        let end = i128::from(self.monotonic_ns) + left.max(0);
        Some(u64::try_from(end).unwrap_or(u64::MAX - 1))
    }

    pub(super) fn wall(self, expires_ns: u64) -> Timestamp {
        let left = i64::try_from(expires_ns.saturating_sub(self.monotonic_ns)).unwrap_or(i64::MAX);
        self.wall.saturating_add(SignedDuration::from_nanos(left)).unwrap_or(Timestamp::MAX)
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
