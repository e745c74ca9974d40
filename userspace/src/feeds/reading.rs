//! How a list is to be read.

use std::fmt;
use std::str::FromStr;

use super::list::BadLines;
use crate::country::CountryCode;

/// How a list is to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Its format; `None` tells it by what the file holds.
    pub format: Option<Format>,
    /// Where in the file the addresses are: a column of CSV by its name or number (`2`, or `start..end` for a range in two
    /// columns), strings of JSON by a dotted path (`prefixes.ip_prefix`, several with commas between), or the names of
    /// sets in exports of ipset and nft.
    pub field: Option<String>,
    /// The country of which a registry's file is read.
    pub country: Option<CountryCode>,
    /// What becomes of lines that can't be read.
    pub bad: BadLines,
}

impl From<BadLines> for Reading {
    /// A list of which nothing is known.
    fn from(bad: BadLines) -> Self {
        Self { bad, ..Self::default() }
    }
}

/// A format of lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// An address, a prefix or a range on a line, with comments: `FireHOL`'s netsets, Spamhaus' text, country zones and most
    /// others.
    #[default]
    Plain,
    /// Spamhaus' DROP, DROP v6 and ASN-DROP: a JSON object on each line, with a last one that counts them.
    SpamhausJson,
    /// The Tor Project's `exit-addresses`. Its bulk list is [`Self::Plain`].
    TorExits,
    /// Columns between commas, semicolons or tabs.
    Csv,
    /// One JSON document, or one on each line.
    Json,
    /// What `ipset save` writes.
    IpsetSave,
    /// What `nft list set` and `nft list ruleset` write, and scripts for `nft -f`.
    NftText,
    /// What `nft -j list set` writes.
    NftJson,
    /// The regional registries' extended delegation files.
    RirDelegated,
}

impl Format {
    /// Each of them.
    pub const ALL: [Self; 9] = [
        Self::Plain,
        Self::SpamhausJson,
        Self::TorExits,
        Self::Csv,
        Self::Json,
        Self::IpsetSave,
        Self::NftText,
        Self::NftJson,
        Self::RirDelegated,
    ];

    /// The word for it in a policy and on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::SpamhausJson => "spamhaus-json",
            Self::TorExits => "tor-exits",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::IpsetSave => "ipset",
            Self::NftText => "nft",
            Self::NftJson => "nft-json",
            Self::RirDelegated => "rir",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.word())
    }
}

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|format| format.word() == text);
        found.ok_or_else(|| FormatError { text: text.chars().take(FormatError::SHOWN).collect() })
    }
}

/// Not the name of a format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no format of lists; there are {}", Format::ALL.map(Format::word).join(", "))]
pub struct FormatError {
    text: String,
}

impl FormatError {
    /// How many characters of the refused text the message repeats.
    const SHOWN: usize = 40;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_read_back() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert_eq!(
            "xml".parse::<Format>().unwrap_err().to_string(),
            "`xml` is no format of lists; there are plain, spamhaus-json, tor-exits, csv, json, ipset, nft, nft-json, rir"
        );
    }
}
