//! Bans that other programs have written down.

mod crowdsec;
mod fail2ban;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use jiff::Timestamp;

pub use self::crowdsec::read_decisions;
pub use self::fail2ban::{is_database, read_database};

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
    /// How many were left out, by why.
    pub left_out: Vec<(&'static str, u64)>,
}

/// What wrote a file of bans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `cscli decisions list -o json`.
    Crowdsec,
    /// `fail2ban.sqlite3`.
    Fail2ban,
}

/// Why a file of bans was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
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
}

impl ForeignBans {
    /// Takes one that is left out.
    pub(crate) fn leave_out(&mut self, why: &'static str) {
        match self.left_out.iter_mut().find(|(known, _)| *known == why) {
            Some((_, count)) => *count += 1,
            None => self.left_out.push((why, 1)),
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

impl Program {
    /// All of them, as an operator writes them.
    pub const WORDS: [&str; 2] = ["crowdsec", "fail2ban"];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Crowdsec => "crowdsec",
            Self::Fail2ban => "fail2ban",
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Program {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Crowdsec, Self::Fail2ban].into_iter().find(|program| program.as_str() == text).ok_or(())
    }
}
