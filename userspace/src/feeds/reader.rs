//! Reads lists of every format.

use std::io::{self, Read};
use std::net::IpAddr;
use std::time::Duration;

use super::blocks;
use super::formats::plain::{Lines, collect};
use super::formats::{self, Walked};
use super::lines::Entry;
use super::list::{BadLineReport, BadLines, Counted, ListError, ParsedList, shown};
use super::problem::LineProblem;
use super::reading::{Format, Reading};
use super::recognise::{is_blank, recognise};
use super::record::{Named, Record};

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

/// An entry, with what a set or an export says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedEntry {
    /// The addresses.
    pub entry: Entry,
    /// For how long it is to be there still; `None` is for good.
    pub timeout: Option<Duration>,
    /// Why it is there.
    pub comment: Option<String>,
}

/// What became of the entries of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadEntries {
    /// How many were taken.
    pub entries: usize,
    /// What was left out; empty unless [`BadLines::Skip`] was asked for.
    pub skipped: BadLineReport,
    /// The format that the file has.
    pub format: Format,
}

/// Reads a list as [`parse_list`] does, from a file. What is held in memory is a block of it, or a little more than the
/// longest line or JSON value, which may have 1 MiB, and the ranges.
///
/// # Errors
///
/// [`ReadListError`] when the file can't be read, or for the reasons of [`parse_list`].
pub fn read_list(mut file: impl Read, how: &Reading) -> Result<ParsedList, ReadListError> {
    let head = blocks::head(&mut file)?;
    if is_blank(&head) {
        return Ok(blank(how));
    }
    let mut list = ParsedList::default();
    let format = format_of(&head, how)?;
    let walked = if format == Format::Plain {
        collect(head.chain(file), &mut list)?;
        Walked { format, counted: Counted::Lines }
    } else {
        formats::walk(format, &head, file, how, &mut |record| list.push(record))?
    };
    Ok(finished(list, &walked, how.bad)?)
}

/// Reads a list.
///
/// # Errors
///
/// [`ListError`] when a record can't be read and is not to be skipped, when nothing at all can be read, or when the whole
/// can't be a list, or not the one that is meant.
pub fn parse_list(bytes: &[u8], how: &Reading) -> Result<ParsedList, ListError> {
    let head = bytes.get(..blocks::BLOCK).unwrap_or(bytes);
    if is_blank(head) {
        return Ok(blank(how));
    }
    let mut list = ParsedList::default();
    let format = format_of(head, how)?;
    if format == Format::Plain {
        // Without a copy of the text.
        Lines::default().collect(bytes, &mut list)?;
        return finished(list, &Walked { format, counted: Counted::Lines }, how.bad);
    }
    let rest = bytes.get(head.len()..).unwrap_or_default();
    match formats::walk(format, head, rest, how, &mut |record| list.push(record)) {
        Ok(walked) => finished(list, &walked, how.bad),
        Err(ReadListError::List(error)) => Err(error),
        Err(ReadListError::Read(error)) => Err(ListError::Json(error.to_string())),
    }
}

/// Reads the entries of a file with what it says of each: how long it is to stay, and why it is there. They come in the
/// order of the file, before it is known whether all of it can be read: act on them only after `Ok`.
///
/// # Errors
///
/// As [`read_list`], and when the file names autonomous systems.
pub fn read_entries(
    mut file: impl Read,
    how: &Reading,
    mut take: impl FnMut(TimedEntry),
) -> Result<ReadEntries, ReadListError> {
    let mut list = ParsedList::default();
    let mut entries = 0;
    let head = blocks::head(&mut file)?;
    let format = format_of(&head, how)?;
    let walked = formats::walk(format, &head, file, how, &mut |record| match record.names {
        Ok(Named::Entry(_)) if record.details.bad_timeout => {
            list.push(Record { names: Err(LineProblem::Timeout), ..record });
        }
        Ok(Named::Entry(entry)) => {
            entries += 1;
            let comment = record.details.comment.map(|comment| String::from_utf8_lossy(comment).into_owned());
            take(TimedEntry { entry, timeout: record.details.timeout, comment });
        }
        Ok(Named::System(_)) | Err(_) => list.push(record),
    })?;
    let list = list.addresses_only()?;
    let skipped = checked(list.skipped, entries, &walked, how.bad)?;
    Ok(ReadEntries { entries, skipped, format: walked.format })
}

/// The records of a list that cover an address: the numbers of their lines or elements, and their text. Records that can't
/// be read cover nothing.
///
/// # Errors
///
/// When the file can't be read.
pub fn lines_covering(mut file: impl Read, how: &Reading, address: IpAddr) -> io::Result<Vec<(u32, String)>> {
    let mut found = Vec::new();
    let head = blocks::head(&mut file)?;
    let Ok(format) = format_of(&head, how) else { return Ok(found) };
    let walked = formats::walk(format, &head, file, how, &mut |record: Record<'_>| {
        if matches!(record.names, Ok(Named::Entry(entry)) if entry.contains(address)) {
            found.push((record.number, shown(record.text)));
        }
    });
    match walked {
        Err(ReadListError::Read(error)) => Err(error),
        // What is wrong with the rest does not change what was found.
        Err(ReadListError::List(_)) | Ok(_) => Ok(found),
    }
}

/// What a file without anything is: no format has it, and each would have another reason to refuse it.
fn blank(how: &Reading) -> ParsedList {
    ParsedList { blank: true, format: how.format.unwrap_or_default(), ..ParsedList::default() }
}

fn format_of(head: &[u8], how: &Reading) -> Result<Format, ListError> {
    let seen = recognise(head)?;
    let format = how.format.unwrap_or(seen);
    formats::check_settings(format, how)?;
    Ok(format)
}

fn finished(mut list: ParsedList, walked: &Walked, bad: BadLines) -> Result<ParsedList, ListError> {
    list.count();
    (list.format, list.counted) = (walked.format, walked.counted);
    list.skipped = checked(list.skipped, list.entries, walked, bad)?;
    Ok(list)
}

/// The bad lines, if they are no reason to refuse all.
fn checked(
    mut skipped: BadLineReport,
    entries: usize,
    walked: &Walked,
    bad: BadLines,
) -> Result<BadLineReport, ListError> {
    skipped.counted = walked.counted;
    if skipped.total > 0 && bad == BadLines::Refuse {
        return Err(ListError::BadLines(skipped));
    }
    if skipped.total > 0 && entries == 0 {
        return Err(ListError::NothingReadable(skipped));
    }
    Ok(skipped)
}

#[cfg(test)]
mod tests;
