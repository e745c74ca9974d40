//! Reads lists.

use std::io::{self, Read};
use std::net::IpAddr;

use super::blocks::{BLOCK, whole_lines};
use super::lines::{Entry, parse_line};
use super::list::{BadLines, ListError, ParsedList, UTF8_BOM, foreign_format, shown};
use super::plain;
use super::problem::LineProblem;

/// Why a list could not be read from a file.
#[derive(Debug, thiserror::Error)]
pub enum ReadListError {
    /// The file can't be read.
    #[error("can't be read: {0}")]
    Read(#[from] io::Error),
    /// It is no list.
    #[error(transparent)]
    List(#[from] ListError),
}

/// Reads a list as [`parse_list`] does, from a file, of which no more than a block is in memory.
///
/// # Errors
///
/// [`ReadListError`] when the file can't be read, or for the reasons of [`parse_list`].
pub fn read_list(file: impl Read, bad: BadLines) -> Result<ParsedList, ReadListError> {
    read_blocks(file, bad, BLOCK)
}

/// Reads a list: one address, prefix or range on a line, comments with `#` or `;`.
///
/// # Errors
///
/// [`ListError`] when a line can't be read and is not to be skipped, or when nothing at all can be read.
pub fn parse_list(bytes: &[u8], bad: BadLines) -> Result<ParsedList, ListError> {
    let mut reader = Reader::default();
    reader.lines(bytes)?;
    reader.finish(bad)
}

/// The lines of a list that cover an address: their numbers and their text without line end. Lines that can't be read
/// cover nothing.
///
/// # Errors
///
/// When the file can't be read.
pub fn lines_covering(file: impl Read, address: IpAddr) -> io::Result<Vec<(u32, String)>> {
    let mut found = Vec::new();
    let mut number: u32 = 0;
    whole_lines(file, BLOCK, |text| {
        let mut rest = if number == 0 { without_mark(text) } else { text };
        while !rest.is_empty() {
            number = number.saturating_add(1);
            let (entry, taken) = next_line(rest);
            if matches!(entry, Ok(Some(entry)) if entry.contains(address)) {
                found.push((number, shown(rest.get(..taken).unwrap_or(rest))));
            }
            rest = rest.get(taken..).unwrap_or_default();
        }
        Ok::<(), io::Error>(())
    })?;
    Ok(found)
}

fn read_blocks(file: impl Read, bad: BadLines, size: usize) -> Result<ParsedList, ReadListError> {
    let mut reader = Reader::default();
    whole_lines(file, size, |text| reader.lines(text).map_err(ReadListError::from))?;
    Ok(reader.finish(bad)?)
}

/// What was read so far.
#[derive(Default)]
struct Reader {
    list: ParsedList,
    /// The number of the line that was read last.
    line: u32,
}

impl Reader {
    /// Takes more of the text: whole lines, of which the very last one may lack its end.
    fn lines(&mut self, text: &[u8]) -> Result<(), ListError> {
        let mut rest = if self.line == 0 { beginning(text)? } else { text };
        while !rest.is_empty() {
            self.line = self.line.saturating_add(1);
            let (entry, taken) = next_line(rest);
            match entry {
                Ok(Some(Entry::Ipv4(range))) => self.list.ranges.ipv4.push(range),
                Ok(Some(Entry::Ipv6(range))) => self.list.ranges.ipv6.push(range),
                Ok(None) => {}
                Err(problem) => {
                    self.list.skipped.push(self.line, rest.get(..taken).unwrap_or(rest), problem);
                }
            }
            rest = rest.get(taken..).unwrap_or_default();
        }
        Ok(())
    }

    fn finish(mut self, bad: BadLines) -> Result<ParsedList, ListError> {
        let list = &mut self.list;
        list.entries = list.ranges.ipv4.len() + list.ranges.ipv6.len();
        if list.skipped.total > 0 && bad == BadLines::Refuse {
            return Err(ListError::BadLines(self.list.skipped));
        }
        if list.skipped.total > 0 && list.entries == 0 {
            return Err(ListError::NothingReadable(self.list.skipped));
        }
        Ok(self.list)
    }
}

/// What the first line names, and how many bytes it takes with its end.
#[inline]
fn next_line(text: &[u8]) -> (Result<Option<Entry>, LineProblem>, usize) {
    if let Some((range, taken)) = plain::ipv4(text) {
        return (Ok(Some(Entry::Ipv4(range))), taken);
    }
    if let Some((range, taken)) = plain::ipv6(text) {
        return (Ok(Some(Entry::Ipv6(range))), taken);
    }
    let end = text.iter().position(|byte| *byte == b'\n');
    let line = end.and_then(|end| text.get(..end)).unwrap_or(text);
    (parse_line(line), end.map_or(text.len(), |end| end + 1))
}

/// The first lines without a byte order mark, if they are those of a text.
fn beginning(text: &[u8]) -> Result<&[u8], ListError> {
    match foreign_format(text) {
        Some(what) => Err(ListError::NotText(what)),
        None => Ok(without_mark(text)),
    }
}

fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(UTF8_BOM).unwrap_or(text)
}

#[cfg(test)]
mod tests;
