//! Against ideal buckets, over random schedules of many sources that share few slots.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::FakeRelativeClock;
use governor::{Quota, RateLimiter};
use proptest::prelude::*;

use super::*;
use crate::abi::{BUCKET_SLOTS, SourceLimits};
use crate::limit::TICKS_PER_NS;

/// The textbook's token bucket. Tokens are ticks, of which a packet takes its charge; whole numbers, nothing is rounded.
#[derive(Clone, Copy)]
struct Ideal {
    tokens: u128,
    seen: u64,
}

impl Ideal {
    fn refill(&mut self, limit: &Limit, now: u64) {
        self.tokens = u128::from(limit.burst).min(self.tokens + u128::from(now.saturating_sub(self.seen)));
        self.seen = self.seen.max(now);
    }

    fn take(&mut self, charge: u64) -> bool {
        let left = self.tokens.checked_sub(u128::from(charge));
        self.tokens = left.unwrap_or(self.tokens);
        left.is_some()
    }
}

/// Ideal buckets of many sources, full until they are used.
struct Ideals {
    limit: Limit,
    buckets: HashMap<BucketKey, Ideal>,
}

impl Ideals {
    fn new(limit: Limit) -> Self {
        Self { limit, buckets: HashMap::new() }
    }

    fn at(&mut self, key: BucketKey, now: u64) -> &mut Ideal {
        let full = Ideal { tokens: u128::from(self.limit.burst), seen: now };
        let bucket = self.buckets.entry(key).or_insert(full);
        bucket.refill(&self.limit, now);
        bucket
    }

    /// How many sources are not as good as new.
    fn in_use(&mut self, now: u64) -> usize {
        let limit = self.limit;
        self.buckets.values_mut().for_each(|bucket| bucket.refill(&limit, now));
        self.buckets.values().filter(|bucket| bucket.tokens < u128::from(limit.burst)).count()
    }
}

fn cross_section(count: usize) -> Vec<BucketKey> {
    // Half of them begin in the one set, half in the other.
    let (here, there) = (5, 6);
    let one = keys_between(SMALLEST, here, there).take(count / 2);
    one.chain(keys_between(SMALLEST, there, here).take(count - count / 2)).collect()
}

