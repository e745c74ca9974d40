//! A whole list: what a blocklist file holds.

use std::fmt;

use super::lines::Entry;
use super::numbers::LineNumbers;
use super::problem::LineProblem;
use super::range::AddressRanges;
use super::reading::Format;
use super::record::{Named, Record};

/// What becomes of lines that can't be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BadLines {
    /// They refuse the list.
    #[default]
    Refuse,
    /// They are left out and reported.
    Skip,
}

/// A list that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParsedList {
    /// What its lines name, in their order.
    pub ranges: AddressRanges,
    /// The numbers of autonomous systems that it names, in their order.
    pub systems: Vec<u32>,
    /// How many lines or elements named something.
    pub entries: usize,
    /// What was left out; empty unless [`BadLines::Skip`] was asked for.
    pub skipped: BadLineReport,
    /// The format that it has.
    pub format: Format,
    /// Whether it holds nothing but white space: what a server sends that has lost the list. One with comments, or with an
    /// empty array, says that it has no entries.
    pub blank: bool,
    /// What the numbers of its records count.
    pub counted: Counted,
    pub(super) lines4: LineNumbers,
    pub(super) lines6: LineNumbers,
}

/// Lines that could not be read: the first few, and how many in all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BadLineReport {
    /// How many there are.
    pub total: usize,
    /// The first [`BadLineReport::SHOWN`] of them.
    pub first: Vec<BadLine>,
    /// What their numbers count.
    pub counted: Counted,
}

/// What the numbers of records count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Counted {
    /// Lines of the text.
    #[default]
    Lines,
    /// Elements of a JSON array, which often is one line as a whole.
    Elements,
}

/// A line that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Its number, from 1.
    pub line: u32,
    /// The line, cut to [`BadLine::SHOWN`] characters, with control characters made visible.
    pub text: String,
    /// What is wrong with it.
    pub problem: LineProblem,
}

/// Why a list was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// Some lines can't be read.
    #[error("{0}\nCorrect the list, or leave such lines out with --skip-bad (skip_bad = true in the policy)")]
    BadLines(BadLineReport),
    /// Not one line can be read, so that this is hardly a list.
    #[error("not one line of it can be read, so it was not taken as an empty list\n{0}")]
    NothingReadable(BadLineReport),
    /// The bytes are not those of a text.
    #[error("{0}; a list is plain text with one entry on a line")]
    NotText(&'static str),
    /// A text of another kind.
    #[error("it is {what}, not a list{instead}")]
    NotAList {
        /// What it is.
        what: &'static str,
        /// What to do, after a semicolon; or nothing.
        instead: &'static str,
    },
    /// A format without any address in it.
    #[error("it is {what}, but holds no address; it begins with \"{beginning}\"")]
    NoAddresses {
        /// What it is.
        what: &'static str,
        /// Its first characters.
        beginning: String,
    },
    /// Addresses in several places, of which one may be the place of something else.
    #[error(
        "it has addresses in several {what}: {}; say which are meant, such as field = \"{}\"",
        .names.join(", "), .names.first().map_or("", String::as_str)
    )]
    Several {
        /// The columns, fields or sets.
        what: &'static str,
        /// Their names.
        names: Vec<String>,
    },
    /// A place that the file has not.
    #[error("it has no {what} \"{name}\"{}", there_are(.names))]
    NoSuch {
        /// A column, a field or a set.
        what: &'static str,
        /// What was asked for.
        name: String,
        /// What there is.
        names: Vec<String>,
    },
    /// A setting that does not fit the format.
    #[error("{setting} is given, but it is {format}, {why}; remove it, or name the right format")]
    Needless {
        /// The setting.
        setting: &'static str,
        /// The format.
        format: Format,
        /// Why the setting means nothing.
        why: &'static str,
    },
    /// A file of a whole region.
    #[error("it has the addresses of many countries; say which one is meant, such as country = \"DE\"")]
    CountryNeeded,
    /// It says how many records it has.
    #[error(
        "it says that it has {claimed} {what}, but {read} can be read: it is cut short or damaged; get it again"
    )]
    Incomplete {
        /// What is counted.
        what: &'static str,
        /// How many it should have.
        claimed: u64,
        /// How many it has.
        read: u64,
    },
    /// The record with which Spamhaus ends its files.
    #[error(
        "the last record, with the number of all records, is missing: it is cut short; get it again, or read it as \
         what it is: format = \"json\", field = \"cidr\""
    )]
    NoMetadata,
    /// It ends before it should.
    #[error("it is cut short: {what} is open at its end; get it again")]
    CutShort {
        /// What is not closed.
        what: &'static str,
    },
    /// A line without an end.
    #[error("{} {number} is longer than 1 MiB, which no list has; look what the file is", .counted.singular())]
    TooLong {
        /// What the number counts.
        counted: Counted,
        /// Which one.
        number: u32,
    },
    /// It is no JSON.
    #[error("the JSON can't be read: {0}; get it again")]
    Json(String),
    /// Autonomous systems where only addresses can be used.
    #[error(
        "it names {count} autonomous systems (the first is AS{first}), and only addresses can be used here"
    )]
    Systems {
        /// How many.
        count: usize,
        /// The first.
        first: u32,
    },
}

