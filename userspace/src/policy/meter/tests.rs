use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
/// Far from zero, as the clock of a host is; not a multiple of any window below.
const START_NS: u64 = 86_400_123_456_789;

/// One bucket, and who was admitted.
struct Subject {
    meter: Meter,
    word: u64,
}

impl Subject {
    const fn new(meter: Meter) -> Self {
        Self { meter, word: 0 }
    }

    fn takes(&mut self, now_ns: u64, units: u32) -> bool {
        // As the data path does: what has passed is no bucket.
        let word = if self.word <= ticks(now_ns) { 0 } else { self.word };
        let next = self.meter.admit(word, ticks(now_ns), self.meter.limit.charge(units));
        self.word = next.unwrap_or(self.word);
        next.is_some()
    }
}

fn windowed(algorithm: Algorithm, count: u64, length: Duration) -> Subject {
    Subject::new(window(algorithm, count, length, LimitUnit::Packets).unwrap())
}

#[test]
fn a_reciprocal_divides() {
    let lengths = [16_000_000_u64, 1 << 24, (1 << 24) - 1, 16_000_000_000, 16 * 86_400 * 1_000_000_000, 3, 2];
    for length in lengths {
        let (reciprocal, shift) = reciprocal(length).unwrap();
        let quotient =
            |n: u64| u64::try_from(((u128::from(n) * u128::from(reciprocal)) >> 64) >> shift).unwrap();
        for n in [0, 1, length - 1, length, length + 1, u64::MAX >> 1, (u64::MAX >> 1) / length * length - 1]
        {
            assert_eq!(quotient(n), n / length, "{n} / {length}");
        }
    }
    assert_eq!((reciprocal(0), reciprocal(1)), (None, None), "no window is that short");
}

#[test]
fn what_a_word_cannot_hold_is_refused_with_the_most_that_it_can() {
    for algorithm in [Algorithm::FixedWindow, Algorithm::SlidingWindow] {
        for unit in [LimitUnit::Packets, LimitUnit::Bytes] {
            let most = most_in_window(algorithm, unit, SECOND).unwrap();
            assert!(window(algorithm, most, SECOND, unit).is_ok(), "{algorithm} {unit}");
            assert_eq!(
                window(algorithm, most + 1, SECOND, unit),
                Err(LimitProblem::TooManyInWindow { most })
            );
        }
    }
    let zero = window(Algorithm::FixedWindow, 0, SECOND, LimitUnit::Packets);
    assert_eq!(zero, Err(LimitProblem::ZeroRate));
}

#[test]
fn a_window_without_packets_leaves_nothing() {
    let mut subject = windowed(Algorithm::SlidingWindow, 10, SECOND);
    let admitted = (0..100).filter(|_| subject.takes(START_NS, 1)).count();
    assert_eq!(admitted, 10);
    assert!(!subject.takes(START_NS + 400_000_000, 1), "the window before still counts in part");
    assert!(subject.word <= ticks(START_NS + 3_000_000_000), "the slot is free again");
}

/// Which window a time is in.
const fn number(now_ns: u64, length_ns: u64) -> u64 {
    now_ns / length_ns
}

