//! Sizes in bytes.

use super::quantity::{Inexact, Number};

/// Not a size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a size; allowed: bytes with B, kB, MB, GB, KiB, MiB or GiB; write it like `4 MiB`")]
pub struct SizeError {
    text: String,
}

/// Reads `1 MiB`, `64 kB` or `65536` as bytes. What is too large for a `u64` is the largest.
///
/// # Errors
/// When the text is not a whole number of bytes with a known unit.
pub fn parse_size(text: &str) -> Result<u64, SizeError> {
    let refused = || SizeError { text: text.to_owned() };
    let (number, unit) = Number::split(text).ok_or_else(refused)?;
    let factor = if unit.is_empty() { Some(1) } else { byte_unit(unit) };
    match number.times(factor.ok_or_else(refused)?) {
        Ok(bytes) => Ok(u64::try_from(bytes).unwrap_or(u64::MAX)),
        Err(Inexact::Overflow) => Ok(u64::MAX),
        Err(Inexact::Fraction) => Err(refused()),
    }
}

/// Units of bytes, and how many each is. `Mb` and `mb` are refused: they mean bits to one reader and bytes to the next.
pub(super) const BYTE_UNITS: &[(&str, u128)] = &[
    ("B", 1),
    ("byte", 1),
    ("bytes", 1),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// The bytes in one `unit`.
pub(super) fn byte_unit(unit: &str) -> Option<u128> {
    BYTE_UNITS.iter().find(|(word, _)| *word == unit).map(|(_, bytes)| *bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        for (text, bytes) in [
            ("65536", 65_536),
            ("64 kB", 64_000),
            ("64KiB", 65_536),
            ("1 MiB", 1_048_576),
            ("1.5 MB", 1_500_000),
            ("99999999999999999999 GB", u64::MAX),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_could_mean_bits_is_refused() {
        for text in ["", "MiB", "1 Mb", "1 mb", "1 MB/s", "0.5 B", "-1 B"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
