//! A script for `nft -f`.

use std::io::{self, Write};

use super::{SET, family, quotable, seconds};
use crate::feeds::reader::TimedEntry;

/// In bytes.
pub(super) const LONGEST_COMMENT: usize = 127;
/// Elements that are added with one command. Each command costs nft some time, and each line should be readable.
pub(super) const TOGETHER: usize = 100;

pub(super) fn write(out: &mut dyn Write, entries: &mut dyn Iterator<Item = TimedEntry>) -> io::Result<()> {
    writeln!(out, "add table inet {SET}")?;
    for family in [4, 6] {
        // Entries may lie within each other, which intervals must not.
        writeln!(
            out,
            "add set inet {SET} {SET}{family} {{ type ipv{family}_addr; flags interval, timeout; auto-merge; }}"
        )?;
    }
    let (mut ipv4, mut ipv6) = (Elements::new(4), Elements::new(6));
    for timed in entries {
        let elements = if family(timed.entry) == 4 { &mut ipv4 } else { &mut ipv6 };
        elements.push(&timed, out)?;
    }
    ipv4.flush(out)?;
    ipv6.flush(out)
}

/// Elements for one command.
struct Elements {
    family: u8,
    lines: Vec<String>,
}

impl Elements {
    const fn new(family: u8) -> Self {
        Self { family, lines: Vec::new() }
    }

    fn push(&mut self, timed: &TimedEntry, out: &mut dyn Write) -> io::Result<()> {
        let timeout = timed.timeout.map(|timeout| format!(" timeout {}s", seconds(timeout)));
        let comment = timed.comment.as_deref().map(|comment| quotable(comment, LONGEST_COMMENT));
        let comment = comment.filter(|comment| !comment.is_empty());
        let comment = comment.map(|comment| format!(" comment \"{comment}\""));
        self.lines.push(format!(
            "{}{}{}",
            timed.entry,
            timeout.unwrap_or_default(),
            comment.unwrap_or_default()
        ));
        if self.lines.len() == TOGETHER { self.flush(out) } else { Ok(()) }
    }

    fn flush(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let elements = self.lines.join(",\n\t");
        self.lines.clear();
        writeln!(out, "add element inet {SET} {SET}{} {{\n\t{elements}\n}}", self.family)
    }
}