proptest! {
    /// Every packet as a counter for each window would decide it.
    #[test]
    fn a_fixed_window_is_exact(
        count in 1_u64..2_000,
        milliseconds in 1_u64..5_000,
        packets in prop::collection::vec((0_u64..400_000_000, 1_u32..40), 1..600),
    ) {
        let length_ns = milliseconds * 1_000_000;
        let mut subject = windowed(Algorithm::FixedWindow, count, Duration::from_nanos(length_ns));
        let (mut now, mut in_window, mut used) = (START_NS, 0, 0);
        for (gap, units) in packets {
            now += gap / (5_001 - milliseconds);
            if number(now, length_ns) != in_window {
                (in_window, used) = (number(now, length_ns), 0);
            }
            let admits = used + u64::from(units) <= count;
            used += if admits { u64::from(units) } else { 0 };
            prop_assert_eq!(subject.takes(now, units), admits, "{} of {} used", used, count);
        }
    }

    /// Against previous * share of the window that is left + current, in exact fractions: what it says differs only where
    /// the sum is within the stated share of the count.
    #[test]
    fn a_sliding_window_is_the_interpolation(
        count in 1_u64..30_000,
        milliseconds in 1_u64..5_000,
        packets in prop::collection::vec((0_u64..400_000_000, 1_u32..300), 1..600),
    ) {
        let length_ns = milliseconds * 1_000_000;
        let mut subject = windowed(Algorithm::SlidingWindow, count, Duration::from_nanos(length_ns));
        let (mut now, mut window) = (START_NS, 0);
        let (mut previous, mut current) = (0_u64, 0_u64);
        for (gap, units) in packets {
            now += gap / (5_001 - milliseconds);
            let passed = number(now, length_ns) - window;
            if passed != 0 {
                previous = if passed == 1 { current } else { 0 };
                (window, current) = (number(now, length_ns), 0);
            }
            let left = u128::from((window + 1) * length_ns - now);
            // All in units times the length of the window.
            let sum = u128::from(previous) * left + u128::from(current + u64::from(units)) * u128::from(length_ns);
            let most = u128::from(count) * u128::from(length_ns);
            let admitted = subject.takes(now, units);
            if admitted {
                prop_assert!(sum <= most + most / (1 << 20), "admitted beyond the count");
                current += u64::from(units);
            } else {
                prop_assert!(sum + most / 256 + u128::from(length_ns) > most, "rejected below the count");
            }
        }
    }

    /// The bound that the manual states, against an exact log: in any stretch as long as the window at most twice the count.
    #[test]
    fn a_sliding_window_is_bounded_by_an_exact_log(
        count in 1_usize..200,
        gaps in prop::collection::vec(0_u64..60_000_000, 1..2_000),
    ) {
        let length_ns = 1_000_000_000;
        let mut subject = windowed(Algorithm::SlidingWindow, count as u64, SECOND);
        let (mut now, mut log) = (START_NS, VecDeque::new());
        for gap in gaps {
            now += gap;
            while log.front().is_some_and(|time| *time + length_ns <= now) {
                log.pop_front();
            }
            if subject.takes(now, 1) {
                log.push_back(now);
            }
            prop_assert!(log.len() <= 2 * count, "{} in a second, {} allowed", log.len(), count);
        }
    }

    /// A source that sends evenly and too fast: after two windows the exact log never has more than the count.
    #[test]
    fn a_sliding_window_is_even_under_even_load(count in 20_u64..500, factor in 2_u64..20) {
        let mut subject = windowed(Algorithm::SlidingWindow, count, SECOND);
        let gap = 1_000_000_000 / (count * factor);
        let mut log = VecDeque::new();
        for packet in 0..count * factor * 6 {
            let now = START_NS + packet * gap;
            while log.front().is_some_and(|time| *time + 1_000_000_000 <= now) {
                log.pop_front();
            }
            if subject.takes(now, 1) {
                log.push_back(now);
            }
            if packet > count * factor * 3 {
                let most = usize::try_from(count + count / 256 + 2).unwrap();
                prop_assert!(log.len() <= most, "{} in a second, {} allowed", log.len(), count);
            }
        }
    }

    /// Token and leaky bucket against one in exact fractions: within 0.1 % and one packet of it, at any time.
    #[test]
    fn a_bucket_is_within_a_thousandth_of_an_exact_one(
        rate in 1_u64..5_000_000,
        burst in 1_u64..5_000,
        gaps in prop::collection::vec(0_u64..3_000_000, 1..500),
    ) {
        let rate_of = Rate { units: rate, per: SECOND, burst };
        let mut subject = Subject::new(bucket(&rate_of, LimitUnit::Packets).unwrap());
        let full = u128::from(burst) * 1_000_000_000;
        let (mut now, mut tokens) = (START_NS, full);
        let (mut ours, mut exact) = (0_u64, 0_u64);
        for gap in gaps {
            now += gap;
            tokens = full.min(tokens + u128::from(gap) * u128::from(rate));
            if tokens >= 1_000_000_000 {
                tokens -= 1_000_000_000;
                exact += 1;
            }
            ours += u64::from(subject.takes(now, 1));
            prop_assert!(ours.abs_diff(exact) <= 1 + exact / 1_000, "ours {}, exact {}", ours, exact);
        }
    }

    /// Whatever a slot held before, nothing overflows or panics, and the next word is one that the slot can hold.
    #[test]
    fn any_word_at_any_time(word in 0..u64::MAX >> 2, now_ns in 0..u64::MAX >> 7, count in 1_u64..100_000, units: u32) {
        for algorithm in [Algorithm::FixedWindow, Algorithm::SlidingWindow] {
            let meter = window(algorithm, count, Duration::from_millis(500), LimitUnit::Bytes);
            let Ok(meter) = meter else { continue };
            let now = ticks(now_ns);
            if let Some(next) = meter.admit(word, now, meter.limit.charge(units)) {
                prop_assert!(next > now && next < now + 4 * meter.window);
            }
            prop_assert!(meter.room(word, now) <= meter.limit.burst);
        }
    }
}
