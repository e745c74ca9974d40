//! What operators changed, kept across restarts and `kill -9`: bans, allow entries, lists and settings.
//!
//! One database file in WAL mode with `synchronous=FULL`: when a call returns, the change is on the disk. List texts are
//! files beside it, because they can be hundreds of megabytes. Every call blocks; async code calls from a thread of
//! its own.

mod allow;
mod bans;
mod error;
mod list_files;
mod lists;
mod schema;
mod settings;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;

pub use self::allow::AllowRecord;
pub use self::bans::BanRecord;
pub use self::error::StoreError;
pub use self::lists::ListRecord;
pub use self::settings::Setting;

use self::list_files::ListFiles;

const FILE_NAME: &str = "xdpgate.db";

/// The operators' changes on disk.
#[derive(Debug)]
pub struct Store {
    connection: Mutex<Connection>,
    lists: ListFiles,
    path: PathBuf,
    created: bool,
}

impl Store {
    /// Opens the store in `directory`, creates what is missing and brings an older schema up to date.
    ///
    /// # Errors
    /// When the directory cannot be used, or the database is damaged or was written by a newer version.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let lists = ListFiles::in_directory(&directory.join("lists"))?;
        let path = directory.join(FILE_NAME);
        let created = !path.exists();
        let mut connection = connect(&path).map_err(|source| StoreError::at(&path, source))?;
        schema::migrate(&mut connection, &path)?;
        let store = Self { connection: Mutex::new(connection), lists, path, created };
        store.remove_orphaned_list_files()?;
        Ok(store)
    }

    /// Whether [`Store::open`] found no database and made a new one.
    #[must_use]
    pub const fn was_created(&self) -> bool {
        self.created
    }

    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic elsewhere cannot leave a transaction half done: its guard rolled it back.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, source: rusqlite::Error) -> StoreError {
        StoreError::at(&self.path, source)
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        let damaged = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        return Err(rusqlite::Error::SqliteFailure(damaged, Some(verdict)));
    }
    Ok(connection)
}

fn create_directory(path: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(path).map_err(|source| StoreError::Io {
        what: "cannot create the directory",
        path: path.to_owned(),
        source,
    })
}

/// A time as the database has it. Out of range means a damaged row; the epoch makes such a ban an expired one.
fn timestamp(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A column whose text does not parse.
fn bad_column<E: std::error::Error + Send + Sync + 'static>(column: usize, error: E) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
}
