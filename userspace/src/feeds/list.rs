//! A whole list: what a blocklist file holds.

use std::fmt;

use super::problem::LineProblem;
use super::range::AddressRanges;

/// What becomes of lines that can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadLines {
    /// They refuse the list.
    Refuse,
    /// They are left out and reported.
    Skip,
}

/// A list that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParsedList {
    /// What its lines name, in their order.
    pub ranges: AddressRanges,
    /// How many lines named something.
    pub entries: usize,
    /// What was left out; empty unless [`BadLines::Skip`] was asked for.
    pub skipped: BadLineReport,
}

/// Lines that could not be read: the first few, and how many in all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BadLineReport {
    /// How many there are.
    pub total: usize,
    /// The first [`BadLineReport::SHOWN`] of them.
    pub first: Vec<BadLine>,
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
        let lines = if self.total == 1 { "1 bad line" } else { &format!("{} bad lines", self.total) };
        write!(formatter, "{lines}:")?;
        for bad in &self.first {
            write!(formatter, "\n  {bad}")?;
        }
        match self.total.saturating_sub(self.first.len()) {
            0 => Ok(()),
            more => write!(formatter, "\n  and {more} more"),
        }
    }
}

impl fmt::Display for BadLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}: \"{}\": {}", self.line, self.text, self.problem)
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
