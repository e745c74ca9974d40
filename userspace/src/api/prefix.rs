//! Prefixes as people write them.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// A prefix without host bits. A plain address is read as the prefix that holds only it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prefix(IpNet);

impl Prefix {
    /// The prefix.
    #[must_use]
    pub const fn net(self) -> IpNet {
        self.0
    }
}

/// Not a prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// Neither an address nor a prefix.
    #[error("`{0}` is neither an address nor a prefix; write 192.0.2.1, 192.0.2.0/24 or 2001:db8::/48")]
    Unreadable(String),
    /// Bits beyond the length are set.
    #[error("`{given}` has bits set beyond its length; did you mean {meant}, or the one address {address}?")]
    HostBits {
        /// What was written.
        given: IpNet,
        /// The prefix around it.
        meant: IpNet,
        /// The address alone.
        address: IpAddr,
    },
}

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self(address.into()));
        }
        let net: IpNet =
            text.parse().map_err(|_| PrefixError::Unreadable(text.chars().take(80).collect::<String>()))?;
        Self::try_from(net)
    }
}

impl TryFrom<IpNet> for Prefix {
    type Error = PrefixError;

    fn try_from(given: IpNet) -> Result<Self, Self::Error> {
        let meant = given.trunc();
        if meant == given { Ok(Self(given)) } else { Err(PrefixError::HostBits { given, meant, address: given.addr() }) }
    }
}

impl TryFrom<String> for Prefix {
    type Error = PrefixError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Prefix> for String {
    fn from(prefix: Prefix) -> Self {
        prefix.to_string()
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
    fn host_bits_are_refused_with_both_ways_out() {
        let error = "192.0.2.1/24".parse::<Prefix>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`192.0.2.1/24` has bits set beyond its length; did you mean 192.0.2.0/24, or the one address 192.0.2.1?"
        );
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "example.org", "192.0.2", "192.0.2.1/33", "1.2.3.4-1.2.3.9"] {
            assert!(matches!(text.parse::<Prefix>(), Err(PrefixError::Unreadable(_))), "{text:?}");
        }
    }
}
