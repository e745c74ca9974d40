//! A script for `ipset restore`.

use std::io::{self, Write};

use super::{SET, family, prefixes, quotable, seconds};
use crate::feeds::reader::TimedEntry;

/// In bytes.
const LONGEST_COMMENT: usize = 255;
/// ipset counts milliseconds in 32 bits: almost 25 days. What is longer is exported again before it ends.
const LONGEST_TIMEOUT: u64 = 2_147_483;

/// As many elements as ipset can count. The table grows as they come.
const MOST_ELEMENTS: u32 = u32::MAX;

pub(super) fn write(out: &mut dyn Write, entries: &mut dyn Iterator<Item = TimedEntry>) -> io::Result<()> {
    for (family, inet) in [(4, "inet"), (6, "inet6")] {
        // A timeout of 0 means: for good, if an element says nothing else.
        writeln!(
            out,
            "create {SET}{family} hash:net family {inet} maxelem {MOST_ELEMENTS} timeout 0 comment"
        )?;
    }
    for TimedEntry { entry, timeout, comment } in entries {
        let seconds = timeout.map_or(0, |timeout| seconds(timeout).min(LONGEST_TIMEOUT));
        let comment =
            comment.map(|comment| quotable(&comment, LONGEST_COMMENT)).filter(|text| !text.is_empty());
        for prefix in prefixes(entry) {
            write!(out, "add {SET}{} {prefix} timeout {seconds}", family(entry))?;
            match &comment {
                Some(comment) => writeln!(out, " comment \"{comment}\"")?,
                None => writeln!(out)?,
            }
        }
    }
    Ok(())
}
