use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why the store could not do it.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The file is no database, or is damaged.
    #[error(
        "the database {path} is damaged ({problem}); nothing was changed. To go on without the bans and changes it held, \
         move it aside: mv {path} {path}.damaged && rm -f {path}-wal {path}-shm; bans that the kernel still holds are kept"
    )]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What the database said.
        problem: String,
    },
    /// A newer xdpgate wrote it.
    #[error(
        "the database {path} was written by a newer xdpgate (schema {found}, this one knows {known}); start that version, \
         or name another directory with --state-dir"
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema that this program knows.
        known: i64,
    },
    /// Any other answer of the database.
    #[error(
        "the database {path} refused: {source}; check that the disk has room and that the daemon may write there"
    )]
    Database {
        /// The database.
        path: PathBuf,
        /// What the database said.
        source: rusqlite::Error,
    },
    /// Changes of bans that this version can't read.
    #[error(
        "{path} holds changes of bans that another version has written and not yet stored; start that version once, and stop it, \
         or move the file aside to go on without them"
    )]
    Spool {
        /// The file.
        path: PathBuf,
    },
    /// A file or directory beside the database.
    #[error("{what} {path}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl StoreError {
    pub(super) fn at(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
                Self::Damaged { path, problem: source.to_string() }
            }
            _ if matches!(source, rusqlite::Error::FromSqlConversionFailure(..)) => {
                Self::Damaged { path, problem: source.to_string() }
            }
            _ => Self::Database { path, source },
        }
    }
}
