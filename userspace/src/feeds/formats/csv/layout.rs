//! What the columns of a CSV file are.

use csv::ByteRecord;

use super::{LineFeeds, builder};
use crate::feeds::lines::{parse_entry, without_comment};
use crate::feeds::list::{ListError, UTF8_BOM, shown};
use crate::feeds::recognise::{beginning, delimiter, lines};

/// What the columns of a file are.
pub(super) struct Layout {
    pub(super) delimiter: u8,
    /// Whether the first row has the names of the columns.
    pub(super) has_header: bool,
    /// Where the addresses are.
    pub(super) column: Column,
    /// Where it is said why.
    pub(super) comment: Option<usize>,
    /// Where it is said for how many seconds.
    pub(super) timeout: Option<usize>,
}

/// Where the addresses are.
pub(super) enum Column {
    /// Addresses, prefixes or ranges.
    One(usize),
    /// The first and the last address of ranges.
    Span(usize, usize),
}

/// So many rows tell what the columns are.
const ROWS: usize = 200;

impl Layout {
    /// The layout of a file that begins so; `None` when it has no row.
    pub(super) fn of(head: &[u8], field: Option<&str>) -> Result<Option<Self>, ListError> {
        let text = head.strip_prefix(UTF8_BOM).unwrap_or(head);
        let mut records = lines(text).map(<[u8]>::trim_ascii);
        let Some(first) = records.find(|line| !line.is_empty() && !line.starts_with(b"#")) else {
            return Ok(None);
        };
        // A file of one column has none.
        let delimiter = delimiter(first).unwrap_or(b',');
        let rows = rows(text, delimiter);
        let Some(first) = rows.first() else { return Ok(None) };
        let names: Vec<String> = first.iter().map(shown).collect();
        let has_header = !first.iter().any(is_address);
        let known =
            |wanted: &str| names.iter().position(|name| has_header && name.eq_ignore_ascii_case(wanted));
        let (comment, timeout) = (known("comment"), known("timeout"));
        let column = if let Some(field) = field {
            named_column(field, &names, has_header)?
        } else {
            let body = rows.get(usize::from(has_header)..).unwrap_or_default();
            if body.is_empty() && first.len() > 1 && first.iter().all(is_name) {
                return Ok(None);
            }
            found_column(body, &names, has_header, comment, head)?
        };
        Ok(Some(Self { delimiter, has_header, column, comment, timeout }))
    }
}

fn rows(text: &[u8], delimiter: u8) -> Vec<ByteRecord> {
    let reader = builder(delimiter).from_reader(LineFeeds::new(text));
    let records = reader.into_byte_records().map_while(Result::ok);
    records.filter(|record| !record.iter().all(<[u8]>::is_empty)).take(ROWS).collect()
}

/// What columns are called, unlike the words of a message.
fn is_name(field: &[u8]) -> bool {
    field.first().is_some_and(u8::is_ascii_alphabetic) && field.is_ascii() && !field.contains(&b' ')
}

fn is_address(field: &[u8]) -> bool {
    without_comment(field) == field && str::from_utf8(field).is_ok_and(|field| parse_entry(field).is_ok())
}

/// `NAME`, `2`, or one of them on both sides of `..`.
fn named_column(field: &str, names: &[String], has_header: bool) -> Result<Column, ListError> {
    let find = |name: &str| {
        let name = name.trim();
        let by_name = names.iter().position(|known| has_header && known.eq_ignore_ascii_case(name));
        let by_number = || name.parse::<usize>().ok()?.checked_sub(1);
        by_name.or_else(by_number).ok_or_else(|| ListError::NoSuch {
            what: "column",
            name: name.to_owned(),
            names: if has_header { names.to_vec() } else { Vec::new() },
        })
    };
    match field.split_once("..") {
        Some((first, last)) => Ok(Column::Span(find(first)?, find(last)?)),
        None => Ok(Column::One(find(field)?)),
    }
}

/// The one column with addresses.
fn found_column(
    rows: &[ByteRecord],
    names: &[String],
    has_header: bool,
    comment: Option<usize>,
    head: &[u8],
) -> Result<Column, ListError> {
    let widest = rows.iter().map(ByteRecord::len).max().unwrap_or(0);
    let has_address = |at: &usize| rows.iter().any(|row| row.get(*at).is_some_and(is_address));
    let columns: Vec<usize> = (0..widest).filter(|at| Some(*at) != comment).filter(has_address).collect();
    match columns.as_slice() {
        [] => Err(ListError::NoAddresses { what: "CSV", beginning: beginning(head) }),
        [one] => Ok(Column::One(*one)),
        several => {
            let name = |at: &usize| match names.get(*at).filter(|_| has_header) {
                Some(name) => name.clone(),
                None => (at + 1).to_string(),
            };
            let mut names: Vec<String> = several.iter().map(name).collect();
            if let [first, last] = names.as_slice() {
                names.push(format!("{first}..{last}"));
            }
            Err(ListError::Several { what: "columns", names })
        }
    }
}
