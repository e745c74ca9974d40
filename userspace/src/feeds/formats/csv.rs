//! Columns between commas, semicolons or tabs, with a line of names above them or without.

mod layout;

use std::io::{self, Read};

use csv::{ByteRecord, ReaderBuilder, Trim};

use self::layout::{Column, Layout};
use super::meter::Metered;
use crate::feeds::lines::{Entry, parse_entry, parse_range};
use crate::feeds::list::{Counted, ListError};
use crate::feeds::problem::LineProblem;
use crate::feeds::reader::ReadListError;
use crate::feeds::record::{Details, Named, Record, Take};

pub(super) fn walk(
    head: &[u8],
    file: impl Read,
    field: Option<&str>,
    take: &mut Take<'_>,
) -> Result<(), ReadListError> {
    let Some(layout) = Layout::of(head, field)? else { return Ok(()) };
    let (metered, meter) = Metered::new(LineFeeds::new(file));
    let mut reader = builder(layout.delimiter).from_reader(metered);
    let mut record = ByteRecord::new();
    let mut number = 0;
    let mut is_header = layout.has_header;
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(_) if meter.is_over() => {
                return Err(ListError::TooLong { counted: Counted::Lines, number: number + 1 }.into());
            }
            Err(error) => return Err(ReadListError::Read(error.into())),
        }
        meter.reset();
        // The position is behind the record, which ends with a line feed; the record's own is before the comments above it.
        let lines = record.as_slice().split(|byte| *byte == b'\n').count() as u64;
        let line = reader.position().line().saturating_sub(lines);
        number = u32::try_from(line).unwrap_or(u32::MAX);
        if std::mem::take(&mut is_header) || record.iter().all(<[u8]>::is_empty) {
            continue;
        }
        let text = joined(&record, layout.delimiter);
        let names = entry(&record, &layout.column).map(Named::Entry);
        take(Record { number, text: &text, names, details: details(&record, &layout) });
    }
}

fn builder(delimiter: u8) -> ReaderBuilder {
    let mut builder = ReaderBuilder::new();
    // Rows of another length are told as what they are: rows without the field, or with text behind it.
    builder.has_headers(false).flexible(true).delimiter(delimiter).comment(Some(b'#')).trim(Trim::All);
    builder
}

fn entry(record: &ByteRecord, column: &Column) -> Result<Entry, LineProblem> {
    match column {
        Column::One(at) => parse_entry(field(record, *at)?),
        Column::Span(first, last) => parse_range(field(record, *first)?, field(record, *last)?),
    }
}

fn field(record: &ByteRecord, at: usize) -> Result<&str, LineProblem> {
    let Some(field) = record.get(at) else {
        return Err(LineProblem::MissingField { name: format!("column {}", at + 1) });
    };
    match str::from_utf8(field) {
        Ok("") => Err(LineProblem::EmptyField),
        Ok(text) => Ok(text),
        Err(_) => Err(LineProblem::NotAscii),
    }
}

fn details<'a>(record: &'a ByteRecord, layout: &Layout) -> Details<'a> {
    let field = |at: Option<usize>| at.and_then(|at| record.get(at)).filter(|field| !field.is_empty());
    let mut details = Details { comment: field(layout.comment), ..Details::default() };
    if let Some(seconds) = field(layout.timeout) {
        details.set_seconds(str::from_utf8(seconds).ok().and_then(|seconds| seconds.parse().ok()));
    }
    details
}

/// The row as messages show it.
fn joined(record: &ByteRecord, delimiter: u8) -> Vec<u8> {
    record.iter().collect::<Vec<_>>().join(&delimiter)
}

/// A file in which every line ends with a line feed, the last one too: by these the parser counts.
struct LineFeeds<R> {
    file: R,
    /// The last byte. A line feed after a carriage return ends no line of its own.
    last: u8,
}

impl<R> LineFeeds<R> {
    const fn new(file: R) -> Self {
        Self { file, last: b'\n' }
    }
}

impl<R: Read> Read for LineFeeds<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.file.read(room)?;
            if count == 0
                && self.last != b'\n'
                && self.last != b'\r'
                && let Some(end) = room.first_mut()
            {
                (*end, self.last) = (b'\n', b'\n');
                return Ok(1);
            }
            let mut kept = 0;
            for at in 0..count {
                let Some(byte) = room.get(at).copied() else { break };
                let is_second_half = std::mem::replace(&mut self.last, byte) == b'\r' && byte == b'\n';
                if is_second_half {
                    continue;
                }
                if let Some(place) = room.get_mut(kept) {
                    *place = if byte == b'\r' { b'\n' } else { byte };
                    kept += 1;
                }
            }
            // Nothing would mean the end of the file.
            if kept > 0 || count == 0 {
                return Ok(kept);
            }
        }
    }
}
