//! Plain lines and CSV.

use std::io::{self, Write};

use super::{one_line, seconds};
use crate::feeds::reader::TimedEntry;

pub(super) fn plain(out: &mut dyn Write, entries: &mut dyn Iterator<Item = TimedEntry>) -> io::Result<()> {
    for TimedEntry { entry, comment, .. } in entries {
        match comment.as_deref().map(one_line).filter(|comment| !comment.is_empty()) {
            Some(comment) => writeln!(out, "{entry} # {comment}")?,
            None => writeln!(out, "{entry}")?,
        }
    }
    Ok(())
}

pub(super) fn csv(out: &mut dyn Write, entries: &mut dyn Iterator<Item = TimedEntry>) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(out);
    rows.write_record(["address", "timeout", "comment"])?;
    for TimedEntry { entry, timeout, comment } in entries {
        let timeout = timeout.map(|timeout| seconds(timeout).to_string()).unwrap_or_default();
        let comment = comment.as_deref().map(one_line).unwrap_or_default();
        rows.write_record([entry.to_string(), timeout, comment])?;
    }
    rows.flush()
}
