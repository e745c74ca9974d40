//! The Tor Project's `exit-addresses`: of each exit four lines, the last of which has its address.

use std::io::Read;

use super::lines::each_line;
use crate::feeds::lines::parse_entry;
use crate::feeds::problem::LineProblem;
use crate::feeds::reader::ReadListError;
use crate::feeds::record::{Record, Take};

/// What the lines say that name no address.
const OTHERS: [&str; 3] = ["ExitNode", "Published", "LastStatus"];

pub(super) fn walk(file: impl Read, take: &mut Take<'_>) -> Result<(), ReadListError> {
    each_line(file, |number, line| {
        let Some(entry) = address(line) else { return Ok(()) };
        let entry = entry.and_then(parse_entry);
        take(Record::of_entry(number, line, entry));
        Ok(())
    })
}

fn address(line: &[u8]) -> Option<Result<&str, LineProblem>> {
    let Ok(line) = str::from_utf8(line) else { return Some(Err(LineProblem::NotAscii)) };
    let mut words = line.split_ascii_whitespace();
    match words.next()? {
        "ExitAddress" => Some(words.next().ok_or(LineProblem::Form { expected: EXPECTED })),
        word if OTHERS.contains(&word) || word.starts_with('#') => None,
        _ => Some(Err(LineProblem::Form { expected: EXPECTED })),
    }
}

const EXPECTED: &str = "not a line of exit-addresses, such as: ExitAddress 192.0.2.1 2026-01-31 12:00:00";
