//! How much a limit of a window can hold, in the kernel's units.

use std::time::Duration;

use xdpgate_ebpf::limit::{MAX_UNITS, ticks};

use super::{Algorithm, LimitUnit};

/// The shortest window.
pub(super) const SHORTEST_WINDOW: Duration = Duration::from_millis(1);
/// The longest window.
pub(super) const LONGEST_WINDOW: Duration = Duration::from_hours(24);

/// A window's word tells at least so many charges apart that come at the same time, beside the count.
const CHARGES_AT_ONCE: u64 = 256;
/// A sliding window keeps the share of the window before in so many steps.
const SLIDING_STEPS: u64 = 256;

/// The largest count of a window, or none for an algorithm without windows. Zero: the window is too short for the unit.
#[must_use]
pub fn most_in_window(algorithm: Algorithm, unit: LimitUnit, window: Duration) -> Option<u64> {
    let ticks = ticks(u64::try_from(window.min(LONGEST_WINDOW).as_nanos()).unwrap_or(u64::MAX));
    Some((ticks / steps(algorithm)?).saturating_sub(CHARGES_AT_ONCE * largest_charge(unit)))
}

/// The shortest window, in whole milliseconds, that holds the least count of the unit.
#[must_use]
pub fn shortest_window(algorithm: Algorithm, unit: LimitUnit) -> Option<Duration> {
    let room = unit.least_burst() + CHARGES_AT_ONCE * largest_charge(unit);
    let milliseconds = (room * steps(algorithm)?).div_ceil(ticks(NANOSECONDS_PER_MILLISECOND));
    Some(Duration::from_millis(milliseconds).max(SHORTEST_WINDOW))
}

const NANOSECONDS_PER_MILLISECOND: u64 = 1_000_000;

const fn steps(algorithm: Algorithm) -> Option<u64> {
    match algorithm {
        Algorithm::FixedWindow => Some(1),
        Algorithm::SlidingWindow => Some(SLIDING_STEPS),
        Algorithm::TokenBucket | Algorithm::LeakyBucket => None,
    }
}

/// The most that one packet is charged.
const fn largest_charge(unit: LimitUnit) -> u64 {
    match unit {
        LimitUnit::Packets | LimitUnit::Connections => 1,
        LimitUnit::Bytes => MAX_UNITS as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_count_follows_the_window() {
        let (ms, day) = (SHORTEST_WINDOW, LONGEST_WINDOW);
        for (algorithm, unit, window, most) in [
            (Algorithm::FixedWindow, LimitUnit::Packets, ms, 16_000_000 - 256),
            (Algorithm::SlidingWindow, LimitUnit::Connections, ms, 62_500 - 256),
            (Algorithm::FixedWindow, LimitUnit::Bytes, ms, 0),
            (Algorithm::FixedWindow, LimitUnit::Bytes, ms * 1000, 16_000_000_000 - 256 * 131_071),
            (Algorithm::FixedWindow, LimitUnit::Packets, day, 1_382_400_000_000_000 - 256),
        ] {
            assert_eq!(most_in_window(algorithm, unit, window), Some(most), "{algorithm} {unit} {window:?}");
        }
        assert_eq!(most_in_window(Algorithm::TokenBucket, LimitUnit::Packets, day), None);
    }

    #[test]
    fn the_shortest_window_is_the_shortest() {
        for algorithm in [Algorithm::FixedWindow, Algorithm::SlidingWindow] {
            for unit in [LimitUnit::Packets, LimitUnit::Bytes, LimitUnit::Connections] {
                let shortest = shortest_window(algorithm, unit).unwrap();
                let most = |window| most_in_window(algorithm, unit, window).unwrap();
                assert!(most(shortest) >= unit.least_burst(), "{algorithm} {unit}");
                if let Some(shorter) = shortest.checked_sub(SHORTEST_WINDOW).filter(|time| !time.is_zero()) {
                    assert!(most(shorter) < unit.least_burst(), "{algorithm} {unit}");
                }
            }
        }
    }
}
