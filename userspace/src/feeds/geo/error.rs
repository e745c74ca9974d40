//! Why a database was refused.

use std::path::PathBuf;

use super::CsvProblem;

/// Why a database of countries or of autonomous systems was refused.
#[derive(Debug, thiserror::Error)]
pub enum GeoError {
    /// The file can't be read at all.
    #[error("{}: can't be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A directory, a device or a pipe.
    #[error("{}: not a regular file; name the database file itself", path.display())]
    NotAFile {
        /// What was named.
        path: PathBuf,
    },
    /// Compressed, or no database at all.
    #[error("{}: {what}; a database of {kind} is an MMDB file, or a CSV file of {columns}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        what: &'static str,
        /// What it ought to tell.
        kind: &'static str,
        /// What the lines of a CSV file are.
        columns: &'static str,
    },
    /// An MMDB file that contradicts itself.
    #[error("{}: the MMDB file is damaged, or not one of {kind}: {source}; get it again", path.display())]
    Mmdb {
        /// The file.
        path: PathBuf,
        /// What it ought to tell.
        kind: &'static str,
        /// What the reader says.
        source: maxminddb::MaxMindDbError,
    },
    /// A line of a CSV file that can't be read.
    #[error("{}:{line}: \"{text}\": {problem}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The number of the line, from 1.
        line: u32,
        /// The start of the line.
        text: String,
        /// What is wrong with it.
        problem: CsvProblem,
    },
    /// Two countries or systems for one address.
    #[error(
        "{}: {first} and {second} overlap, so two things are said of their addresses; correct one of them",
        path.display()
    )]
    Overlap {
        /// The file.
        path: PathBuf,
        /// A range and what is said of it.
        first: String,
        /// Another.
        second: String,
    },
    /// It tells something else.
    #[error("{}: {name} tells of no {kind}; give a database that does", path.display())]
    Nothing {
        /// The file.
        path: PathBuf,
        /// The name that the database gives itself.
        name: String,
        /// What it ought to tell.
        kind: &'static str,
    },
}
