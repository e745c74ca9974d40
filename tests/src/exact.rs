//! Exact models of the limits, for packets of which only two readings of the clock are known: one before the packet was
//! decided about and one after. A decision that the model could have made at no moment between them is an error, so a
//! busy machine makes the comparison looser and never wrong.

use anyhow::{Result, ensure};

const SECOND_NS: u128 = 1_000_000_000;
/// A limiter counts in sixteenths of a nanosecond; this is more than its rounding in a million packets.
const ROUNDING_NS: u64 = 1_000;

/// One packet and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Nanoseconds of `CLOCK_MONOTONIC`, before the decision.
    pub earliest: u64,
    /// After the decision.
    pub latest: u64,
    /// What it counts: packets, connections or bytes.
    pub units: u64,
    /// Whether it was admitted.
    pub passed: bool,
}

/// How far kernel and model agree; they never disagree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Agreement {
    /// Packets compared.
    pub packets: u64,
    /// Admitted.
    pub passed: u64,
    /// Of which the model could have said only one thing.
    pub certain: u64,
}

impl Agreement {
    fn enter(&mut self, number: usize, packet: &Judged, may_pass: bool, may_drop: bool) -> Result<()> {
        let possible = if packet.passed { may_pass } else { may_drop };
        let action = if packet.passed { "passed" } else { "dropped" };
        ensure!(possible, "packet {number} was {action} against the exact model: {packet:?}, after {self:?}");
        self.packets += 1;
        self.passed += u64::from(packet.passed);
        self.certain += u64::from(may_pass != may_drop);
        Ok(())
    }
}

/// A token or leaky bucket: as meters they are the same.
///
/// # Errors
///
/// Names the packet of which it would have decided otherwise.
pub fn bucket(per_second: u64, burst: u64, packets: &[Judged]) -> Result<Agreement> {
    // Times in nanoseconds multiplied by the rate: then everything is whole.
    let rate = u128::from(per_second);
    let full = u128::from(burst) * SECOND_NS;
    let mut agreement = Agreement::default();
    // The moment at which the bucket is full again lies between these.
    let (mut low, mut high) = (0, 0);
    for (number, packet) in packets.iter().enumerate() {
        let cost = u128::from(packet.units) * SECOND_NS;
        let earliest = u128::from(packet.earliest - ROUNDING_NS) * rate;
        let latest = u128::from(packet.latest + ROUNDING_NS) * rate;
        let (may_pass, may_drop) = (low + cost <= latest + full, high + cost > earliest + full);
        agreement.enter(number, packet, may_pass, may_drop)?;
        if packet.passed {
            low = earliest.max(low) + cost;
            high = latest.max(high.min((latest + full).saturating_sub(cost))) + cost;
        } else {
            low = low.max((earliest + full).saturating_sub(cost));
        }
    }
    Ok(agreement)
}

/// How many of these packets an exact bucket admits, if each comes in the middle of its time.
#[must_use]
pub fn admitted_by_bucket(per_second: u64, burst: u64, packets: &[Judged]) -> u64 {
    let full = u128::from(burst) * SECOND_NS;
    let (mut tokens, mut before, mut admitted) = (full, 0, 0);
    for packet in packets {
        let now = packet.earliest.midpoint(packet.latest);
        let passed = u128::from(now.saturating_sub(before));
        tokens = full.min(tokens + passed * u128::from(per_second));
        before = now;
        if let Some(rest) = tokens.checked_sub(u128::from(packet.units) * SECOND_NS) {
            tokens = rest;
            admitted += 1;
        }
    }
    admitted
}

/// So many in each window. Every packet must lie in one window for certain.
///
/// # Errors
///
/// As [`bucket`].
pub fn fixed_window(length_ns: u64, count: u64, packets: &[Judged]) -> Result<Agreement> {
    let (mut agreement, mut window, mut used) = (Agreement::default(), 0, 0);
    for (number, packet) in packets.iter().enumerate() {
        if packet.earliest / length_ns != window {
            (window, used) = (packet.earliest / length_ns, 0);
        }
        let admits = used + packet.units <= count;
        agreement.enter(number, packet, admits, !admits)?;
        used += if packet.passed { packet.units } else { 0 };
    }
    Ok(agreement)
}

