use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Sizes, Who};
use crate::config::{InterfaceName, Mode, Name};

/// `POST /v1/apply`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplyRequest {
    /// The policy; absent: the daemon's own policy file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicySent>,
    /// Go back after this time, unless it is confirmed; absent: it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm_seconds: Option<u64>,
    /// Also when that would lock out an operator.
    #[serde(default)]
    pub force: bool,
}

/// A policy that the daemon does not read itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySent {
    /// Its absolute path, for messages; relative paths in it begin at its folder.
    pub path: PathBuf,
    /// What is in it.
    pub text: String,
}

/// `POST /v1/undo`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UndoRequest {
    /// How many policies back.
    #[serde(default = "one")]
    pub steps: u32,
    /// As in [`ApplyRequest`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm_seconds: Option<u64>,
    /// Also when that would lock out an operator.
    #[serde(default)]
    pub force: bool,
}

const fn one() -> u32 {
    1
}

/// The answer to `POST /v1/apply`, `/v1/undo` and `/v1/confirm`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// The generation that is live now.
    pub generation: u64,
    /// Its entry in the history.
    pub number: u64,
    /// What it took in the kernel's tables.
    pub sizes: Sizes,
    /// What has to be confirmed, and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingStatus>,
    /// Guarded since then.
    pub attached: Vec<InterfaceName>,
    /// No longer guarded since then.
    pub detached: Vec<InterfaceName>,
    /// Named by the policy, and guarded when it is confirmed.
    #[serde(default)]
    pub waiting: Vec<InterfaceName>,
    /// Keys that differ and take effect only at the next start.
    pub needs_restart: Vec<String>,
}

/// A policy that waits for a confirmation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingStatus {
    /// Its entry in the history.
    pub number: u64,
    /// Until it goes; zero: it has gone, and the daemon is about to make that last.
    pub seconds_left: u64,
    /// The entry that comes back.
    pub previous: u64,
    /// That entry in a few words.
    pub comes_back: String,
    /// Why the daemon could not make the return last; the kernel has returned nevertheless.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// One policy that was in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Its number; later ones are greater.
    pub number: u64,
    /// Since when.
    pub time: Timestamp,
    /// Who did it.
    pub who: Who,
    /// What was asked for.
    pub command: String,
    /// What came of it, in a line.
    pub summary: String,
    /// The kernel's generation.
    pub generation: u64,
    /// The entry whose policy this one has again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as: Option<u64>,
    /// False: it waits for a confirmation, or none came.
    pub confirmed: bool,
    /// Whether it is in force.
    pub in_force: bool,
}

/// `GET /v1/history`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Newest first.
    pub entries: Vec<HistoryEntry>,
}

/// `GET /v1/history/{number}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryDetails {
    /// The entry.
    pub entry: HistoryEntry,
    /// The entry that it is compared with: the one before it, where that is still kept.
    pub compared_with: Option<u64>,
    /// The policy's text against that of the entry before, as a unified diff.
    pub diff: String,
    /// What operators changed, one line for each: `+` came, `-` went.
    pub changes: Vec<String>,
}

/// `PUT /v1/modes/{name}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModeRequest {
    /// Whether the rule drops or only counts from now on.
    pub mode: Mode,
    /// Also when that would lock out an operator.
    #[serde(default)]
    pub force: bool,
}

/// The answer to `PUT /v1/modes/{name}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModeAnswer {
    /// The rule.
    pub name: Name,
    /// Its mode now.
    pub mode: Mode,
    /// Its mode before; the same: nothing was changed.
    pub before: Mode,
    /// The live generation.
    pub generation: u64,
}

/// A rule whose mode an operator has set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModeSet {
    /// The rule: a list, a limit, `country`, `fragments` or `source-limits`.
    pub name: Name,
    /// Its mode.
    pub mode: Mode,
    /// The mode that was written where the rule was.
    pub written: Mode,
}
