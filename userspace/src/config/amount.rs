//! Numbers of what a limit counts.

use super::LimitUnit;
use super::quantity::Number;
use super::size::{byte_unit, parse_size};

/// Not an amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not an amount; allowed: packets, connections, or bytes with B, kB, MB, GB, KiB, MiB or GiB; write it \
     like `2000 packets`, `120 connections` or `10 MiB`"
)]
pub struct AmountError {
    text: String,
}

/// Reads `2000 packets`, `120 connections` or `10 MiB`. A number alone is refused: who reads it must guess the unit.
///
/// # Errors
/// When the text is not a whole number with a known unit.
pub fn parse_amount(text: &str) -> Result<(LimitUnit, u64), AmountError> {
    let refused = || AmountError { text: text.to_owned() };
    let (number, word) = Number::split(text).ok_or_else(refused)?;
    if byte_unit(word).is_some() {
        return Ok((LimitUnit::Bytes, parse_size(text).map_err(|_| refused())?));
    }
    let unit = LimitUnit::named(word).filter(|unit| !word.is_empty() && *unit != LimitUnit::Bytes);
    let amount = number.times(1).ok().and_then(|amount| u64::try_from(amount).ok());
    Ok((unit.ok_or_else(refused)?, amount.ok_or_else(refused)?))
}

/// An amount as [`parse_amount`] reads it.
pub(super) fn written(unit: LimitUnit, amount: u64) -> String {
    match (unit, amount) {
        (LimitUnit::Packets, 1) => "1 packet".to_owned(),
        (LimitUnit::Connections, 1) => "1 connection".to_owned(),
        (LimitUnit::Packets | LimitUnit::Connections | LimitUnit::Bytes, _) => format!("{amount} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_say_what_they_count() {
        for (text, unit, amount) in [
            ("2000 packets", LimitUnit::Packets, 2000),
            ("1 packet", LimitUnit::Packets, 1),
            ("120 connections", LimitUnit::Connections, 120),
            ("10 MiB", LimitUnit::Bytes, 10 << 20),
            ("1.5 kB", LimitUnit::Bytes, 1500),
            ("5 bytes", LimitUnit::Bytes, 5),
        ] {
            assert_eq!(parse_amount(text), Ok((unit, amount)), "{text}");
            assert_eq!(parse_amount(&written(unit, amount)), Ok((unit, amount)), "{text}");
        }
        for text in ["", "5", "packets", "1.5 packets", "10 Mbit", "5 requests", "-1 packets", "2 packets/s"]
        {
            assert!(parse_amount(text).is_err(), "{text}");
        }
    }
}
