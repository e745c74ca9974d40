//! What operators changed, kept across restarts and `kill -9`: bans, allow entries, lists and settings.
//!
//! One database file in WAL mode. When a call returns, the change survives the end of the process. It also survives a loss of
//! power, except for changes of bans: they do not wait for the disk, which [`Store::keep_up`] does for them about once a
//! second. Those that need not be in the database at once are spooled in a file before it. List texts are files beside the database, because they can be hundreds of megabytes. A change of the policy and its entry in the
//! history are one transaction. Every call blocks; async
//! code calls from a thread of its own.

mod allow;
mod bans;
mod durability;
mod error;
mod feeds;
mod history;
mod list_files;
mod lists;
mod offenders;
mod schema;
mod settings;
mod snapshot;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;

pub use self::allow::AllowRecord;
pub use self::bans::{BanChange, BanKey, BanNote, BanRecord, EndedBans, NoteId};
pub use self::error::StoreError;
pub use self::feeds::FeedRecord;
pub use self::history::{HistoryRecord, Kept, NewEntry, PendingRecord};
pub use self::lists::ListRecord;
pub use self::offenders::Offender;
pub use self::settings::Setting;
pub use self::snapshot::{OperatorState, PolicyText, Snapshot};

use self::bans::Spool;
use self::durability::Durability;
use self::list_files::ListFiles;

const FILE_NAME: &str = "xdpgate.db";
/// More than any connection uses.
const STATEMENTS: usize = 32;

/// The operators' changes on disk.
#[derive(Debug)]
pub struct Store {
    connection: Mutex<Connection>,
    /// Changes bans.
    bans: Mutex<Connection>,
    /// Reads bans: in this mode readers and writers do not wait for each other.
    reader: Mutex<Connection>,
    spool: Mutex<Spool>,
    durability: Durability,
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
        let failed = |source| StoreError::at(&path, source);
        let mut connection = connect(&path, "FULL").and_then(checked).map_err(failed)?;
        schema::migrate(&mut connection, &path)?;
        let (spool, spooled) = Spool::open(directory)?;
        let store = Self {
            connection: Mutex::new(connection),
            bans: Mutex::new(connect(&path, "NORMAL").map_err(failed)?),
            reader: Mutex::new(connect(&path, "NORMAL").map_err(failed)?),
            spool: Mutex::new(spool),
            durability: Durability::of(&path),
            lists,
            path,
            created,
        };
        store.take_spooled(&spooled)?;
        store.prepare_downloads()?;
        store.remove_unused_list_files()?;
        Ok(store)
    }

    /// Whether [`Store::open`] found no database and made a new one.
    #[must_use]
    pub const fn was_created(&self) -> bool {
        self.created
    }

    /// Where the database is, and what else belongs to it.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// As a full disk would.
    #[cfg(test)]
    pub(crate) fn refuse_changes_of_bans(&self, on: bool) {
        self.ban_connection().pragma_update(None, "query_only", on).unwrap();
    }

    /// Likewise.
    #[cfg(test)]
    pub(crate) fn refuse_spooling(&self) {
        self.spool().refuse();
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        lock(&self.connection)
    }

    fn ban_connection(&self) -> MutexGuard<'_, Connection> {
        lock(&self.bans)
    }

    fn spool(&self) -> MutexGuard<'_, Spool> {
        self.spool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reader(&self) -> MutexGuard<'_, Connection> {
        lock(&self.reader)
    }

    fn failed(&self, source: rusqlite::Error) -> StoreError {
        StoreError::at(&self.path, source)
    }
}

/// A panic elsewhere cannot leave a transaction half done: its guard rolled it back.
fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

/// With `synchronous=NORMAL` a change is in the write-ahead log when it is made, with `FULL` the log is on the disk.
fn connect(path: &Path, synchronous: &str) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    // Nobody who changes something waits for a checkpoint.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

fn checked(connection: Connection) -> rusqlite::Result<Connection> {
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
