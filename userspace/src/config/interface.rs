//! Names of network interfaces.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A name that the kernel could give to a network interface. Whether there is one is another question.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InterfaceName(String);

impl InterfaceName {
    /// `IFNAMSIZ` is 16, with the terminating zero.
    pub const LONGEST: usize = 15;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for InterfaceName {
    type Err = InterfaceNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for InterfaceName {
    type Error = InterfaceNameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        // The kernel's own rule (dev_valid_name), and no control characters, which would reach terminals and logs.
        let refused = |c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control();
        let shaped = !text.is_empty() && text.len() <= Self::LONGEST && text != "." && text != "..";
        if shaped && !text.contains(refused) { Ok(Self(text)) } else { Err(InterfaceNameError { text }) }
    }
}

impl From<InterfaceName> for String {
    fn from(name: InterfaceName) -> Self {
        name.0
    }
}

impl AsRef<str> for InterfaceName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// Not a name of an interface.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not an interface name; allowed: 1 to 15 bytes without `/`, `:` or spaces; `ip link` lists the names"
)]
pub struct InterfaceNameError {
    text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_real_interfaces_are_accepted() {
        for text in ["eth0", "enp0s31f6", "bond0.100", "veth-a_b@c", "a", "abcdefghijklmno"] {
            assert_eq!(text.parse::<InterfaceName>().map(|name| name.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn names_that_the_kernel_refuses_are_refused() {
        for text in
            ["", ".", "..", "abcdefghijklmnop", "eth 0", "eth/0", "eth0:1", "eth0\n", "eth\0", "\u{1b}[31m"]
        {
            assert!(text.parse::<InterfaceName>().is_err(), "{text:?}");
        }
    }
}
