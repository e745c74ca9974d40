use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Origin;
use crate::api::Prefix;

/// One ban to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewBan {
    /// Who.
    pub prefix: Prefix,
    /// For how long; absent is for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u64>,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// `POST /v1/bans`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BanRequest {
    /// All of them are made, or none.
    pub bans: Vec<NewBan>,
    /// Who asks, such as `cli` or `fail2ban:sshd`.
    #[serde(default)]
    pub source: String,
    /// Also ban what would lock out an operator.
    #[serde(default)]
    pub force: bool,
}

/// The answer to [`BanRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BanAnswer {
    /// In force now.
    pub bans: Vec<Ban>,
}

/// The answer to `POST /v1/bans/lines`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BanLinesAnswer {
    /// How many bans the lines made, those among them that were there before.
    pub bans: u64,
    /// How many of them were not there before.
    pub new: u64,
    /// Until when; `null` is for good.
    pub expires: Option<Timestamp>,
    /// Lines that were left out because they are no entries.
    pub skipped: u64,
}

/// A ban in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ban {
    /// Who.
    pub prefix: Prefix,
    /// Until when; `null` is for good.
    pub expires: Option<Timestamp>,
    /// How long that still is.
    pub remaining_seconds: Option<u64>,
    /// Why.
    pub reason: String,
    /// Who asked for it.
    pub source: String,
    /// When.
    pub created: Timestamp,
}

/// `GET /v1/bans`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bans {
    /// Those that end first come first.
    pub bans: Vec<Ban>,
}

/// `DELETE /v1/bans` and `DELETE /v1/allow`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrefixesRequest {
    /// Exactly these.
    pub prefixes: Vec<Prefix>,
    /// Also when that would lock out an operator.
    #[serde(default)]
    pub force: bool,
}

/// The answer to [`PrefixesRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// These were there.
    pub removed: Vec<Prefix>,
    /// These were not.
    pub missing: Vec<Prefix>,
}

/// `POST /v1/allow`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowRequest {
    /// Who always passes from now on.
    pub prefixes: Vec<Prefix>,
    /// Why.
    #[serde(default)]
    pub note: String,
}

/// One entry of the allowlist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllowEntry {
    /// Who.
    pub prefix: Prefix,
    /// Where it comes from.
    pub origin: Origin,
    /// The line of the policy file.
    pub line: Option<u32>,
    /// Why.
    pub note: String,
    /// Since when, where an operator added it.
    pub created: Option<Timestamp>,
}

/// `GET /v1/allow`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllowEntries {
    /// The policy's first, then the operators'.
    pub entries: Vec<AllowEntry>,
}
