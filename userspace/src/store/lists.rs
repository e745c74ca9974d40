use std::path::PathBuf;
use std::{fs, io};

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::{Store, StoreError, bad_column, timestamp};
use crate::config::{Mode, Name};

/// A blocklist that an operator added.
#[derive(Clone, Debug, PartialEq, Eq)]
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
}

impl Store {
    /// Writes the list and its text; a list of that name is replaced.
    ///
    /// The text goes first: a crash in between leaves a text without a row, which the next start removes, or a newer
    /// text under an older row, whose count the next start corrects.
    ///
    /// # Errors
    /// When the disk or the database refuses.
    pub fn put_list(&self, list: &ListRecord, text: &[u8]) -> Result<(), StoreError> {
        self.lists.write(&list.name, text)?;
        let sql = "INSERT OR REPLACE INTO lists (name, mode, skip_bad, entries, added_unix_ms) VALUES (?1, ?2, ?3, ?4, ?5)";
        let entries = i64::try_from(list.entries).unwrap_or(i64::MAX);
        let row = params![
            list.name.to_string(),
            mode_text(list.mode),
            list.skip_bad,
            entries,
            list.added.as_millisecond()
        ];
        self.connection().execute(sql, row).map(|_| ()).map_err(|source| self.failed(source))
    }

    /// Removes the list and its text.
    ///
    /// # Errors
    /// When the disk or the database refuses.
    pub fn delete_list(&self, name: &Name) -> Result<(), StoreError> {
        let deleted = self.connection().execute("DELETE FROM lists WHERE name = ?1", [name.to_string()]);
        deleted.map_err(|source| self.failed(source))?;
        self.lists.remove(name)
    }

    /// Every list, oldest first: the order decides which bit a list gets, so newer lists leave older ones in place.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn lists(&self) -> Result<Vec<ListRecord>, StoreError> {
        let connection = self.connection();
        let sql =
            "SELECT name, mode, skip_bad, entries, added_unix_ms FROM lists ORDER BY added_unix_ms, name";
        let mut statement = connection.prepare_cached(sql).map_err(|source| self.failed(source))?;
        let rows = statement.query_map([], read).and_then(Iterator::collect);
        rows.map_err(|source| self.failed(source))
    }

    /// Where the text of a list is.
    #[must_use]
    pub fn list_path(&self, name: &Name) -> PathBuf {
        self.lists.path(name)
    }

    /// The text of a list; `None` when there is no such list.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn list_text(&self, name: &Name) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.list_path(name);
        match fs::read(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StoreError::Io { what: "cannot read the list", path, source }),
        }
    }

    pub(super) fn remove_orphaned_list_files(&self) -> Result<(), StoreError> {
        let names: Vec<_> = self.lists()?.into_iter().map(|list| list.name).collect();
        self.lists.retain(&names)
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<ListRecord> {
    let name: String = row.get(0)?;
    let mode: String = row.get(1)?;
    Ok(ListRecord {
        name: name.parse().map_err(|error| bad_column(0, error))?,
        // An unknown word would be a newer schema's; to enforce is the side that protects.
        mode: if mode == mode_text(Mode::Monitor) { Mode::Monitor } else { Mode::Enforce },
        skip_bad: row.get(2)?,
        entries: row.get::<_, i64>(3)?.unsigned_abs(),
        added: timestamp(row.get(4)?),
    })
}

const fn mode_text(mode: Mode) -> &'static str {
    match mode {
        Mode::Enforce => "enforce",
        Mode::Monitor => "monitor",
    }
}
