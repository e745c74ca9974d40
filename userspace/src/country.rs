//! Country codes, as policies, lists and geo databases name them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Two upper-case ASCII letters in the shape of ISO 3166-1 alpha-2. Whether such a country exists is not asked: geo
/// databases use codes of their own, such as `XK` and `EU`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CountryCode([u8; 2]);

impl CountryCode {
    /// The code that the kernel's tables hold, if it is two upper-case letters. Zeroes stand for no country there.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 2]) -> Option<Self> {
        bytes.iter().all(u8::is_ascii_uppercase).then_some(Self(bytes))
    }

    /// Every code there can be, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (b'A'..=b'Z').flat_map(|first| (b'A'..=b'Z').map(move |second| Self([first, second])))
    }

    /// The two letters.
    #[must_use]
    pub const fn as_bytes(&self) -> [u8; 2] {
        self.0
    }
}

impl FromStr for CountryCode {
    type Err = CountryCodeError;

    /// Lower case is accepted, as people and databases write both.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        <[u8; 2]>::try_from(text.as_bytes())
            .ok()
            .and_then(|letters| Self::from_bytes(letters.map(|letter| letter.to_ascii_uppercase())))
            .ok_or_else(|| CountryCodeError { text: text.chars().take(CountryCodeError::SHOWN).collect() })
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Through `pad`, so that tables can align the code.
        formatter.pad(str::from_utf8(&self.0).unwrap_or_default())
    }
}

impl fmt::Debug for CountryCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CountryCode({self})")
    }
}

impl Serialize for CountryCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CountryCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Not a country code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a country code; write two letters, such as `DE`")]
pub struct CountryCodeError {
    text: String,
}

impl CountryCodeError {
    /// How many characters of the refused text the message repeats.
    const SHOWN: usize = 40;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_case_is_read_and_upper_case_is_written() {
        let code: CountryCode = "de".parse().unwrap();
        assert_eq!(code.as_bytes(), *b"DE");
        assert_eq!(code.to_string(), "DE");
        assert_eq!(format!("[{code:>4}]"), "[  DE]");
    }

    #[test]
    fn anything_but_two_letters_is_refused() {
        for text in ["", "D", "DEU", "D1", "4 ", "é", "ÄÖ", "D\0"] {
            assert!(text.parse::<CountryCode>().is_err(), "{text:?}");
        }
        assert_eq!(
            "Germany".parse::<CountryCode>().unwrap_err().to_string(),
            "`Germany` is not a country code; write two letters, such as `DE`"
        );
    }

    #[test]
    fn zeroes_are_no_country() {
        assert_eq!(CountryCode::from_bytes([0; 2]), None);
        assert_eq!(CountryCode::from_bytes(*b"de"), None);
        assert_eq!(CountryCode::from_bytes(*b"DE"), "DE".parse().ok());
    }

    #[test]
    fn json_holds_the_letters() {
        let code: CountryCode = "FR".parse().unwrap();
        assert_eq!(serde_json::to_string(&code).unwrap(), "\"FR\"");
        assert_eq!(serde_json::from_str::<CountryCode>("\"fr\"").unwrap(), code);
        assert!(serde_json::from_str::<CountryCode>("\"france\"").is_err());
    }
}
