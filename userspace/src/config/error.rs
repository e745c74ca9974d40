//! What is wrong with a policy.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A policy that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error(
        "{}: cannot read the policy: {source}; check the path and its permissions, or name another file",
        path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The policy is wrong, in at least one place.
    #[error("{}", Listing { origin, problems })]
    Invalid {
        /// The file.
        origin: PathBuf,
        /// Everything that is wrong with it, by line. Never empty.
        problems: Vec<Problem>,
    },
}

impl ConfigError {
    /// Everything that is wrong with the policy, by line. Empty if it could not be read.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Unreadable { .. } => &[],
            Self::Invalid { problems, .. } => problems,
        }
    }
}

/// One thing that is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The line of the file, from 1.
    pub line: u32,
    /// The key with its tables, such as `limits.source.packets`; `syntax` where the file is not TOML.
    pub key: String,
    /// What is wrong, what is allowed, what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}: {}", self.line, self.key, self.message)
    }
}

/// How many problems one message shows: a broken list of prefixes has thousands.
const SHOWN: usize = 50;

struct Listing<'a> {
    origin: &'a Path,
    problems: &'a [Problem],
}

impl fmt::Display for Listing<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in self.problems.iter().take(SHOWN) {
            writeln!(formatter, "{}:{problem}", self.origin.display())?;
        }
        let hidden = self.problems.len().saturating_sub(SHOWN);
        if hidden > 0 {
            writeln!(formatter, "and {hidden} more like these")?;
        }
        match self.problems.len() {
            1 => write!(formatter, "1 problem; docs/policy.md describes every key."),
            count => write!(formatter, "{count} problems; docs/policy.md describes every key."),
        }
    }
}

/// Where something was written.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The key with its tables.
    pub(super) key: String,
    /// The line, from 1.
    pub(super) line: u32,
}

/// Collects what is wrong, so that a policy's author sees all of it at once.
#[derive(Debug, Default)]
pub(super) struct Report {
    problems: Vec<Problem>,
}

impl Report {
    pub(super) fn add(&mut self, place: &Place, message: impl fmt::Display) {
        let (key, message) = (one_line(&place.key), one_line(&message.to_string()));
        self.problems.push(Problem { line: place.line, key, message });
    }

    /// How much is wrong so far.
    pub(super) const fn count(&self) -> usize {
        self.problems.len()
    }

    /// The error, if anything was wrong.
    pub(super) fn finish(mut self, origin: &Path) -> Result<(), ConfigError> {
        if self.problems.is_empty() {
            return Ok(());
        }
        self.problems.sort();
        Err(ConfigError::Invalid { origin: origin.to_owned(), problems: self.problems })
    }
}

/// What was written is repeated in messages: it must not break their line, or reach a terminal as a command.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { line.extend(c.escape_default()) } else { line.push(c) }
    }
    line
}
