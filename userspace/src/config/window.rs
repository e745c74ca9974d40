//! How much a limit of a window can hold, in the kernel's units.

use std::time::Duration;

use xdpgate_ebpf::limit::ticks;

use super::{Algorithm, LimitUnit};

/// The shortest window.
pub(super) const SHORTEST_WINDOW: Duration = Duration::from_millis(1);
/// The longest window.
pub(super) const LONGEST_WINDOW: Duration = Duration::from_hours(24);

/// Into how many parts, at least, a sliding window divides what the window before has admitted: what it weighs is wrong by
/// at most this part of the count, and never too little.
const SLIDING_PARTS: u64 = 256;
/// The most bits of a count. The kernel multiplies it with a share of time of 24 bits, in words of 64.
const MOST_COUNT_BITS: u32 = 38;

/// The largest count of a window, or none for an algorithm without windows. Zero: the window is too short for the unit.
#[must_use]
pub fn most_in_window(algorithm: Algorithm, unit: LimitUnit, window: Duration) -> Option<u64> {
    let ticks = ticks(u64::try_from(window.min(LONGEST_WINDOW).as_nanos()).unwrap_or(u64::MAX));
    // A count takes whole bits of a word.
    let bits = (ticks / parts(algorithm)?).checked_ilog2().unwrap_or(0).min(MOST_COUNT_BITS);
    Some(((1 << bits) - 1_u64).saturating_sub(spare_in_window(unit)))
}

/// The shortest window, in whole milliseconds, that holds the least count of the unit.
#[must_use]
pub fn shortest_window(algorithm: Algorithm, unit: LimitUnit) -> Option<Duration> {
    let room = (unit.least_burst() + spare_in_window(unit) + 1).next_power_of_two();
    let milliseconds = (room * parts(algorithm)?).div_ceil(ticks(NANOSECONDS_PER_MILLISECOND));
    Some(Duration::from_millis(milliseconds).max(SHORTEST_WINDOW))
}

/// Room for what CPUs that lost a race charge beyond the count: 256 of them at once, with frames of 8 KiB.
#[must_use]
pub const fn spare_in_window(unit: LimitUnit) -> u64 {
    match unit {
        LimitUnit::Packets | LimitUnit::Connections => 1 << 8,
        LimitUnit::Bytes => 1 << 21,
    }
}

const NANOSECONDS_PER_MILLISECOND: u64 = 1_000_000;

const fn parts(algorithm: Algorithm) -> Option<u64> {
    match algorithm {
        Algorithm::FixedWindow => Some(1),
        Algorithm::SlidingWindow => Some(SLIDING_PARTS),
        Algorithm::TokenBucket | Algorithm::LeakyBucket => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_count_follows_the_window() {
        let (ms, day) = (SHORTEST_WINDOW, LONGEST_WINDOW);
        for (algorithm, unit, window, most) in [
            (Algorithm::FixedWindow, LimitUnit::Packets, ms, (1 << 23) - 1 - 256),
            (Algorithm::SlidingWindow, LimitUnit::Connections, ms, (1 << 15) - 1 - 256),
            (Algorithm::FixedWindow, LimitUnit::Bytes, ms, (1 << 23) - 1 - (1 << 21)),
            (Algorithm::SlidingWindow, LimitUnit::Bytes, ms, 0),
            (Algorithm::FixedWindow, LimitUnit::Bytes, ms * 1000, (1 << 33) - 1 - (1 << 21)),
            (Algorithm::FixedWindow, LimitUnit::Packets, day, (1 << 38) - 1 - 256),
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
