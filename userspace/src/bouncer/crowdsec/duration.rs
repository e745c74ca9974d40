//! Times as Go writes them.

use jiff::SignedDuration;

/// Not such a time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time such as 3h59m59.12s")]
pub struct GoDurationError(String);

const UNITS: [(&str, i128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Reads a time such as `3h59m59.12s`, which may be negative.
///
/// # Errors
/// When it is something else, or longer than anything lasts.
pub fn parse_go_duration(text: &str) -> Result<SignedDuration, GoDurationError> {
    let nanoseconds = nanoseconds(text).and_then(|sum| i64::try_from(sum).ok());
    nanoseconds.map(SignedDuration::from_nanos).ok_or_else(|| GoDurationError(text.to_owned()))
}

fn nanoseconds(text: &str) -> Option<i128> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut sum = 0_i128;
    while !rest.is_empty() || sum == 0 {
        let number = rest.split_once(|c: char| !c.is_ascii_digit() && c != '.').map(|(number, _)| number)?;
        let tail = rest.strip_prefix(number)?;
        let unit_length = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, after) = tail.split_at_checked(unit_length)?;
        let (_, unit) = UNITS.iter().find(|(name, _)| *name == unit)?;
        sum = sum.checked_add(amount(number, *unit)?)?;
        rest = after;
        if rest.is_empty() {
            return Some(sign * sum);
        }
    }
    Some(sign * sum)
}

/// So many of a unit; `number` may have a part behind a point.
fn amount(number: &str, unit: i128) -> Option<i128> {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && part.is_empty() || part.contains('.') {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()?.into() };
    // What is smaller than a nanosecond does not count.
    let digits = part.get(..part.len().min(15))?;
    let scale = 10_i128.pow(u32::try_from(digits.len()).ok()?);
    let part: i128 = if digits.is_empty() { 0 } else { digits.parse::<u64>().ok()?.into() };
    Some(whole * unit + part * unit / scale)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As Go's `Duration.String` writes one of at least a second.
    fn as_go_writes_it(nanoseconds: i64) -> String {
        let (sign, rest) = (if nanoseconds < 0 { "-" } else { "" }, nanoseconds.unsigned_abs());
        let (seconds, part) = (rest / 1_000_000_000, rest % 1_000_000_000);
        let part = format!(".{part:09}");
        let part = part.trim_end_matches('0').trim_end_matches('.');
        let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        match (hours, minutes) {
            (0, 0) => format!("{sign}{seconds}{part}s"),
            (0, _) => format!("{sign}{minutes}m{seconds}{part}s"),
            _ => format!("{sign}{hours}h{minutes}m{seconds}{part}s"),
        }
    }

    #[test]
    fn times_of_crowdsec_are_read() {
        for (text, nanoseconds) in [
            ("3h59m59.12s", 14_399_120_000_000),
            ("-1m2.5s", -62_500_000_000),
            ("0s", 0),
            ("0", 0),
            ("167h59m52.938654322s", 604_792_938_654_322),
            ("1.5h", 5_400_000_000_000),
            (".5s", 500_000_000),
            ("100ms", 100_000_000),
            ("3\u{b5}s", 3_000),
            ("3\u{3bc}s2ns", 3_002),
            ("+1ns", 1),
        ] {
            assert_eq!(parse_go_duration(text), Ok(SignedDuration::from_nanos(nanoseconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "-",
            "1",
            "h",
            "1h2",
            "1.2.3s",
            ".s",
            "1d",
            "1h ",
            " 1h",
            "1hh",
            "--1s",
            "99999999999h",
            "\u{661}s",
        ] {
            assert!(parse_go_duration(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_go_writes_is_read(nanoseconds in any::<i64>()) {
            prop_assume!(nanoseconds.unsigned_abs() >= 1_000_000_000);
            let read = parse_go_duration(&as_go_writes_it(nanoseconds));
            prop_assert_eq!(read, Ok(SignedDuration::from_nanos(nanoseconds)));
        }

        #[test]
        fn no_text_panics(text in "[0-9.hmsnu\u{b5}+-]{0,12}|\\PC*") {
            let _ = parse_go_duration(&text);
        }
    }
}
