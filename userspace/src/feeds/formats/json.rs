//! Addresses as strings in JSON: in one document, which may be as long as it likes, or in one on each line.
//!
//! Without a field, the one place where the document's beginning has addresses is taken; strings that are addresses in any
//! other place are a reason to ask which are meant.

mod path;
mod visit;
mod walk;

use std::io::{self, BufReader, Read};

use serde::de::{DeserializeSeed as _, IgnoredAny};

use self::path::Paths;
use self::visit::{Got, Value};
use self::walk::{Purpose, Walk};
use super::lines::each_line;
use super::meter::{Meter, Metered};
use crate::feeds::blocks::BLOCK;
use crate::feeds::lines::first_line;
use crate::feeds::list::{Counted, ListError, UTF8_BOM};
use crate::feeds::reader::ReadListError;
use crate::feeds::record::{Record, Take};

pub(super) fn walk(
    head: &[u8],
    file: impl Read,
    field: Option<&str>,
    take: &mut Take<'_>,
) -> Result<Counted, ReadListError> {
    let text = head.strip_prefix(UTF8_BOM).unwrap_or(head).trim_ascii_start();
    if text.is_empty() && head.len() < BLOCK {
        return Ok(Counted::Lines);
    }
    let counted = if is_by_line(text) { Counted::Lines } else { Counted::Elements };
    let (purpose, paths) = match field {
        Some(field) => (Purpose::Named, Paths::named(field)),
        None => (Purpose::Found, discovered(text, counted)?),
    };
    let mut walk = Walk::new(purpose, paths, counted, take);
    if counted == Counted::Lines {
        each_line(file, |number, line| {
            walk.begin_line(number);
            let read = value(line, &mut walk);
            walk.end_line(line, read);
            Ok(())
        })?;
    } else {
        document(file, |parser, meter| {
            walk.meter = meter.clone();
            let read = Value(&mut walk).deserialize(parser);
            (read.map(|got| walk.single(got)), walk.number().max(1))
        })?;
    }
    walk.check()?;
    Ok(counted)
}

/// One document on each line: the first line is a whole object, and another follows.
fn is_by_line(text: &[u8]) -> bool {
    let (line, taken) = first_line(text);
    let follows = text.get(taken..).is_some_and(|rest| rest.trim_ascii_start().starts_with(b"{"));
    follows && serde_json::from_slice::<IgnoredAny>(line).is_ok()
}

/// The place of the addresses in the first block of a file.
fn discovered(text: &[u8], counted: Counted) -> Result<Paths, ListError> {
    let mut ignore = |_: Record<'_>| {};
    let mut walk = Walk::new(Purpose::Discover, Paths::default(), counted, &mut ignore);
    if counted == Counted::Lines {
        // The last line of the block may be half a one; what is wrong with others is found when they are read.
        for line in text.split(|byte| matches!(byte, b'\n' | b'\r')) {
            walk.begin_line(0);
            let _ = value(line, &mut walk);
        }
    } else {
        // It ends where the block does, which is no error here.
        let _ = value(text, &mut walk);
    }
    walk.discovered(text)
}

fn value(text: &[u8], walk: &mut Walk<'_, '_>) -> serde_json::Result<Got> {
    let mut parser = serde_json::Deserializer::from_slice(text);
    let got = Value(walk).deserialize(&mut parser)?;
    parser.end()?;
    Ok(got)
}

/// The parser of a document that is longer than memory.
pub(super) type Parser<R> = serde_json::Deserializer<serde_json::de::IoRead<BufReader<Metered<R>>>>;

/// Reads a document as a stream. `read` also tells the number of the element at which it ended.
pub(super) fn document<R: Read>(
    file: R,
    read: impl FnOnce(&mut Parser<Marked<R>>, &Meter) -> (serde_json::Result<()>, u32),
) -> Result<(), ReadListError> {
    let (metered, meter) = Metered::new(Marked { file, begun: false });
    let mut parser = serde_json::Deserializer::from_reader(BufReader::with_capacity(BUFFER, metered));
    let (result, number) = read(&mut parser, &meter);
    result.and_then(|()| parser.end()).map_err(|error| {
        if meter.is_over() {
            return ListError::TooLong { counted: Counted::Elements, number }.into();
        }
        failure(error)
    })
}

/// Bytes that are read at once.
const BUFFER: usize = 64 * 1024;

/// What stopped the parser: the file, or the text. The parser may repeat a value of any length.
fn failure(error: serde_json::Error) -> ReadListError {
    if error.is_io() {
        return ReadListError::Read(error.into());
    }
    let text = error.to_string();
    let place = || format!("another value than expected at line {} column {}", error.line(), error.column());
    let text = if text.len() > LONGEST_MESSAGE { place() } else { text };
    if error.is_eof() {
        ListError::Json(format!("it is cut short: {text}")).into()
    } else {
        ListError::Json(text).into()
    }
}

/// In bytes.
const LONGEST_MESSAGE: usize = 200;

/// A file without its byte order mark. The first read must give at least its three bytes, as it does with a block in hand.
pub(super) struct Marked<R> {
    file: R,
    begun: bool,
}

impl<R: Read> Read for Marked<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(room)?;
        let begins = !std::mem::replace(&mut self.begun, true);
        if begins && room.get(..count).is_some_and(|read| read.starts_with(UTF8_BOM)) {
            room.copy_within(UTF8_BOM.len()..count, 0);
            let count = count - UTF8_BOM.len();
            // Nothing would mean the end of the file.
            return if count == 0 { self.file.read(room) } else { Ok(count) };
        }
        Ok(count)
    }
}
