//! Bans that other programs have written down.

mod crowdsec;
mod fail2ban;
mod list;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use jiff::Timestamp;

use crate::feeds::{Format, ReadListError};

pub use self::crowdsec::read_decisions;
pub use self::fail2ban::read_database;
pub use self::list::read_entries_of;

/// A ban of another program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignBan {
    /// Whom.
    pub prefix: IpNet,
    /// Until when.
    pub ends: Ends,
    /// Why.
    pub reason: String,
    /// What else it says.
    pub note: String,
    /// Who in that program asked for it.
    pub source: Option<String>,
}

/// When a ban of another program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// It does not say.
    Unsaid,
    /// Never.
    Never,
    /// After this time.
    In(Duration),
}

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForeignBans {
    /// Those that hold.
    pub bans: Vec<ForeignBan>,
    /// What was left out: why, and how many.
    pub left_out: Vec<(String, u64)>,
}

/// What a file of bans is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportFormat {
    /// What `cscli decisions list -o json` writes.
    Crowdsec,
    /// `fail2ban.sqlite3`.
    Fail2ban,
    /// A list, or a set of ipset or nft.
    List(Format),
}

/// Not the name of such a format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such format; there are {}", ImportFormat::words().join(", "))]
pub struct ImportFormatError;

/// Why a file of bans was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is no database of fail2ban.
    #[error("{}: {problem}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// It is no output of `cscli`.
    #[error("these are no decisions as `cscli decisions list -o json` writes them: {0}")]
    Decisions(serde_json::Error),
    /// It is no list.
    #[error(transparent)]
    List(#[from] ReadListError),
}

impl ForeignBans {
    /// Takes one that is left out.
    fn leave_out(&mut self, why: &str) {
        match self.left_out.iter_mut().find(|(known, _)| known == why) {
            Some((_, count)) => *count += 1,
            None => self.left_out.push((why.to_owned(), 1)),
        }
    }
}

impl Ends {
    /// From a moment and the length of a ban; `None`: it has ended.
    fn after(start: Timestamp, seconds: i64, now: Timestamp) -> Option<Self> {
        if seconds < 0 {
            return Some(Self::Never);
        }
        let end = start.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
        let left = Duration::try_from(end.duration_since(now)).ok().filter(|left| !left.is_zero())?;
        Some(Self::In(left))
    }
}

impl ImportFormat {
    /// The word for each of them.
    #[must_use]
    pub fn words() -> Vec<&'static str> {
        [CROWDSEC, FAIL2BAN].into_iter().chain(Format::ALL.map(Format::word)).collect()
    }

    /// What a file that begins like this is; `None`: a list.
    #[must_use]
    pub fn recognised(beginning: &[u8]) -> Option<Self> {
        if beginning.starts_with(DATABASE) {
            return Some(Self::Fail2ban);
        }
        let text = String::from_utf8_lossy(beginning);
        (text.trim_start().starts_with('[') && text.contains("\"decisions\"")).then_some(Self::Crowdsec)
    }
}

impl FromStr for ImportFormat {
    type Err = ImportFormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            CROWDSEC => Ok(Self::Crowdsec),
            FAIL2BAN => Ok(Self::Fail2ban),
            _ => text.parse().map(Self::List).map_err(|_| ImportFormatError),
        }
    }
}

const CROWDSEC: &str = "crowdsec";
const FAIL2BAN: &str = "fail2ban";
/// How a file of `SQLite` begins.
const DATABASE: &[u8] = b"SQLite format 3\0";
