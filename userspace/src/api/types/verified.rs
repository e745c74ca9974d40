use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// `POST /v1/verify`: a comparison of the kernel's tables with what the policy, the lists and the bans say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// When it was done.
    pub time: Timestamp,
    /// How long it took.
    pub milliseconds: u64,
    /// Each kind of table.
    pub tables: Vec<TableDrift>,
}

/// Entries of a table that did not hold what they should, and do so again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableDrift {
    /// Which one.
    pub table: String,
    /// How many.
    pub entries: u64,
}

/// What the checks since the start of the daemon have come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChecksStatus {
    /// The last one that was done to its end.
    pub last: Option<Verified>,
    /// Why a later one was not.
    pub failed: Option<String>,
    /// Entries that were mended since the daemon started.
    pub mended: u64,
}

impl Verified {
    /// Over all tables.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.tables.iter().map(|table| table.entries).sum()
    }

    /// The tables that differed.
    #[must_use]
    pub fn in_words(&self) -> String {
        let differing = self.tables.iter().filter(|table| table.entries > 0);
        let words: Vec<_> =
            differing.map(|TableDrift { table, entries }| format!("{entries} of {table}")).collect();
        words.join(", ")
    }
}
