use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Changed, Count, Origin};
use crate::config::{Mode, Name};

/// One blocklist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListInfo {
    /// Its name.
    pub name: Name,
    /// Whether it drops or only counts.
    pub mode: Mode,
    /// The mode that was written with it, where an operator has set another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_mode: Option<Mode>,
    /// Where it comes from.
    pub origin: Origin,
    /// The first file that was read; of a list that was fetched, its copy. Empty where there is none.
    pub path: PathBuf,
    /// The file, folder, address or other lists that it comes from. An address is without the part where keys are.
    #[serde(default)]
    pub source: String,
    /// What it is of, where the policy says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Name>,
    /// Entries in it.
    pub entries: u64,
    /// Lines that were left out because they are no entries.
    pub skipped: u64,
    /// When it was read.
    pub loaded: Timestamp,
    /// Packets dropped because of it.
    pub dropped: Count,
    /// Packets that it would have dropped, were it not in monitor mode.
    pub monitored: Count,
}

/// `GET /v1/lists`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lists {
    /// In the order of their bits.
    pub lists: Vec<ListInfo>,
}

/// A line that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedLine {
    /// Its number, from 1.
    pub line: u32,
    /// Its beginning.
    pub text: String,
    /// What is wrong with it.
    pub problem: String,
}

/// The answer to `PUT /v1/lists/{name}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListAnswer {
    /// The list.
    pub name: Name,
    /// Whether it drops or only counts.
    pub mode: Mode,
    /// Entries in it.
    pub entries: u64,
    /// Whether a list of that name was replaced.
    pub replaced: bool,
    /// How many lines were left out.
    pub skipped: u64,
    /// The first of them.
    pub first_skipped: Vec<SkippedLine>,
    /// What the change took.
    pub changed: Changed,
}
