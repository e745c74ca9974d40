//! The last good copies of lists that are fetched.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Store, StoreError, bad_column, timestamp};
use crate::config::Name;

/// The last good copy of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedRecord {
    /// The list.
    pub name: Name,
    /// Where it came from: the copy of another address is none of this list.
    pub url: String,
    /// The file of its text, among those of all lists.
    pub file: String,
    /// What the server called this version.
    pub etag: Option<String>,
    /// When the server says it was changed, in its own words.
    pub last_modified: Option<String>,
    /// When it came.
    pub fetched: Timestamp,
    /// When the server last said that it is the newest.
    pub checked: Timestamp,
}

impl Store {
    /// A file beside those of the lists, for a text that is not complete yet. It is gone when it is dropped.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn download(&self) -> Result<tempfile::NamedTempFile, StoreError> {
        let folder = self.downloads();
        tempfile::NamedTempFile::new_in(&folder).map_err(|source| StoreError::Io {
            what: "cannot make a file in",
            path: folder,
            source,
        })
    }

    /// Keeps a text that was downloaded, for a change that names it. Returns the name of its file.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn keep_download(&self, name: &Name, text: tempfile::NamedTempFile) -> Result<String, StoreError> {
        self.lists.adopt(name, text)
    }

    /// The last good copy of a list from this address.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn feed(&self, name: &Name, url: &str) -> Result<Option<FeedRecord>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM feeds WHERE name = ?1 AND url = ?2");
        let connection = self.connection();
        let found = connection.query_row(&sql, params![name.as_str(), url], read).optional();
        found.map_err(|source| self.failed(source))
    }

    /// Puts new copies in the place of those before, where the policy as such stays.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn keep_feeds(&self, feeds: &[FeedRecord]) -> Result<(), StoreError> {
        let mut connection = self.connection();
        let mut work = || {
            let transaction = connection.transaction()?;
            put(&transaction, feeds)?;
            transaction.commit()
        };
        work().map_err(|source| self.failed(source))
    }

    /// Whether this is the text that is kept in `file`.
    #[must_use]
    pub fn is_kept(&self, file: &str, text: &Path) -> bool {
        self.lists.is(file, text)
    }

    /// Notes that the copy is still the newest there is, and what the server calls it now.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn feed_is_current(
        &self,
        name: &Name,
        checked: Timestamp,
        (etag, last_modified): (Option<&str>, Option<&str>),
    ) -> Result<(), StoreError> {
        let sql = "UPDATE feeds SET checked_unix_ms = ?2, etag = ?3, last_modified = ?4 WHERE name = ?1";
        let values = params![name.as_str(), checked.as_millisecond(), etag, last_modified];
        let changed = self.connection().execute(sql, values);
        changed.map(drop).map_err(|source| self.failed(source))
    }

    /// Removes copies of lists that are not `known`, and have not been the newest since `before`: an operator may go back to
    /// a policy that has them.
    ///
    /// # Errors
    /// When the database or the disk refuses.
    pub fn forget_feeds(&self, known: &BTreeSet<Name>, before: Timestamp) -> Result<(), StoreError> {
        let forget = || -> rusqlite::Result<()> {
            let connection = self.connection();
            let mut old = connection.prepare("SELECT name FROM feeds WHERE checked_unix_ms < ?1")?;
            let names = old.query_map([before.as_millisecond()], |row| row.get::<_, String>(0))?;
            for name in names.collect::<rusqlite::Result<Vec<_>>>()? {
                if !known.iter().any(|known| known.as_str() == name) {
                    connection.execute("DELETE FROM feeds WHERE name = ?1", [name])?;
                }
            }
            Ok(())
        };
        forget().map_err(|source| self.failed(source))?;
        self.remove_unused_list_files()
    }

    /// Removes what a daemon left behind that was killed during a download.
    pub(super) fn prepare_downloads(&self) -> Result<(), StoreError> {
        let folder = self.downloads();
        super::create_directory(&folder)?;
        let refused =
            |path: &Path, source| StoreError::Io { what: "cannot clear", path: path.to_owned(), source };
        for entry in std::fs::read_dir(&folder).map_err(|source| refused(&folder, source))? {
            let path = entry.map_err(|source| refused(&folder, source))?.path();
            std::fs::remove_file(&path).map_err(|source| refused(&path, source))?;
        }
        Ok(())
    }

    fn downloads(&self) -> std::path::PathBuf {
        self.directory().join("downloads")
    }
}

const COLUMNS: &str = "name, url, file, etag, last_modified, fetched_unix_ms, checked_unix_ms";

/// Puts new copies in the place of those before.
pub(super) fn put(connection: &Connection, feeds: &[FeedRecord]) -> rusqlite::Result<()> {
    let sql = format!("INSERT OR REPLACE INTO feeds ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    let mut statement = connection.prepare_cached(&sql)?;
    for feed in feeds {
        statement.execute(params![
            feed.name.as_str(),
            feed.url,
            feed.file,
            feed.etag,
            feed.last_modified,
            feed.fetched.as_millisecond(),
            feed.checked.as_millisecond(),
        ])?;
    }
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<FeedRecord> {
    let name: String = row.get(0)?;
    Ok(FeedRecord {
        name: name.parse().map_err(|error| bad_column(0, error))?,
        url: row.get(1)?,
        file: row.get(2)?,
        etag: row.get(3)?,
        last_modified: row.get(4)?,
        fetched: timestamp(row.get(5)?),
        checked: timestamp(row.get(6)?),
    })
}
