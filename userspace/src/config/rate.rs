//! Rates.

use std::fmt;
use std::time::Duration;

use super::LimitUnit;
use crate::thousands::grouped;

mod notation;
mod unit;

pub(super) use notation::{BIT_UNITS, PERIODS};

/// So much per time, and so much at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    /// Packets, bytes or connections in each `per`.
    pub units: u64,
    /// The time in which they come.
    pub per: Duration,
    /// Packets, bytes or connections that may come at once.
    pub burst: u64,
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
        unit: LimitUnit,
    },
    /// Written as a rate, of nothing that xdpgate counts.
    #[error(
        "`{0}` is not a rate; allowed: packets, connections, bytes or bits in a time; write it like `2000 packets/s`, \
         `120 connections/min` or `50 Mbit/s`"
    )]
    Uncountable(String),
    /// Zero would drop everything, or be taken for "no limit".
    #[error("a rate of zero is not allowed; allowed: {}; to switch the limit off, remove the key", .0.allowed())]
    Zero(LimitUnit),
    /// Out of the range.
    #[error(
        "`{text}` is too {}; allowed: {}; the nearest is `{}`",
        if *fast { "fast" } else { "slow" }, unit.allowed(), unit.extreme(*fast)
    )]
    OutOfRange {
        /// What was written.
        text: String,
        /// What was asked for.
        unit: LimitUnit,
        /// Over the range, not under it.
        fast: bool,
    },
    /// The burst does not fit the rate.
    #[error(
        "{} is too {}; allowed: {} to {} {unit} at this rate; the nearest is {}, or remove the key",
        grouped(*burst), if burst < least { "small" } else { "large" }, grouped(*least), grouped(*most),
        burst.clamp(least, most)
    )]
    Burst {
        /// What was written.
        burst: u64,
        /// The least allowed.
        least: u64,
        /// The most allowed at this rate.
        most: u64,
        /// What was asked for.
        unit: LimitUnit,
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
    pub fn parse(text: &str, unit: LimitUnit) -> Result<Self, RateError> {
        let rate = notation::parse(text, unit)?;
        let second = rate.units_in(Duration::from_secs(1));
        Ok(Self { burst: second.max(unit.least_burst()), ..rate })
    }

    /// Reads a rate whose text says what it counts: `2000 packets/s`, `120 connections/min`, `50 Mbit/s`.
    ///
    /// # Errors
    /// As [`Rate::parse`], and when the text does not say what xdpgate can count.
    pub fn parse_any(text: &str) -> Result<(LimitUnit, Self), RateError> {
        let unit = notation::unit(text).ok_or_else(|| RateError::Uncountable(text.to_owned()))?;
        Ok((unit, Self::parse(text, unit)?))
    }

    /// The same rate with another burst.
    ///
    /// # Errors
    /// When the burst is below the least of the unit or above a day of the rate.
    pub fn with_burst(self, burst: u64, unit: LimitUnit) -> Result<Self, RateError> {
        let (least, most) = (unit.least_burst(), unit.most_burst().min(self.units_in(LONGEST_BURST)));
        if burst < least || burst > most {
            return Err(RateError::Burst { burst, least, most, unit });
        }
        Ok(Self { burst, ..self })
    }

    /// The rate as [`Rate::parse`] reads it, without the burst.
    #[must_use]
    pub fn display(self, unit: LimitUnit) -> impl fmt::Display {
        notation::Written { rate: self, unit }
    }

    /// Whole units in `time`.
    fn units_in(self, time: Duration) -> u64 {
        let units = u128::from(self.units).saturating_mul(time.as_nanos());
        units.checked_div(self.per.as_nanos()).map_or(0, |units| u64::try_from(units).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests;
