//! An array of objects, one on each line.

use std::io::{self, Write};

use serde::Serialize;

use super::{one_line, seconds};
use crate::feeds::reader::TimedEntry;

pub(super) fn write(out: &mut dyn Write, entries: &mut dyn Iterator<Item = TimedEntry>) -> io::Result<()> {
    out.write_all(b"[")?;
    let mut between = "\n";
    for TimedEntry { entry, timeout, comment } in entries {
        out.write_all(between.as_bytes())?;
        between = ",\n";
        let comment = comment.as_deref().map(one_line).filter(|comment| !comment.is_empty());
        let row = Row { address: entry.to_string(), timeout: timeout.map(seconds), comment };
        serde_json::to_writer(&mut *out, &row)?;
    }
    out.write_all(b"\n]\n")
}

#[derive(Serialize)]
struct Row {
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}
