use std::sync::atomic::AtomicU64;

use proptest::prelude::*;

use super::{COST_FRACTION_BITS, Due, Outcome, TICKS_PER_NS, charge, ticks};
use crate::abi::{BUCKET_SET_WORDS, Limit, SourceLimits, bucket_class, family};
use crate::buckets::{BucketKey, Home, HostTable, Sets, Shape};

const SECOND_NS: u64 = 1_000_000_000;
const SHAPE: Shape = Shape { seed: 0x1234_5678_9abc_def1, bits: 10 };
const KEY: BucketKey = BucketKey { high: 0xc000_0201, low: 0, salt: 0, family: family::IPV4 };

/// A table with one source in it.
struct Source(HostTable<Vec<AtomicU64>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    Packets,
    Bytes,
}

impl Source {
    fn new() -> Self {
        let words = std::iter::repeat_with(AtomicU64::default);
        Self(HostTable::new(words.take(SHAPE.sets() as usize * BUCKET_SET_WORDS).collect(), SHAPE))
    }

    fn charge(&self, limits: &SourceLimits, bytes: u32, now_ns: u64) -> Outcome<Over> {
        let dues = [
            Due {
                limit: &limits.bytes,
                class: bucket_class::BYTES,
                charge: limits.bytes.charge(bytes),
                over: Over::Bytes,
            },
            Due {
                limit: &limits.packets,
                class: bucket_class::PACKETS,
                charge: limits.packets.charge(1),
                over: Over::Packets,
            },
        ];
        charge(&Sets::new(&self.0, Home::of(&KEY, SHAPE)), &dues, ticks(now_ns))
    }

    fn takes(&self, limit: &Limit, now_ns: u64) -> bool {
        let due = Due { limit, class: bucket_class::PACKETS, charge: limit.charge(1), over: () };
        charge(&Sets::new(&self.0, Home::of(&KEY, SHAPE)), &[due], ticks(now_ns)) == Outcome::Admitted
    }

    fn state(&self, class: u64) -> Option<u64> {
        self.0.state(&KEY, class)
    }
}

fn limit(rate_per_second: u64, burst: u64) -> Limit {
    let cost = ((SECOND_NS * TICKS_PER_NS) << COST_FRACTION_BITS) / rate_per_second;
    let one = Limit { cost, burst: 0 }.charge(1);
    // As the compiler of the policy does: whole charges, or rounding would take a packet off the burst.
    Limit { cost, burst: one * burst }
}

#[test]
fn a_fresh_bucket_admits_its_burst_and_no_more() {
    let (source, limit) = (Source::new(), limit(1_000, 50));
    let now = 3_600 * SECOND_NS;
    assert_eq!((0..200).filter(|_| source.takes(&limit, now)).count(), 50);
}

#[test]
fn tokens_come_back_evenly() {
    let (source, limit) = (Source::new(), limit(1_000, 50));
    let now = 3_600 * SECOND_NS;
    while source.takes(&limit, now) {}
    assert!(!source.takes(&limit, now + 999_000), "a token takes a millisecond");
    assert!(source.takes(&limit, now + 1_000_000));
    assert!(!source.takes(&limit, now + 1_000_000));
}

#[test]
fn a_rejected_packet_writes_nothing() {
    let (source, limit) = (Source::new(), limit(10, 1));
    let now = SECOND_NS;
    assert!(source.takes(&limit, now));
    let before = source.state(bucket_class::PACKETS);
    for _ in 0..1_000 {
        assert!(!source.takes(&limit, now));
    }
    assert_eq!(source.state(bucket_class::PACKETS), before);
}

#[test]
fn a_packet_over_one_limit_is_charged_to_none() {
    let limits = SourceLimits { packets: limit(1_000, 10), bytes: limit(1_000_000, 100_000) };
    let source = Source::new();
    let now = SECOND_NS;
    for _ in 0..10 {
        assert_eq!(source.charge(&limits, 1_000, now), Outcome::Admitted);
    }
    let bytes = source.state(bucket_class::BYTES);
    assert_eq!(source.charge(&limits, 1_000, now), Outcome::Over(Over::Packets));
    assert_eq!(source.state(bucket_class::BYTES), bytes);

    let source = Source::new();
    assert_eq!(source.charge(&limits, 60_000, now), Outcome::Admitted);
    let packets = source.state(bucket_class::PACKETS);
    assert_eq!(source.charge(&limits, 60_000, now), Outcome::Over(Over::Bytes));
    assert_eq!(source.state(bucket_class::PACKETS), packets);
    assert_eq!(source.charge(&limits, 40_000, now), Outcome::Admitted, "what fits still passes");
}

/// Not even a place is taken: only a packet that is let through changes the table.
#[test]
fn a_new_source_that_is_rejected_leaves_nothing_behind() {
    let source = Source::new();
    let limits = SourceLimits { packets: limit(1_000, 10), bytes: limit(1_000, 100) };
    assert_eq!(source.charge(&limits, 101, SECOND_NS), Outcome::Over(Over::Bytes));
    assert!(source.0.words().iter().all(|word| word.load(std::sync::atomic::Ordering::Relaxed) == 0));
    assert_eq!(source.charge(&limits, 100, SECOND_NS), Outcome::Admitted);
    assert!(source.state(bucket_class::PACKETS).is_some() && source.state(bucket_class::BYTES).is_some());
}

#[test]
fn limits_that_are_not_set_do_not_limit() {
    let limits = SourceLimits { packets: Limit::NONE, bytes: limit(1_000, 65_536) };
    let source = Source::new();
    let admitted = (0..100).filter(|_| source.charge(&limits, 1_000, 1) == Outcome::Admitted).count();
    assert_eq!(admitted, 65);
    assert_eq!(source.state(bucket_class::PACKETS), None);
}

#[test]
fn two_threads_share_one_bucket() {
    let (source, limit) = (Source::new(), limit(1_000, 10_000));
    let now = SECOND_NS;
    let admitted: usize = std::thread::scope(|scope| {
        let count = || (0..50_000).filter(|_| source.takes(&limit, now)).count();
        let threads = [scope.spawn(count), scope.spawn(count)];
        threads.map(|thread| thread.join().unwrap()).iter().sum()
    });
    // One packet may be admitted beyond the burst, where a charge lost its races to the other thread.
    assert!((10_000..=10_001).contains(&admitted), "{admitted}");
}

proptest! {
    /// Against the textbook bucket in exact fractions: never more admitted, and at most one packet fewer at any time.
    #[test]
    fn agrees_with_an_ideal_token_bucket(
        rate in 1u64..2_000_000,
        burst in 1u64..5_000,
        gaps in prop::collection::vec(0u64..3_000_000, 1..400),
    ) {
        let (source, limit) = (Source::new(), limit(rate, burst));
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
            ours += i64::from(source.takes(&limit, now));
            prop_assert!((ours - ideal).abs() <= 1, "ours {ours}, ideal {ideal}");
        }
    }

    /// A clock that stands still or steps back (it does not, but a bucket must survive it) admits no more than a burst.
    #[test]
    fn no_time_no_tokens(burst in 1u64..1_000, mut steps in prop::collection::vec(0u64..SECOND_NS, 1..2_000)) {
        steps.sort_unstable();
        let (source, limit) = (Source::new(), limit(1_000, burst));
        let start = 3_600 * SECOND_NS;
        let admitted = steps.iter().filter(|step| source.takes(&limit, start - **step)).count();
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
