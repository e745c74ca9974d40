//! Numbers with units, as people write them.

/// A decimal number, exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number {
    /// All digits, saturated.
    digits: u128,
    /// How many of them follow the point.
    decimals: u32,
}

/// Why a number and a unit do not make a whole amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inexact {
    /// A fraction of the smallest unit is left.
    Fraction,
    /// More than 2^128.
    Overflow,
}

impl Number {
    /// More digits after the point are refused: no unit is that large.
    const MOST_DECIMALS: u32 = 9;

    /// Splits `50 Mbit` into the number and `Mbit`. Digits may be grouped with `_`.
    pub(super) fn split(text: &str) -> Option<(Self, &str)> {
        let text = text.trim();
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '_' && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at_checked(end)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        if !is_grouped(whole) || !is_grouped(fraction) {
            return None;
        }
        let fraction = fraction.trim_end_matches(['0', '_']);
        let decimals = u32::try_from(fraction.bytes().filter(u8::is_ascii_digit).count()).ok()?;
        if decimals > Self::MOST_DECIMALS {
            return None;
        }
        let digits = whole
            .chars()
            .chain(fraction.chars())
            .filter_map(|c| c.to_digit(10))
            .fold(0_u128, |sum, digit| sum.saturating_mul(10).saturating_add(u128::from(digit)));
        Some((Self { digits, decimals }, unit.trim_start()))
    }

    pub(super) const fn is_zero(self) -> bool {
        self.digits == 0
    }

    /// The number in smallest units, where one unit is `factor` of them.
    pub(super) fn times(self, factor: u128) -> Result<u128, Inexact> {
        let divisor = 10_u128.pow(self.decimals);
        let product = self.digits.checked_mul(factor).ok_or(Inexact::Overflow)?;
        if product.is_multiple_of(divisor) { Ok(product / divisor) } else { Err(Inexact::Fraction) }
    }
}

fn is_grouped(digits: &str) -> bool {
    digits.starts_with(|c: char| c.is_ascii_digit()) && digits.ends_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact() {
        for (text, factor, amount) in [
            ("2000", 1, Ok(2000)),
            ("2_000", 1, Ok(2000)),
            ("1.5", 1000, Ok(1500)),
            ("1.50", 10, Ok(15)),
            ("0.1", 1, Err(Inexact::Fraction)),
            ("99999999999999999999999999999999999999999", 2, Err(Inexact::Overflow)),
        ] {
            assert_eq!(Number::split(text).unwrap().0.times(factor), amount, "{text}");
        }
    }

    #[test]
    fn the_unit_is_what_follows() {
        assert_eq!(Number::split(" 50 Mbit ").unwrap().1, "Mbit");
        assert_eq!(Number::split("50Mbit").unwrap().1, "Mbit");
        for text in ["", "Mbit", "-1", "1..2", "1.", ".5", "_1", "1_", "0.0000000001"] {
            assert_eq!(Number::split(text), None, "{text}");
        }
    }
}