/// Gaps between packets, in nanoseconds: bursts, the scale of the limits, and now and then years.
fn gaps() -> impl Strategy<Value = u64> {
    prop_oneof![
        6 => 0..50_u64,
        6 => 0..20_000_u64,
        1 => 0..2_000_000_u64,
        1 => 0..(SECOND_NS * 3_600 * 24 * 2),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Up to 40 sources share 16 slots. Each is limited exactly as it should be, whatever the others do, and the only
    /// one without a bucket is a source that is as good as new, while all slots are in use.
    #[test]
    fn sources_that_share_slots_do_not_share_limits(
        charge in 1..200_000_u64,
        burst in 1..8_u64,
        packets in prop::collection::vec((gaps(), 0..40_usize), 1..1_500),
    ) {
        let keys = cross_section(40);
        let (table, limit) = (table(SMALLEST), limit(charge, burst));
        let mut ideals = Ideals::new(limit);
        let mut now_ns = SECOND_NS;
        for (gap, key) in packets {
            now_ns += gap;
            let (key, now) = (keys[key], ticks(now_ns));
            let in_use = ideals.in_use(now);
            let ideal = ideals.at(key, now);
            let new = ideal.tokens == u128::from(limit.burst);
            let expected = if new && in_use == 2 * BUCKET_SLOTS as usize {
                Outcome::NoRoom
            } else if ideal.take(charge) {
                Outcome::Admitted
            } else {
                Outcome::Over(())
            };
            prop_assert_eq!(take(&table, &key, &limit, now_ns), expected, "{} in use", in_use);
        }
    }

    /// A packet over one limit is charged to none, with any sizes and any rates.
    #[test]
    fn packets_and_bytes_are_both_kept(
        packet in 1..100_000_u64,
        byte in 1..200_u64,
        bursts in (1..20_u64, 1..20_000_u64),
        packets in prop::collection::vec((gaps(), 0..7_usize, 1..9_000_u32), 1..1_500),
    ) {
        // Fourteen slots: two for each source.
        let keys = cross_section(7);
        let table = table(SMALLEST);
        let limits = SourceLimits { packets: limit(packet, bursts.0), bytes: limit(byte, bursts.1) };
        let (mut ideal_packets, mut ideal_bytes) = (Ideals::new(limits.packets), Ideals::new(limits.bytes));
        let mut now_ns = SECOND_NS;
        for (gap, key, bytes) in packets {
            now_ns += gap;
            let (key, now) = (keys[key], ticks(now_ns));
            let dues = [
                Due { limit: &limits.bytes, class: bucket_class::BYTES, charge: limits.bytes.charge(bytes), over: 'b' },
                Due { limit: &limits.packets, class: bucket_class::PACKETS, charge: limits.packets.charge(1), over: 'p' },
            ];
            let (by_packets, by_bytes) = (ideal_packets.at(key, now), ideal_bytes.at(key, now));
            let before = *by_bytes;
            let expected = if !by_bytes.take(dues[0].charge) {
                Outcome::Over('b')
            } else if !by_packets.take(dues[1].charge) {
                *by_bytes = before;
                Outcome::Over('p')
            } else {
                Outcome::Admitted
            };
            prop_assert_eq!(charge(&Sets::new(&table, Home::of(&key, SMALLEST)), &dues, now), expected);
        }
    }

    /// CPUs read clocks that differ a little, and may reuse a reading. Nobody gets more than by the fastest clock, nor less
    /// than by the slowest.
    #[test]
    fn a_clock_that_steps_back_gives_nothing_away(
        charge in 1..200_000_u64,
        burst in 1..50_u64,
        most_back in 0..100_000_u64,
        packets in prop::collection::vec((0..20_000_u64, 0..100_000_u64, 0..30_usize), 1..1_500),
    ) {
        let keys = cross_section(30);
        let (table, limit) = (table(SMALLEST), limit(charge, burst));
        let mut most = Ideals::new(limit);
        let mut admitted = HashMap::new();
        let (mut front, mut no_room) = (SECOND_NS, 0_u64);
        for (gap, back, key) in packets {
            front += gap;
            let (key, now_ns) = (keys[key], front - back.min(most_back));
            let ideal = most.at(key, ticks(front)).take(charge);
            let (ours, ideals) = admitted.entry(key).or_insert((0_u64, 0_u64));
            *ideals += u64::from(ideal);
            match take(&table, &key, &limit, now_ns) {
                Outcome::Admitted => *ours += 1,
                Outcome::Over(()) => {}
                Outcome::NoRoom => no_room += 1,
            }
        }
        // What may come back in the time by which clocks differ.
        let slack = ticks(most_back).div_ceil(charge);
        for (ours, ideals) in admitted.values() {
            prop_assert!(*ours <= ideals + slack, "{} and not {}", ours, ideals);
            prop_assert!(ideals.saturating_sub(slack + no_room) <= *ours * (1 + slack), "{} and not {}", ours, ideals);
        }
    }

    /// A second opinion.
    #[test]
    fn agrees_with_governor(
        period_ns in 1..2_000_000_u64,
        burst in 1..2_000_u32,
        gaps in prop::collection::vec(prop_oneof![Just(0), 0..3_000_000_u64], 1..3_000),
    ) {
        let (table, key) = (table(SMALLEST), ipv4(0xc000_0201));
        let limit = limit(period_ns * TICKS_PER_NS, u64::from(burst));
        let clock = FakeRelativeClock::default();
        let quota = Quota::with_period(Duration::from_nanos(period_ns)).unwrap();
        let theirs =
            RateLimiter::direct_with_clock(quota.allow_burst(NonZeroU32::new(burst).unwrap()), clock.clone());
        let mut now_ns = SECOND_NS;
        for gap in gaps {
            now_ns += gap;
            clock.advance(Duration::from_nanos(gap));
            prop_assert_eq!(takes(&table, &key, &limit, now_ns), theirs.check().is_ok());
        }
    }
}

/// Years of uptime, up to the last that a state can hold.
#[test]
fn a_clock_may_jump_by_years() {
    const HOUR_NS: u64 = SECOND_NS * 3_600;
    let (table, key) = (table(SMALLEST), ipv4(0xc000_0201));
    let hourly = limit(ticks(HOUR_NS), 3);
    for years in [0, 1, 4, 9, 13, 18] {
        let now_ns = SECOND_NS + years * 365 * 24 * HOUR_NS;
        let admitted = (0..10).filter(|_| takes(&table, &key, &hourly, now_ns)).count();
        assert_eq!(admitted, 3, "after {years} years");
        assert!(!takes(&table, &key, &hourly, now_ns + HOUR_NS - 1));
        assert!(takes(&table, &key, &hourly, now_ns + HOUR_NS));
    }
}
