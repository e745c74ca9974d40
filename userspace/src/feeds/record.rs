//! What the readers of all formats give, one after the other.

use std::time::Duration;

use super::lines::Entry;
use super::problem::LineProblem;

/// One record of a list. Comments and blank lines are none.
pub(super) struct Record<'a> {
    /// The number of its line or of its element, from 1.
    pub(super) number: u32,
    /// As it stands in the file, for messages.
    pub(super) text: &'a [u8],
    /// What it names.
    pub(super) names: Result<Named, LineProblem>,
    /// What the file says of it besides.
    pub(super) details: Details<'a>,
}

/// What a record names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// Addresses.
    Entry(Entry),
    /// An autonomous system.
    System(u32),
}

/// What sets and exports say of an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Details<'a> {
    /// For how long it is to be there still.
    pub(super) timeout: Option<Duration>,
    /// Whether it says so in a way that can't be read. That matters only where the time does.
    pub(super) bad_timeout: bool,
    /// Why it is there.
    pub(super) comment: Option<&'a [u8]>,
}

impl Details<'_> {
    /// The seconds of a column or member; `None` is none that can be read.
    pub(super) fn set_seconds(&mut self, seconds: Option<u64>) {
        self.timeout = seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs);
        self.bad_timeout = self.timeout.is_none();
    }
}

/// Takes the records of a list.
pub(super) type Take<'a> = dyn FnMut(Record<'_>) + 'a;

impl<'a> Record<'a> {
    /// A record without details.
    pub(super) fn new(number: u32, text: &'a [u8], names: Result<Named, LineProblem>) -> Self {
        Self { number, text, names, details: Details::default() }
    }

    /// A record of addresses.
    pub(super) fn of_entry(number: u32, text: &'a [u8], entry: Result<Entry, LineProblem>) -> Self {
        Self::new(number, text, entry.map(Named::Entry))
    }
}
