//! How rates are written.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Rate, RateError};
use crate::config::quantity::{Inexact, Number};
use crate::config::size::byte_unit;
use crate::config::{LimitUnit, duration};

/// Units of bits in any case, and how many each is.
pub(in crate::config) const BIT_UNITS: &[(&str, u128)] = &[
    ("bit", 1),
    ("bits", 1),
    ("kbit", 1_000),
    ("Mbit", 1_000_000),
    ("Gbit", 1_000_000_000),
    ("Kibit", 1 << 10),
    ("Mibit", 1 << 20),
    ("Gibit", 1 << 30),
];

/// The times that a rate may name.
pub(in crate::config) const PERIODS: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_hours(24);

/// What a rate counts, if its text says so.
pub(super) fn unit(text: &str) -> Option<LimitUnit> {
    let (amount, _) = text.rsplit_once('/')?;
    LimitUnit::named(Number::split(amount)?.1.trim_end())
}

/// Whether a word is a number of bytes or bits.
pub(super) fn is_of_bytes(word: &str) -> bool {
    Measure::of_bytes(word).is_some()
}

/// Reads a rate; its burst is zero.
pub(super) fn parse(text: &str, unit: LimitUnit) -> Result<Rate, RateError> {
    let unreadable = || RateError::Unreadable { text: text.to_owned(), unit };
    let too_fast = || RateError::OutOfRange { text: text.to_owned(), unit, fast: true };
    let (amount, period) = text.rsplit_once('/').ok_or_else(unreadable)?;
    let (number, word) = Number::split(amount).ok_or_else(unreadable)?;
    let seconds = period_seconds(period.trim()).ok_or_else(unreadable)?;
    let measure = Measure::named(word, unit).ok_or_else(unreadable)?;
    if number.is_zero() {
        return Err(RateError::Zero(unit));
    }
    let amount = number.times(measure.factor).map_err(|error| match error {
        Inexact::Fraction => unreadable(),
        Inexact::Overflow => too_fast(),
    })?;
    // A number of bits that is no number of bytes in this time is one in eight times the time.
    let (units, seconds) = match measure.bits {
        true if amount.is_multiple_of(8) => (amount / 8, seconds),
        true => (amount, seconds * 8),
        false => (amount, seconds),
    };
    if units > unit.fastest().saturating_mul(u128::from(seconds)) {
        return Err(too_fast());
    }
    let (least, in_seconds) = unit.slowest();
    if units.saturating_mul(in_seconds) < least.saturating_mul(u128::from(seconds)) {
        return Err(RateError::OutOfRange { text: text.to_owned(), unit, fast: false });
    }
    let units = u64::try_from(units).map_err(|_| too_fast())?;
    Ok(Rate { units, per: Duration::from_secs(seconds), burst: 0 })
}

/// What one of the written units is.
struct Measure {
    /// In packets, bytes or bits.
    factor: u128,
    bits: bool,
}

impl Measure {
    fn named(word: &str, unit: LimitUnit) -> Option<Self> {
        if unit != LimitUnit::Bytes {
            return (LimitUnit::named(word) == Some(unit)).then_some(Self { factor: 1, bits: false });
        }
        Self::of_bytes(word)
    }

    fn of_bytes(word: &str) -> Option<Self> {
        if let Some(factor) = byte_unit(word) {
            return Some(Self { factor, bits: false });
        }
        let (_, factor) = BIT_UNITS.iter().find(|(unit, _)| unit.eq_ignore_ascii_case(word))?;
        Some(Self { factor: *factor, bits: true })
    }
}

fn period_seconds(word: &str) -> Option<u64> {
    duration::unit(word).filter(|period| PERIODS.contains(period)).map(|period| period.as_secs())
}

/// A rate in the notation that [`parse`] reads.
pub(super) struct Written {
    pub(super) rate: Rate,
    pub(super) unit: LimitUnit,
}

impl fmt::Display for Written {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rate { units, per, .. } = self.rate;
        let bits = u128::from(units) * 8;
        let text = match (self.unit, period_word(per), period_word(per / 8)) {
            (LimitUnit::Packets, Some(period), _) => format!("{units}/{period}"),
            (LimitUnit::Connections, Some(period), _) => format!("{units} connections/{period}"),
            (LimitUnit::Bytes, Some(period), _) => format!("{}/{period}", bit_amount(bits)),
            (LimitUnit::Bytes, None, Some(period)) => format!("{}/{period}", bit_amount(u128::from(units))),
            (unit, None, _) => format!("{units} {unit} in {per:?}"),
        };
        formatter.pad(&text)
    }
}

/// The bits in the largest unit that divides them.
fn bit_amount(bits: u128) -> String {
    for (factor, word) in [(1_000_000_000, "Gbit"), (1_000_000, "Mbit"), (1_000, "kbit")] {
        if bits.is_multiple_of(factor) {
            return format!("{} {word}", bits / factor);
        }
    }
    format!("{bits} bit")
}

fn period_word(per: Duration) -> Option<&'static str> {
    [("s", 1), ("min", 60), ("h", 60 * 60), ("day", 24 * 60 * 60)]
        .into_iter()
        .find_map(|(word, seconds)| (per == Duration::from_secs(seconds)).then_some(word))
}
