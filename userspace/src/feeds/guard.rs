//! What no list may do to a host, whatever it holds: shut out its own network, or turn into another list overnight.

mod danger;

use std::fmt;

pub use self::danger::Danger;

use self::danger::Dangers;
use super::disjoint::DisjointRanges;
use super::lines::Entry;
use super::list::{Counted, ParsedList};

/// What is asked of a list before it takes effect.
#[derive(Clone, Debug, PartialEq)]
pub struct Guard {
    /// The length of the widest IPv4 prefix that an entry may have.
    pub widest_ipv4: u8,
    /// Likewise for IPv6.
    pub widest_ipv6: u8,
    /// The addresses and prefixes that are the host's own.
    pub own: DisjointRanges,
    /// What becomes of entries that are dangerous.
    pub dangerous: Dangerous,
    /// How many times as many entries as before a list may have, or as few: 1 or more. `None` asks nothing.
    pub ratio: Option<f64>,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            widest_ipv4: Self::WIDEST_IPV4,
            widest_ipv6: Self::WIDEST_IPV6,
            own: DisjointRanges::default(),
            dangerous: Dangerous::default(),
            ratio: Some(Self::RATIO),
        }
    }
}

impl Guard {
    /// A `/8` is the largest block that was ever given to one holder; more can only be a mistake.
    pub const WIDEST_IPV4: u8 = 8;
    /// The largest blocks that providers hold are a few of `/19`.
    pub const WIDEST_IPV6: u8 = 19;
    /// Lists of providers grow and shrink by a third overnight, seldom by more than a half.
    pub const RATIO: f64 = 4.0;
    /// So many entries more or less are never a reason to refuse a list, so that small ones can change. All entries are.
    pub const EXCUSED: usize = 100;

    /// Checks a list against what is dangerous, and against how many entries it had before.
    ///
    /// # Errors
    ///
    /// [`GuardError`] says why the list must not take effect.
    pub fn check(&self, list: ParsedList, previous: Option<usize>) -> Result<Guarded, GuardError> {
        let guarded = self.without_dangers(list)?;
        self.check_size(guarded.list.entries, previous, &guarded.left_out)?;
        Ok(guarded)
    }

    fn without_dangers(&self, mut list: ParsedList) -> Result<Guarded, GuardError> {
        let mut report = DangerReport { counted: list.counted, ..DangerReport::default() };
        if self.dangerous == Dangerous::Take {
            return Ok(Guarded { list, left_out: report });
        }
        let dangers = Dangers::new(self);
        for (line, entry) in list.numbered() {
            if let Some(danger) = dangers.of(entry) {
                report.push(DangerousEntry { line, entry, danger });
            }
        }
        if report.total > 0 && self.dangerous == Dangerous::Refuse {
            return Err(GuardError::Dangerous(report));
        }
        if report.total > 0 {
            list.retain(|entry| dangers.of(entry).is_none());
        }
        Ok(Guarded { list, left_out: report })
    }

    fn check_size(
        &self,
        entries: usize,
        previous: Option<usize>,
        left_out: &DangerReport,
    ) -> Result<(), GuardError> {
        let (Some(ratio), Some(previous)) = (self.ratio, previous) else { return Ok(()) };
        if entries == 0 && previous > 0 {
            return Err(GuardError::Emptied { previous, left_out: left_out.total });
        }
        if entries.abs_diff(previous) <= Self::EXCUSED {
            return Ok(());
        }
        #[expect(clippy::cast_precision_loss, reason = "a ratio of counts far below 2^52")]
        let (now, before) = (entries as f64, previous as f64);
        if now > before * ratio {
            return Err(GuardError::Grown { entries, previous, ratio });
        }
        if now * ratio < before {
            return Err(GuardError::Shrunk { entries, previous, ratio });
        }
        Ok(())
    }
}

/// What becomes of dangerous entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dangerous {
    /// They refuse the list.
    #[default]
    Refuse,
    /// They are left out and reported.
    LeaveOut,
    /// They are taken like all others: the list is the operator's own.
    Take,
}

/// A list that may take effect.
#[derive(Clone, Debug, PartialEq)]
pub struct Guarded {
    /// The list, without what was left out.
    pub list: ParsedList,
    /// What was left out; empty unless [`Dangerous::LeaveOut`] was asked for.
    pub left_out: DangerReport,
}

/// Dangerous entries: the first few, and how many in all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DangerReport {
    /// How many there are.
    pub total: usize,
    /// The first [`DangerReport::SHOWN`] of them, those of IPv4 first.
    pub first: Vec<DangerousEntry>,
    /// What the numbers of their lines count.
    pub counted: Counted,
}

impl DangerReport {
    /// The most entries that are kept.
    pub const SHOWN: usize = 20;

    fn push(&mut self, entry: DangerousEntry) {
        self.total += 1;
        if self.first.len() < Self::SHOWN {
            self.first.push(entry);
        }
    }
}

impl fmt::Display for DangerReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.total {
            1 => write!(formatter, "1 dangerous entry:")?,
            total => write!(formatter, "{total} dangerous entries:")?,
        }
        for DangerousEntry { line, entry, danger } in &self.first {
            write!(formatter, "\n  {} {line}: {entry}: {danger}", self.counted.singular())?;
        }
        match self.total.saturating_sub(self.first.len()) {
            0 => Ok(()),
            more => write!(formatter, "\n  and {more} more"),
        }
    }
}

/// An entry that would shut out what it must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DangerousEntry {
    /// The number of its line or element.
    pub line: u32,
    /// The entry.
    pub entry: Entry,
    /// Why it is dangerous.
    pub danger: Danger,
}

/// Why a list must not take effect.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GuardError {
    /// Entries that would shut out what they must not.
    #[error("{0}")]
    Dangerous(DangerReport),
    /// Nothing is left.
    #[error(
        "it has no entry any more, and had {previous} before{}; whoever publishes it may have lost or moved it",
        and_left_out(*.left_out)
    )]
    Emptied {
        /// How many entries it had.
        previous: usize,
        /// How many are not taken because they are dangerous.
        left_out: usize,
    },
    /// Far more entries than before.
    #[error("it has {entries} entries and had {previous} before, over {ratio} times as many")]
    Grown {
        /// How many it has.
        entries: usize,
        /// How many it had.
        previous: usize,
        /// How many times as many it may have.
        ratio: f64,
    },
    /// Far fewer.
    #[error("it has {entries} entries and had {previous} before, over {ratio} times as few")]
    Shrunk {
        /// How many it has.
        entries: usize,
        /// How many it had.
        previous: usize,
        /// How many times as few it may have.
        ratio: f64,
    },
}

fn and_left_out(count: usize) -> String {
    if count == 0 { String::new() } else { format!(" ({count} were left out as dangerous)") }
}

#[cfg(test)]
mod tests;