fn there_are(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!("; it has {}", names.join(", ")) }
}

impl ParsedList {
    /// The list, if it names addresses alone.
    ///
    /// # Errors
    ///
    /// [`ListError::Systems`] when it names autonomous systems.
    pub fn addresses_only(self) -> Result<Self, ListError> {
        match self.systems.first() {
            Some(first) => Err(ListError::Systems { count: self.systems.len(), first: *first }),
            None => Ok(self),
        }
    }

    /// The entries that name addresses, IPv4 first, each with the number of its line or element.
    pub fn numbered(&self) -> impl Iterator<Item = (u32, Entry)> {
        let ipv4 = self.lines4.iter().zip(self.ranges.ipv4.iter().copied().map(Entry::Ipv4));
        ipv4.chain(self.lines6.iter().zip(self.ranges.ipv6.iter().copied().map(Entry::Ipv6)))
    }

    #[inline]
    pub(super) fn push(&mut self, record: Record<'_>) {
        match record.names {
            Ok(Named::Entry(entry)) => self.push_entry(record.number, entry),
            Ok(Named::System(number)) => self.systems.push(number),
            Err(problem) => self.skipped.push(record.number, record.text, problem),
        }
    }

    #[inline]
    pub(super) fn push_entry(&mut self, line: u32, entry: Entry) {
        match entry {
            Entry::Ipv4(range) => {
                self.lines4.push(self.ranges.ipv4.len(), line);
                self.ranges.ipv4.push(range);
            }
            Entry::Ipv6(range) => {
                self.lines6.push(self.ranges.ipv6.len(), line);
                self.ranges.ipv6.push(range);
            }
        }
    }

    /// Leaves out the entries of addresses that are not wanted.
    pub(super) fn retain(&mut self, is_wanted: impl Fn(Entry) -> bool) {
        let mut kept = Self::default();
        self.numbered()
            .filter(|(_, entry)| is_wanted(*entry))
            .for_each(|(line, entry)| kept.push_entry(line, entry));
        self.ranges = kept.ranges;
        (self.lines4, self.lines6) = (kept.lines4, kept.lines6);
        self.count();
    }

    pub(super) fn count(&mut self) {
        self.entries = self.ranges.ipv4.len() + self.ranges.ipv6.len() + self.systems.len();
    }
}

impl Counted {
    /// The word for one of them.
    #[must_use]
    pub const fn singular(self) -> &'static str {
        match self {
            Self::Lines => "line",
            Self::Elements => "element",
        }
    }
}

impl BadLineReport {
    /// The most lines that are kept, so that a file of the wrong kind does not fill the memory.
    pub const SHOWN: usize = 20;

    pub(super) fn push(&mut self, line: u32, text: &[u8], problem: LineProblem) {
        self.total += 1;
        if self.first.len() < Self::SHOWN {
            self.first.push(BadLine { line, text: shown(text), problem });
        }
    }
}

impl BadLine {
    /// The most characters of a line that a message repeats.
    pub const SHOWN: usize = 80;
}

impl fmt::Display for BadLineReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.counted.singular();
        match self.total {
            1 => write!(formatter, "1 bad {word}:")?,
            total => write!(formatter, "{total} bad {word}s:")?,
        }
        for bad in &self.first {
            write!(formatter, "\n  {word} {bad}")?;
        }
        match self.total.saturating_sub(self.first.len()) {
            0 => Ok(()),
            more => write!(formatter, "\n  and {more} more"),
        }
    }
}

/// Without the word for what the number counts, which the report knows.
impl fmt::Display for BadLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: \"{}\": {}", self.line, self.text, self.problem)
    }
}

pub(super) const UTF8_BOM: &[u8] = b"\xEF\xBB\xBF";

pub(super) fn numbered_lines(bytes: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    let text = bytes.strip_prefix(UTF8_BOM).unwrap_or(bytes);
    (1..=u32::MAX).zip(text.split(|byte| *byte == b'\n'))
}

/// What operators most often give by mistake, where messages about single lines would not lead to the cause.
pub(super) fn foreign_format(bytes: &[u8]) -> Option<&'static str> {
    let formats: [(&[u8], &str); 4] = [
        (b"\x1F\x8B", "it is compressed with gzip, unpack it first"),
        (b"PK\x03\x04", "it is a zip archive, unpack it first"),
        (b"\xFF\xFE", "it is UTF-16, save it as UTF-8"),
        (b"\xFE\xFF", "it is UTF-16, save it as UTF-8"),
    ];
    formats.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, what)| *what)
}

/// A line as a message may show it: short, and with nothing in it that steers a terminal.
pub(super) fn shown(line: &[u8]) -> String {
    // A character has at most 4 bytes, so these bytes hold enough of them.
    let start = line.get(..4 * (BadLine::SHOWN + 1)).unwrap_or(line).trim_ascii();
    let text = String::from_utf8_lossy(start);
    let mut characters = text.chars();
    let mut shown: String = characters
        .by_ref()
        .take(BadLine::SHOWN)
        .map(|c| if c.is_control() { '\u{FFFD}' } else { c })
        .collect();
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests;
