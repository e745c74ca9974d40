use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};

use super::{Store, StoreError};

/// Pages in the log at which it is copied into the database: 32 MiB. The first change after that waits for the disk once,
/// so not too few.
const CHECKPOINT_PAGES: i64 = 8_192;

/// How far the write-ahead log is on the disk.
#[derive(Debug)]
pub(super) struct Durability {
    log: PathBuf,
    /// The `data_version` of what was last brought to the disk.
    synced: AtomicI64,
}

impl Durability {
    pub(super) fn of(database: &Path) -> Self {
        let mut log = database.to_owned().into_os_string();
        log.push("-wal");
        Self { log: log.into(), synced: AtomicI64::new(0) }
    }
}

impl Store {
    /// Brings what was changed to the disk, and the log into the database when it has grown. To be called about once a
    /// second: that is how much a loss of power can take back. Nobody who changes something waits for it.
    ///
    /// # Errors
    /// When the disk or the database refuses.
    pub fn keep_up(&self) -> Result<(), StoreError> {
        self.keep_log_below(CHECKPOINT_PAGES)
    }

    pub(super) fn keep_log_below(&self, most_pages: i64) -> Result<(), StoreError> {
        let version = self.reader().pragma_query_value(None, "data_version", |row| row.get(0));
        let version = version.map_err(|source| self.failed(source))?;
        if version == self.durability.synced.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.sync_log().map_err(|source| StoreError::Io {
            what: "cannot bring to the disk",
            path: self.durability.log.clone(),
            source,
        })?;
        self.durability.synced.store(version, Ordering::Relaxed);
        let (pages, copied) = self.checkpoint("NOOP")?;
        if pages - copied >= most_pages {
            self.checkpoint("PASSIVE")?;
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn log_pages(&self) -> Result<(i64, i64), StoreError> {
        self.checkpoint("NOOP")
    }

    /// Pages in the log, and how many of them are in the database too.
    fn checkpoint(&self, mode: &str) -> Result<(i64, i64), StoreError> {
        let sql = format!("PRAGMA wal_checkpoint({mode})");
        let pages = self.reader().query_row(&sql, [], |row| Ok((row.get(1)?, row.get(2)?)));
        pages.map_err(|source| self.failed(source))
    }

    fn sync_log(&self) -> io::Result<()> {
        match File::open(&self.durability.log) {
            Ok(log) => log.sync_data(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}
