//! A list, read block by block: the text of a large one is never in memory whole.

use std::io::{self, ErrorKind, Read};

use super::lines::{Entry, parse_line};
use super::list::{BadLines, ListError, ParsedList, UTF8_BOM, foreign_format};
use super::plain;

/// Bytes that are read at once: few system calls, and the processor's cache still holds them when they are looked at.
const BLOCK: usize = 256 * 1024;

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

/// Reads a list as [`parse_list`] does, from a file.
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

fn read_blocks(mut file: impl Read, bad: BadLines, size: usize) -> Result<ParsedList, ReadListError> {
    let mut reader = Reader::default();
    let mut block = vec![0; size];
    let mut held = 0;
    loop {
        match file.read(block.get_mut(held..).unwrap_or_default()) {
            Ok(0) => break,
            Ok(count) => held += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
        if held < block.len() {
            continue;
        }
        let Some(end) = block.iter().rposition(|byte| *byte == b'\n') else {
            // A line that is longer than the block.
            block.resize(2 * block.len(), 0);
            continue;
        };
        reader.lines(block.get(..=end).unwrap_or_default())?;
        block.copy_within(end + 1.., 0);
        held -= end + 1;
    }
    reader.lines(block.get(..held).unwrap_or_default())?;
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
            let taken = self.plain_entry(rest).unwrap_or_else(|| self.any_line(rest));
            rest = rest.get(taken..).unwrap_or_default();
        }
        Ok(())
    }

    fn plain_entry(&mut self, text: &[u8]) -> Option<usize> {
        if let Some((range, taken)) = plain::ipv4(text) {
            self.list.ranges.ipv4.push(range);
            return Some(taken);
        }
        let (range, taken) = plain::ipv6(text)?;
        self.list.ranges.ipv6.push(range);
        Some(taken)
    }

    fn any_line(&mut self, text: &[u8]) -> usize {
        let end = text.iter().position(|byte| *byte == b'\n').unwrap_or(text.len());
        let line = text.get(..end).unwrap_or(text);
        match parse_line(line) {
            Ok(None) => {}
            Ok(Some(Entry::Ipv4(range))) => self.list.ranges.ipv4.push(range),
            Ok(Some(Entry::Ipv6(range))) => self.list.ranges.ipv6.push(range),
            Err(problem) => self.list.skipped.push(self.line, line, problem),
        }
        end + 1
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

/// The first lines without a byte order mark, if they are those of a text.
fn beginning(text: &[u8]) -> Result<&[u8], ListError> {
    match foreign_format(text) {
        Some(what) => Err(ListError::NotText(what)),
        None => Ok(text.strip_prefix(UTF8_BOM).unwrap_or(text)),
    }
}

#[cfg(test)]
mod tests;
