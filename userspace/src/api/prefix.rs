//! Prefixes as people write them.

use std::fmt;
use std::str::FromStr;

use ipnet::IpNet;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::config::{PrefixError, parse_prefix};

/// A prefix without host bits. A plain address is read as the prefix that holds only it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix(IpNet);

impl Prefix {
    /// The prefix.
    #[must_use]
    pub const fn net(self) -> IpNet {
        self.0
    }
}

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_prefix(text.trim()).map(Self)
    }
}

/// For prefixes that were checked before, such as those of the store and of the kernel.
impl From<IpNet> for Prefix {
    fn from(net: IpNet) -> Self {
        Self(net.trunc())
    }
}

impl Serialize for Prefix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Prefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text)
    }
}

/// Reads a prefix out of the request itself: there may be a million of them.
struct Text;

impl Visitor<'_> for Text {
    type Value = Prefix;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an address or a prefix")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Prefix, E> {
        text.parse().map_err(E::custom)
    }
}

impl fmt::Display for Prefix {
    /// Without the length where the prefix is one address.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() {
            formatter.pad(&self.0.addr().to_string())
        } else {
            formatter.pad(&self.0.to_string())
        }
    }
}

impl From<Prefix> for IpNet {
    fn from(prefix: Prefix) -> Self {
        prefix.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_prefixes_are_read() {
        for (text, shown) in [
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1/32", "192.0.2.1"),
            (" 192.0.2.0/24 ", "192.0.2.0/24"),
            ("2001:DB8::/48", "2001:db8::/48"),
            ("::1", "::1"),
            ("0.0.0.0/0", "0.0.0.0/0"),
        ] {
            assert_eq!(text.parse::<Prefix>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "example.org", "192.0.2", "192.0.2.1/33", "1.2.3.4-1.2.3.9", "192.0.2.1/24"] {
            assert!(text.parse::<Prefix>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn json_holds_the_text() {
        let prefix: Prefix = serde_json::from_str("\"192.0.2.1\"").unwrap();
        assert_eq!(prefix.net().to_string(), "192.0.2.1/32");
        assert_eq!(serde_json::to_string(&prefix).unwrap(), "\"192.0.2.1\"");
    }
}
