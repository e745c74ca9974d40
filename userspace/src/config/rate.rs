//! Rates.

use std::fmt;
use std::time::Duration;

use crate::thousands::grouped;

mod notation;

/// So much per time, and so much at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    /// Packets or bytes in each `per`.
    pub units: u64,
    /// The time in which they come.
    pub per: Duration,
    /// Packets or bytes that may come at once.
    pub burst: u64,
}

/// What a rate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RateUnit {
    /// Packets.
    Packets,
    /// Bytes of frames.
    Bytes,
}

/// Not a rate that xdpgate can hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// Not written as a rate.
    #[error("`{text}` is not a rate; allowed: {}; write it like {}", unit.allowed(), unit.example())]
    Unreadable {
        /// What was written.
        text: String,
        /// What was asked for.
        unit: RateUnit,
    },
    /// Zero would drop everything, or be taken for "no limit".
    #[error("a rate of zero is not allowed; allowed: {}; to switch the limit off, remove the key", .0.allowed())]
    Zero(RateUnit),
    /// Out of the range.
    #[error("`{text}` is too {}; allowed: {}; choose a rate in that range", if *fast { "fast" } else { "slow" }, unit.allowed())]
    OutOfRange {
        /// What was written.
        text: String,
        /// What was asked for.
        unit: RateUnit,
        /// Over the range, not under it.
        fast: bool,
    },
    /// The burst does not fit the rate.
    #[error(
        "a burst of {} is too {}; allowed: {} to {} {unit} at this rate; choose a burst in that range, or remove the key",
        grouped(*burst), if burst < least { "small" } else { "large" }, grouped(*least), grouped(*most)
    )]
    Burst {
        /// What was written.
        burst: u64,
        /// The least allowed.
        least: u64,
        /// The most allowed at this rate.
        most: u64,
        /// What was asked for.
        unit: RateUnit,
    },
}

/// Longer than a day, a full bucket does not fit 64 bits of kernel ticks.
const LONGEST_BURST: Duration = Duration::from_hours(24);

impl Rate {
    /// Reads `2000/s`, `120 packets/min`, `50 Mbit/s` or `1 MiB/s`. The burst is one second of the rate, and at least
    /// the least that the unit allows.
    ///
    /// # Errors
    /// When the text is not a rate of this unit, or one out of its range.
    pub fn parse(text: &str, unit: RateUnit) -> Result<Self, RateError> {
        let rate = notation::parse(text, unit)?;
        let second = rate.units_in(Duration::from_secs(1));
        Ok(Self { burst: second.max(unit.least_burst()), ..rate })
    }

    /// The same rate with another burst.
    ///
    /// # Errors
    /// When the burst is below the least of the unit or above a day of the rate.
    pub fn with_burst(self, burst: u64, unit: RateUnit) -> Result<Self, RateError> {
        let (least, most) = (unit.least_burst(), unit.most_burst().min(self.units_in(LONGEST_BURST)));
        if burst < least || burst > most {
            return Err(RateError::Burst { burst, least, most, unit });
        }
        Ok(Self { burst, ..self })
    }

    /// The rate as [`Rate::parse`] reads it, without the burst.
    #[must_use]
    pub fn display(self, unit: RateUnit) -> impl fmt::Display {
        notation::Written { rate: self, unit }
    }

    /// Whole packets or bytes in `time`.
    fn units_in(self, time: Duration) -> u64 {
        let units = u128::from(self.units).saturating_mul(time.as_nanos());
        units.checked_div(self.per.as_nanos()).map_or(0, |units| u64::try_from(units).unwrap_or(u64::MAX))
    }
}

impl RateUnit {
    /// The least burst: what a single packet may need. A frame with segmentation offload has up to 64 KiB.
    #[must_use]
    pub const fn least_burst(self) -> u64 {
        match self {
            Self::Packets => 1,
            Self::Bytes => 65_536,
        }
    }

    /// The most, whatever the rate.
    #[must_use]
    pub const fn most_burst(self) -> u64 {
        match self {
            Self::Packets => 1_000_000_000,
            Self::Bytes => u64::MAX,
        }
    }

    /// The range of rates, in words.
    #[must_use]
    pub const fn allowed(self) -> &'static str {
        match self {
            Self::Packets => "1 packet/h to 100,000,000 packets/s",
            Self::Bytes => "1 kB/s to 100 Gbit/s",
        }
    }

    const fn example(self) -> &'static str {
        match self {
            Self::Packets => "`2000/s`, `2000 packets/s` or `120/min`",
            Self::Bytes => "`50 Mbit/s`, `10 MB/s` or `1 MiB/s`",
        }
    }

    /// The slowest rate: units, and the seconds they take.
    const fn slowest(self) -> (u128, u128) {
        match self {
            Self::Packets => (1, 3_600),
            Self::Bytes => (1_000, 1),
        }
    }

    /// The fastest, in units a second. Above it, one unit costs less than the kernel's clock can tell.
    const fn fastest(self) -> u128 {
        match self {
            Self::Packets => 100_000_000,
            Self::Bytes => 12_500_000_000,
        }
    }
}

impl fmt::Display for RateUnit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Packets => "packets",
            Self::Bytes => "bytes",
        })
    }
}

#[cfg(test)]
mod tests;
