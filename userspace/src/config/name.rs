//! Names of lists, services, plans and limits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The name of a list, a service, a plan or a limit: a label in metrics and a word on the command line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// Words that a command takes beside names, and the rules that they mean. Nothing in a policy may have them as its name.
pub const RESERVED_NAMES: &[(&str, &str)] =
    &[("country", "[country]"), ("fragments", "[fragments]"), ("source-limits", "[limits.source]")];

impl Name {
    /// The longest name, in bytes: it must fit a table's column.
    pub const LONGEST: usize = 63;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        // A leading `-` would be an option on the command line.
        let starts = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        let goes_on = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if starts && goes_on && text.len() <= Self::LONGEST {
            Ok(Self(text))
        } else {
            Err(NameError { text })
        }
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// Not a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a name; allowed: 1 to 63 letters, digits, `-`, `_` and `.`, beginning with a letter or a digit; \
     choose another name"
)]
pub struct NameError {
    text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words() {
        assert_eq!("drop-v6_2.txt".parse::<Name>().map(|name| name.to_string()), Ok("drop-v6_2.txt".into()));
        for text in ["", "-a", ".a", "a b", "a/b", "é", "a\n", &"a".repeat(64)] {
            assert!(text.parse::<Name>().is_err(), "{text:?}");
        }
    }
}
