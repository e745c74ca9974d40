use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};

use super::{Store, StoreError, bad_column, timestamp};
use crate::config::{Mode, Name};

/// A blocklist that an operator added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListRecord {
    /// Its name.
    pub name: Name,
    /// Whether it drops or only counts.
    pub mode: Mode,
    /// Whether lines that are no address are left out instead of refused.
    pub skip_bad: bool,
    /// How many lines were read.
    pub entries: u64,
    /// Since when.
    pub added: Timestamp,
    /// The file of its text, among those of all lists.
    pub file: String,
}

impl Store {
    /// Keeps the text of a list, for a change that names it. Returns the name of its file.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn keep_list_text(&self, name: &Name, text: &[u8]) -> Result<String, StoreError> {
        self.lists.keep(name, text)
    }

    /// Where the text of a list is.
    #[must_use]
    pub fn list_path(&self, file: &str) -> PathBuf {
        self.lists.path(file)
    }

    /// Removes the texts that neither a list nor the history nor a copy names.
    pub(super) fn remove_unused_list_files(&self) -> Result<(), StoreError> {
        let read = || -> rusqlite::Result<BTreeSet<String>> {
            let connection = self.connection();
            let sql =
                "SELECT file FROM lists UNION SELECT file FROM history_files UNION SELECT file FROM feeds";
            connection.prepare_cached(sql)?.query_map([], |row| row.get(0))?.collect()
        };
        self.lists.retain(&read().map_err(|source| self.failed(source))?)
    }
}

/// Every list, oldest first: the order decides which bit a list gets, so newer lists leave older ones in place.
pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<ListRecord>> {
    let sql =
        "SELECT name, mode, skip_bad, entries, added_unix_ms, file FROM lists ORDER BY added_unix_ms, name";
    connection.prepare_cached(sql)?.query_map([], read)?.collect()
}

pub(super) fn replace_all(connection: &Connection, lists: &[ListRecord]) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM lists", [])?;
    let sql = "INSERT INTO lists (name, mode, skip_bad, entries, added_unix_ms, file) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let mut statement = connection.prepare_cached(sql)?;
    for list in lists {
        let entries = i64::try_from(list.entries).unwrap_or(i64::MAX);
        let (name, mode, added) = (list.name.as_str(), list.mode.as_str(), list.added.as_millisecond());
        statement.execute(params![name, mode, list.skip_bad, entries, added, list.file])?;
    }
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<ListRecord> {
    let name: String = row.get(0)?;
    let mode: String = row.get(1)?;
    Ok(ListRecord {
        name: name.parse().map_err(|error| bad_column(0, error))?,
        mode: mode_of(&mode),
        skip_bad: row.get(2)?,
        entries: row.get::<_, i64>(3)?.unsigned_abs(),
        added: timestamp(row.get(4)?),
        file: row.get(5)?,
    })
}

/// An unknown word would be a newer schema's; to enforce is the side that protects.
pub(super) fn mode_of(word: &str) -> Mode {
    if word == Mode::Monitor.as_str() { Mode::Monitor } else { Mode::Enforce }
}
