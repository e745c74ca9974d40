//! Writes entries in the formats of others, for sets and tools that are filled with them. What is written is read back by
//! [`read_entries`](super::read_entries).

mod ipset;
mod json;
mod nft;
mod nft_json;
mod rows;

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;
use std::time::Duration;

use super::lines::Entry;
use super::range::{Address, Range};
use super::reader::TimedEntry;

/// A format in which entries can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// An entry on a line, with its comment after `#`. It has no place for times.
    Plain,
    /// A script for `ipset restore`: the sets `xdpgate4` and `xdpgate6`.
    Ipset,
    /// A script for `nft -f`: the sets `xdpgate4` and `xdpgate6` in the table `inet xdpgate`.
    Nft,
    /// The same for `nft -j -f`.
    NftJson,
    /// An array with an object on each line.
    Json,
    /// The columns `address,timeout,comment`.
    Csv,
}

/// Writes entries with what is known of them. Times are rounded up to whole seconds. Where a format has no ranges, a range
/// becomes the fewest prefixes.
///
/// # Errors
///
/// When they can't be written.
pub fn write_entries(
    mut out: impl Write,
    format: ExportFormat,
    entries: impl IntoIterator<Item = TimedEntry>,
) -> io::Result<()> {
    let mut entries = entries.into_iter();
    let entries: &mut dyn Iterator<Item = TimedEntry> = &mut entries;
    match format {
        ExportFormat::Plain => rows::plain(&mut out, entries),
        ExportFormat::Ipset => ipset::write(&mut out, entries),
        ExportFormat::Nft => nft::write(&mut out, entries),
        ExportFormat::NftJson => nft_json::write(&mut out, entries),
        ExportFormat::Json => json::write(&mut out, entries),
        ExportFormat::Csv => rows::csv(&mut out, entries),
    }?;
    out.flush()
}

impl ExportFormat {
    /// Each of them.
    pub const ALL: [Self; 6] = [Self::Plain, Self::Ipset, Self::Nft, Self::NftJson, Self::Json, Self::Csv];

    /// The word for it on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Ipset => "ipset",
            Self::Nft => "nft",
            Self::NftJson => "nft-json",
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }
}

impl fmt::Display for ExportFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.word())
    }
}

impl FromStr for ExportFormat {
    type Err = ExportFormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|format| format.word() == text);
        found.ok_or_else(|| ExportFormatError { text: text.chars().take(ExportFormatError::SHOWN).collect() })
    }
}

/// Not the name of a format that can be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no format of exports; there are {}", ExportFormat::ALL.map(ExportFormat::word).join(", "))]
pub struct ExportFormatError {
    text: String,
}

impl ExportFormatError {
    /// How many characters of the refused text the message repeats.
    const SHOWN: usize = 40;
}

/// The names of the sets for each family, without their number.
const SET: &str = "xdpgate";

/// Whole seconds, rounded up: a ban must not end early.
fn seconds(timeout: Duration) -> u64 {
    timeout.as_secs() + u64::from(timeout.subsec_nanos() > 0)
}

/// A comment in quotes of ipset and nft: without what would end it, and as long as they take.
fn quotable(comment: &str, longest: usize) -> String {
    let mut text = one_line(comment).replace('"', "'");
    while text.len() > longest {
        text.pop();
    }
    text
}

/// A comment without line ends and what else steers a terminal.
fn one_line(comment: &str) -> String {
    comment.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The prefixes of an entry, as text.
fn prefixes(entry: Entry) -> Vec<String> {
    fn of<A: Address>(range: Range<A>, entry: fn(Range<A>) -> Entry) -> Vec<String> {
        let prefix = |(address, length)| entry(Range::prefix(address, length)).to_string();
        range.prefixes().map(prefix).collect()
    }
    match entry {
        Entry::Ipv4(range) => of(range, Entry::Ipv4),
        Entry::Ipv6(range) => of(range, Entry::Ipv6),
    }
}

/// `4` or `6`.
const fn family(entry: Entry) -> u8 {
    match entry {
        Entry::Ipv4(_) => 4,
        Entry::Ipv6(_) => 6,
    }
}

#[cfg(test)]
mod tests;
