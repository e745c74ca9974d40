//! The times of a capture as a monotonic clock.

/// Where the clock begins: far from zero, as it is on a host that has run for a while, so that nothing begins with
/// half-empty windows.
const ORIGIN_NS: u64 = 1 << 50;
/// The longest capture, which is two years: with the origin, far from the end of the limiter's clock.
const LONGEST_NS: u64 = 1 << 56;

/// Turns times of a capture into those of the clock that the decision asks.
#[derive(Clone, Copy, Debug, Default)]
pub struct CaptureClock {
    first_ns: Option<u64>,
    last_ns: u64,
    backwards: u64,
}

impl CaptureClock {
    /// The time of a packet. A packet that is older than the one before it has the time of that one.
    pub fn at(&mut self, time_ns: u64) -> u64 {
        let first = *self.first_ns.get_or_insert(time_ns);
        let latest = self.last_ns.max(first);
        self.backwards += u64::from(time_ns < latest);
        self.last_ns = latest.max(time_ns.min(first.saturating_add(LONGEST_NS)));
        ORIGIN_NS + self.elapsed_ns()
    }

    /// From the first packet to the latest.
    #[must_use]
    pub fn elapsed_ns(&self) -> u64 {
        self.last_ns.saturating_sub(self.first_ns.unwrap_or(self.last_ns))
    }

    /// The first and the latest time, in nanoseconds since 1970.
    #[must_use]
    pub fn span(&self) -> Option<(u64, u64)> {
        self.first_ns.map(|first| (first, self.last_ns))
    }

    /// Packets that were older than one before them.
    #[must_use]
    pub const fn backwards(&self) -> u64 {
        self.backwards
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_goes_backwards() {
        let mut clock = CaptureClock::default();
        let times = [1_000, 1_500, 900, 0, 1_400, u64::MAX, 2_000].map(|time| clock.at(time) - ORIGIN_NS);
        assert_eq!(times, [0, 500, 500, 500, 500, LONGEST_NS, LONGEST_NS]);
        assert_eq!(clock.backwards(), 4);
        assert_eq!(clock.span(), Some((1_000, 1_000 + LONGEST_NS)));
    }

    #[test]
    fn it_begins_anywhere() {
        for first in [0, 1, u64::MAX] {
            let mut clock = CaptureClock::default();
            assert_eq!(clock.at(first), ORIGIN_NS);
            assert_eq!(clock.at(u64::MAX), ORIGIN_NS + (u64::MAX - first).min(LONGEST_NS));
        }
    }
}
