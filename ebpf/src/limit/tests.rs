use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;

use super::{COST_FRACTION_BITS, Cell, Outcome, TICKS_PER_NS, charge_source, take, ticks};
use crate::abi::{Limit, SourceLimits};

const SECOND_NS: u64 = 1_000_000_000;

#[derive(Default)]
struct Word(AtomicU64);

impl Cell for &Word {
    fn load(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn compare_exchange(&self, current: u64, new: u64) -> Result<(), u64> {
        self.0.compare_exchange(current, new, Ordering::Relaxed, Ordering::Relaxed).map(|_| ())
    }

    fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }
}

#[derive(Default)]
struct Source {
    packets: Word,
    bytes: Word,
}

impl<'a> super::Bucket for &'a Source {
    type Cell = &'a Word;

    fn packets(&self) -> &'a Word {
        &self.packets
    }

    fn bytes(&self) -> &'a Word {
        &self.bytes
    }
}

fn limit(rate_per_second: u64, burst: u64) -> Limit {
    let cost = ((SECOND_NS * TICKS_PER_NS) << COST_FRACTION_BITS) / rate_per_second;
    let one = Limit { cost, burst: 0 }.charge(1);
    // As the compiler of the policy does: whole charges, or rounding would take a packet off the burst.
    Limit { cost, burst: one * burst }
}

fn takes(word: &Word, limit: &Limit, now_ns: u64) -> bool {
    take(&word, limit, limit.charge(1), ticks(now_ns))
}

#[test]
fn a_fresh_bucket_admits_its_burst_and_no_more() {
    let (word, limit) = (Word::default(), limit(1_000, 50));
    let now = 3_600 * SECOND_NS;
    assert_eq!((0..200).filter(|_| takes(&word, &limit, now)).count(), 50);
}

#[test]
fn tokens_come_back_evenly() {
    let (word, limit) = (Word::default(), limit(1_000, 50));
    let now = 3_600 * SECOND_NS;
    while takes(&word, &limit, now) {}
    assert!(!takes(&word, &limit, now + 999_000), "a token takes a millisecond");
    assert!(takes(&word, &limit, now + 1_000_000));
    assert!(!takes(&word, &limit, now + 1_000_000));
}

#[test]
fn a_rejected_packet_writes_nothing() {
    let (word, limit) = (Word::default(), limit(10, 1));
    let now = SECOND_NS;
    assert!(takes(&word, &limit, now));
    let before = (&word).load();
    for _ in 0..1_000 {
        assert!(!takes(&word, &limit, now));
    }
    assert_eq!((&word).load(), before);
}

#[test]
fn a_packet_over_one_limit_is_charged_to_none() {
    let limits = SourceLimits { packets: limit(1_000, 10), bytes: limit(1_000_000, 100_000) };
    let source = Source::default();
    let now = SECOND_NS;
    for _ in 0..10 {
        assert_eq!(charge_source(&&source, &limits, 1_000, now), Outcome::Admitted);
    }
    let bytes = (&source.bytes).load();
    assert_eq!(charge_source(&&source, &limits, 1_000, now), Outcome::OverPackets);
    assert_eq!((&source.bytes).load(), bytes);

    let source = Source::default();
    assert_eq!(charge_source(&&source, &limits, 60_000, now), Outcome::Admitted);
    let packets = (&source.packets).load();
    assert_eq!(charge_source(&&source, &limits, 60_000, now), Outcome::OverBytes);
    assert_eq!((&source.packets).load(), packets);
    assert_eq!(charge_source(&&source, &limits, 40_000, now), Outcome::Admitted, "what fits still passes");
}

#[test]
fn limits_that_are_not_set_do_not_limit() {
    let limits = SourceLimits { packets: Limit::NONE, bytes: limit(1_000, 65_536) };
    let source = Source::default();
    let admitted =
        (0..100).filter(|_| charge_source(&&source, &limits, 1_000, 1) == Outcome::Admitted).count();
    assert_eq!(admitted, 65);
    assert_eq!((&source.packets).load(), 0);
}

#[test]
fn two_threads_share_one_bucket() {
    let (word, limit) = (Word::default(), limit(1_000, 10_000));
    let now = SECOND_NS;
    let admitted: usize = std::thread::scope(|scope| {
        let count = || (0..50_000).filter(|_| takes(&word, &limit, now)).count();
        let threads = [scope.spawn(count), scope.spawn(count)];
        threads.map(|thread| thread.join().unwrap()).iter().sum()
    });
    // One packet a CPU may be admitted beyond the burst, where a charge lost four races in a row.
    assert!((10_000..=10_002).contains(&admitted), "{admitted}");
}

proptest! {
    /// Against the textbook bucket in exact fractions: never more admitted, and at most one packet fewer at any time.
    #[test]
    fn agrees_with_an_ideal_token_bucket(
        rate in 1u64..2_000_000,
        burst in 1u64..5_000,
        gaps in prop::collection::vec(0u64..3_000_000, 1..400),
    ) {
        let (word, limit) = (Word::default(), limit(rate, burst));
        let mut now = SECOND_NS;
        // Tokens in units of 1 / SECOND_NS.
        let full = u128::from(burst) * u128::from(SECOND_NS);
        let mut tokens = full;
        let (mut ours, mut ideal) = (0i64, 0i64);
        for gap in gaps {
            now += gap;
            tokens = full.min(tokens + u128::from(gap) * u128::from(rate));
            if tokens >= u128::from(SECOND_NS) {
                tokens -= u128::from(SECOND_NS);
                ideal += 1;
            }
            ours += i64::from(takes(&word, &limit, now));
            prop_assert!((ours - ideal).abs() <= 1, "ours {ours}, ideal {ideal}");
        }
    }

    /// A clock that stands still or steps back (it does not, but a bucket must survive it) admits no more than a burst.
    #[test]
    fn no_time_no_tokens(burst in 1u64..1_000, mut steps in prop::collection::vec(0u64..SECOND_NS, 1..2_000)) {
        steps.sort_unstable();
        let (word, limit) = (Word::default(), limit(1_000, burst));
        let start = 3_600 * SECOND_NS;
        let admitted = steps.iter().filter(|step| takes(&word, &limit, start - **step)).count();
        prop_assert!(admitted as u64 <= burst);
    }

    /// No input overflows or panics.
    #[test]
    fn any_word_and_any_time(word: u64, now in 0u64..(1 << 59), cost in 0..=super::MAX_BYTE_COST,
                             burst in 0..=super::MAX_BURST, units: u32) {
        let limit = Limit { cost, burst };
        // Words come from `admit` itself, so they lie at most a burst in the future.
        let word = word.min(ticks(now).saturating_add(burst));
        let _ = limit.admit(word, ticks(now), limit.charge(units));
    }
}
