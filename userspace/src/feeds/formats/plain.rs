//! Lists of one entry on a line. The lines that are nothing but an entry go a faster way: [`crate::feeds::plain`].

use std::io::Read;

use crate::feeds::blocks::{BLOCK, LONGEST, whole_lines};
use crate::feeds::lines::{Entry, comment, first_line, parse_line, without_comment};
use crate::feeds::list::{Counted, ListError, ParsedList, UTF8_BOM};
use crate::feeds::numbers::LineNumbers;
use crate::feeds::plain;
use crate::feeds::range::Range;
use crate::feeds::reader::ReadListError;
use crate::feeds::record::{Details, Named, Record};

/// Reads the lines of a file into a list.
pub(in crate::feeds) fn collect(file: impl Read, list: &mut ParsedList) -> Result<(), ReadListError> {
    let mut lines = Lines::default();
    whole_lines(file, BLOCK, |text| lines.collect(text, list).map_err(ReadListError::from))
}

/// Gives each line of a file.
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
    /// Takes more of the text: whole lines, of which the very last one may lack its end. Entries of one family come in long
    /// runs, in which nothing is done for a line but to read it.
    pub(in crate::feeds) fn collect(&mut self, text: &[u8], list: &mut ParsedList) -> Result<(), ListError> {
        let mut rest = self.without_mark(text);
        while !rest.is_empty() {
            let before = self.number;
            rest = self.run(rest, plain::ipv4, &mut list.ranges.ipv4, &mut list.lines4);
            rest = self.run(rest, plain::ipv6, &mut list.ranges.ipv6, &mut list.lines6);
            if self.number == before {
                self.number = self.number.saturating_add(1);
                let taken = self.with_care(rest, &mut |record| list.push(record))?;
                rest = rest.get(taken..).unwrap_or_default();
            }
        }
        Ok(())
    }

    /// Gives each of the lines, as [`Self::collect`] takes them.
    fn walk(&mut self, text: &[u8], take: &mut impl FnMut(Record<'_>)) -> Result<(), ListError> {
        let mut rest = self.without_mark(text);
        while !rest.is_empty() {
            self.number = self.number.saturating_add(1);
            let ipv4 = plain::ipv4(rest).map(|(range, taken)| (Entry::Ipv4(range), taken));
            let entry = ipv4.or_else(|| plain::ipv6(rest).map(|(range, taken)| (Entry::Ipv6(range), taken)));
            let taken = match entry {
                Some((entry, taken)) => {
                    let text = rest.get(..taken).unwrap_or(rest);
                    take(Record::of_entry(self.number, text, Ok(entry)));
                    taken
                }
                None => self.with_care(rest, take)?,
            };
            rest = rest.get(taken..).unwrap_or_default();
        }
        Ok(())
    }

    fn without_mark<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        if self.number == 0 { text.strip_prefix(UTF8_BOM).unwrap_or(text) } else { text }
    }

    /// Reads lines as long as they are nothing but an entry of one family; what follows is left.
    #[inline]
    fn run<'a, A>(
        &mut self,
        text: &'a [u8],
        read: impl Fn(&[u8]) -> Option<(Range<A>, usize)>,
        ranges: &mut Vec<Range<A>>,
        numbers: &mut LineNumbers,
    ) -> &'a [u8] {
        let (first, mut rest) = (ranges.len(), text);
        while let Some((range, taken)) = read(rest) {
            ranges.push(range);
            rest = rest.get(taken..).unwrap_or_default();
        }
        let count = ranges.len() - first;
        if count > 0 {
            numbers.push(first, self.number.saturating_add(1));
            self.number = self.number.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
        }
        rest
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
