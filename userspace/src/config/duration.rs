//! Times, as people write them: one notation for policies and the command line.

use std::fmt;
use std::time::Duration;

/// Not a time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a time; allowed: whole numbers with ms, s, min, h, day or week; write it like `10 min`, `500 ms` \
     or `1h30m`"
)]
pub struct DurationError {
    text: String,
}

/// Reads `10 min`, `500 ms`, `90s`, `7d` or `1h30m`. A number alone is refused: who reads it must guess the unit.
///
/// # Errors
/// When the text is not a sum of whole numbers with units, or does not fit 64 bits of milliseconds.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    sum(text.trim()).ok_or_else(|| DurationError { text: text.to_owned() })
}

/// The time as [`parse_duration`] reads it, in the largest unit that divides it.
#[must_use]
pub fn display_duration(duration: Duration) -> impl fmt::Display {
    Written(duration)
}

/// Units, and how long each is.
pub(super) const UNITS: &[(&[&str], Duration)] = &[
    (&["ms"], Duration::from_millis(1)),
    (&["s", "sec", "second", "seconds"], Duration::from_secs(1)),
    (&["m", "min", "minute", "minutes"], Duration::from_mins(1)),
    (&["h", "hour", "hours"], Duration::from_hours(1)),
    (&["d", "day", "days"], Duration::from_hours(24)),
    (&["w", "week", "weeks"], Duration::from_hours(7 * 24)),
];

/// How long a unit is.
pub(super) fn unit(word: &str) -> Option<Duration> {
    UNITS.iter().find(|(words, _)| words.contains(&word)).map(|(_, duration)| *duration)
}

fn sum(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut milliseconds = 0_u64;
    loop {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at_checked(digits)?;
        let after = after.trim_start();
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (word, after) = after.split_at_checked(letters)?;
        let one = u64::try_from(unit(word)?.as_millis()).ok()?;
        milliseconds = milliseconds.checked_add(number.parse::<u64>().ok()?.checked_mul(one)?)?;
        rest = after.trim_start();
        if rest.is_empty() {
            return Some(Duration::from_millis(milliseconds));
        }
    }
}

struct Written(Duration);

impl fmt::Display for Written {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&written(self.0))
    }
}

fn written(duration: Duration) -> String {
    let nanoseconds = duration.as_nanos();
    let dividing = ["day", "h", "min", "s", "ms"].into_iter().find_map(|word| {
        let one = unit(word)?.as_nanos();
        (nanoseconds >= one && nanoseconds.is_multiple_of(one)).then_some((nanoseconds / one, word))
    });
    match dividing {
        Some((count, "day")) if count > 1 => format!("{count} days"),
        Some((count, word)) => format!("{count} {word}"),
        None if duration.is_zero() => "0 s".to_owned(),
        None => format!("{duration:?}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_read() {
        for (text, milliseconds) in [
            ("500 ms", 500),
            ("10 s", 10_000),
            ("90s", 90_000),
            ("1 min", 60_000),
            ("2 h", 7_200_000),
            ("1 day", 86_400_000),
            ("1h30m", 5_400_000),
            (" 1 h 30 min ", 5_400_000),
            ("2w", 1_209_600_000),
            ("0 s", 0),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "10", "s", "1y", "1h30", "-5m", "1.5h", "1é", "99999999999999999999w", "1 M", "1 s,"]
        {
            assert!(parse_duration(text).is_err(), "{text:?}");
        }
        assert_eq!(
            parse_duration("5").unwrap_err().to_string(),
            "`5` is not a time; allowed: whole numbers with ms, s, min, h, day or week; write it like `10 min`, \
             `500 ms` or `1h30m`"
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_the_same(milliseconds in 1_u64..1 << 40, unit in 1_u64..100_000) {
            let duration = Duration::from_millis(milliseconds / unit * unit).max(Duration::from_millis(1));
            prop_assert_eq!(parse_duration(&display_duration(duration).to_string()), Ok(duration));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = parse_duration(&text);
        }
    }
}