/// What the window before had, by the share of this one that is left, and what this one has: at most the count, which the
/// data path may miss by 1/256 and one unit, and exceed by a millionth.
///
/// # Errors
///
/// As [`bucket`].
pub fn sliding_window(length_ns: u64, count: u64, packets: &[Judged]) -> Result<Agreement> {
    let (mut agreement, mut window) = (Agreement::default(), 0);
    let (mut previous, mut current) = (0, 0);
    let length = u128::from(length_ns);
    let most = u128::from(count) * length;
    for (number, packet) in packets.iter().enumerate() {
        let now = packet.earliest / length_ns;
        if now != window {
            previous = if now - window == 1 { current } else { 0 };
            (window, current) = (now, 0);
        }
        let sum_at = |time: u64| {
            let left = u128::from(((now + 1) * length_ns).saturating_sub(time));
            u128::from(previous) * left + u128::from(current + packet.units) * length
        };
        let may_pass = sum_at(packet.latest) <= most + (most >> 20);
        let may_drop = sum_at(packet.earliest) + most / 256 + length > most;
        agreement.enter(number, packet, may_pass, may_drop)?;
        current += if packet.passed { packet.units } else { 0 };
    }
    Ok(agreement)
}

/// The most units that were admitted in any stretch of this length, and surely within it.
#[must_use]
pub fn most_in(length_ns: u64, packets: &[Judged]) -> u64 {
    let passed: Vec<_> = packets.iter().filter(|packet| packet.passed).collect();
    let within = |first: usize| -> u64 {
        let start = passed.get(first).map_or(0, |packet| packet.earliest);
        let rest = passed.iter().skip(first);
        rest.take_while(|packet| packet.latest < start + length_ns).map(|packet| packet.units).sum()
    };
    (0..passed.len()).map(within).max().unwrap_or(0)
}

/// Whether each packet was decided about within one window for certain.
#[must_use]
pub fn is_certain(length_ns: u64, packets: &[Judged]) -> bool {
    packets.iter().all(|packet| packet.earliest / length_ns == packet.latest / length_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn every(gap_ns: u64, passed: &[bool]) -> Vec<Judged> {
        let at = |(number, passed): (u64, &bool)| {
            let time = 1_000 * MS + number * gap_ns;
            Judged { earliest: time, latest: time + 10, units: 1, passed: *passed }
        };
        (0..).zip(passed).map(at).collect()
    }

    #[test]
    fn a_bucket_that_is_too_generous_or_too_strict_is_found() {
        let right = [true, true, false, true, false, true];
        assert_eq!(bucket(500, 2, &every(MS, &right)).unwrap().certain, 4);
        assert!(bucket(500, 2, &every(MS, &[true, true, true, true])).is_err(), "too generous");
        assert!(bucket(500, 2, &every(3 * MS, &[true, true, false])).is_err(), "too strict");
        // One in a thousand too fast, which a single packet does not show.
        let fast: Vec<_> = every(1_996_000, &[true; 2_000]);
        assert!(bucket(500, 1, &fast).is_err());
        let even = every(2_000_001, &[true; 2_000]);
        assert_eq!(bucket(500, 1, &even).unwrap().passed, 2_000);
        assert_eq!(admitted_by_bucket(500, 1, &even), 2_000);
        assert_eq!(admitted_by_bucket(500, 1, &fast), 1_000, "every other one");
        assert_eq!(admitted_by_bucket(500, 100, &every(MS, &[true; 2_000])), 1_099);
    }

    #[test]
    fn a_window_is_counted_by_its_borders() {
        let packets = every(100 * MS, &[true, true, false, false, false, true]);
        assert_eq!(fixed_window(500 * MS, 2, &packets).unwrap().certain, 6);
        assert!(fixed_window(500 * MS, 3, &packets).is_err());
        assert!(is_certain(500 * MS, &packets));
        assert_eq!(most_in(500 * MS, &packets), 2);
        assert_eq!(most_in(501 * MS, &packets), 3);
    }

    #[test]
    fn a_sliding_window_is_the_interpolation() {
        // 100 in the window before: half of it is left in its middle.
        let burst = vec![Judged { earliest: 1_000 * MS, latest: 1_000 * MS, units: 1, passed: true }; 100];
        let mut packets = burst;
        packets.extend(vec![Judged { earliest: 2_500 * MS, latest: 2_500 * MS, units: 1, passed: true }; 50]);
        assert!(sliding_window(1_000 * MS, 100, &packets).is_ok());
        packets.push(Judged { earliest: 2_500 * MS, latest: 2_500 * MS, units: 1, passed: true });
        assert!(sliding_window(1_000 * MS, 100, &packets).is_err());
        packets.pop();
        packets.push(Judged { earliest: 2_600 * MS, latest: 2_600 * MS, units: 1, passed: false });
        assert!(sliding_window(1_000 * MS, 100, &packets).is_err());
    }
}
