use std::fs;
use std::io;
use std::path::Path;

use jiff::Timestamp;

use super::{KEPT, numbered};
use crate::api::types::AuditEntry;

/// The last entries of a log, oldest first, over all of its files. Lines that are none are left out: a full disk can leave
/// half of one.
///
/// # Errors
/// When a file is there and cannot be read.
pub fn read_audit(path: &Path, last: usize, since: Option<Timestamp>) -> io::Result<Vec<AuditEntry>> {
    let mut newest_first = Vec::new();
    for number in 0..=KEPT {
        let bytes = match fs::read(numbered(path, number)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(error) => return Err(error),
        };
        let lines = bytes.rsplit(|byte| *byte == b'\n');
        for entry in lines.filter_map(|line| serde_json::from_slice::<AuditEntry>(line).ok()) {
            let too_old = since.is_some_and(|since| entry.time < since);
            if too_old || newest_first.len() == last {
                newest_first.reverse();
                return Ok(newest_first);
            }
            newest_first.push(entry);
        }
    }
    newest_first.reverse();
    Ok(newest_first)
}
