//! Lists of one entry on a line. The lines that are nothing but an entry go a faster way: [`crate::feeds::plain`].

use std::io::Read;

use crate::feeds::blocks::{BLOCK, LONGEST, whole_lines};
use crate::feeds::lines::{Entry, comment, first_line, parse_line, without_comment};
use crate::feeds::list::{Counted, ListError, UTF8_BOM};
use crate::feeds::plain;
use crate::feeds::reader::ReadListError;
use crate::feeds::record::{Details, Named, Record};

/// Reads the lines of a file.
pub(in crate::feeds) fn walk(
    file: impl Read,
    take: &mut impl FnMut(Record<'_>),
) -> Result<(), ReadListError> {
    let mut lines = Lines::default();
    whole_lines(file, BLOCK, |text| lines.walk(text, take).map_err(ReadListError::from))
}

/// How far a text has been read.
#[derive(Default)]
pub(in crate::feeds) struct Lines {
    /// The number of the line that was read last.
    number: u32,
}

impl Lines {
    /// Takes more of the text: whole lines, of which the very last one may lack its end.
    pub(in crate::feeds) fn walk(
        &mut self,
        text: &[u8],
        take: &mut impl FnMut(Record<'_>),
    ) -> Result<(), ListError> {
        let mut rest = if self.number == 0 { text.strip_prefix(UTF8_BOM).unwrap_or(text) } else { text };
        while !rest.is_empty() {
            self.number = self.number.saturating_add(1);
            let taken = match plain_entry(rest) {
                Some((entry, taken)) => {
                    take(Record::of_entry(self.number, rest.get(..taken).unwrap_or(rest), Ok(entry)));
                    taken
                }
                None => self.with_care(rest, take)?,
            };
            rest = rest.get(taken..).unwrap_or_default();
        }
        Ok(())
    }

    /// The first line, whatever it holds.
    fn with_care(&self, text: &[u8], take: &mut impl FnMut(Record<'_>)) -> Result<usize, ListError> {
        let (line, taken) = first_line(text);
        if line.len() > LONGEST {
            return Err(ListError::TooLong { counted: Counted::Lines, number: self.number });
        }
        let names = parse_line(line).map(|entry| entry.map(Named::Entry));
        if let Some(names) = names.transpose() {
            let names = names.or_else(|problem| system(line).map(Named::System).ok_or(problem));
            let details = Details { comment: comment(line), ..Details::default() };
            take(Record { number: self.number, text: line, names, details });
        }
        Ok(taken)
    }
}

/// `AS64500`, as lists of autonomous systems have it.
fn system(line: &[u8]) -> Option<u32> {
    let line = str::from_utf8(without_comment(line)).ok()?;
    let digits = line.strip_prefix("AS").or_else(|| line.strip_prefix("as"))?;
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|number| is_number && *number > 0)
}

/// An entry and nothing else on the first line, and how many bytes it takes with its end.
#[inline]
fn plain_entry(text: &[u8]) -> Option<(Entry, usize)> {
    if let Some((range, taken)) = plain::ipv4(text) {
        return Some((Entry::Ipv4(range), taken));
    }
    plain::ipv6(text).map(|(range, taken)| (Entry::Ipv6(range), taken))
}
