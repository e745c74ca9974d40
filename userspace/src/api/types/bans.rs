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
    /// What an operator wants to remember about it.
    #[serde(default)]
    pub note: String,
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
    /// Whether a ban holds twice as long each time that its prefix is banned again; absent: as the policy says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lengthen: Option<bool>,
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
    /// Who asked for it. Several sources may ban one prefix; the ban that ends last counts.
    pub source: String,
    /// What an operator wants to remember about it.
    #[serde(default)]
    pub note: String,
    /// When.
    pub created: Timestamp,
}

/// `GET /v1/bans`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bans {
    /// Those that end first come first.
    pub bans: Vec<Ban>,
}

/// Which bans `GET /v1/bans` is asked for; each part that is there leaves out others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BanFilter {
    /// Those of this source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Those that hold for this address or for all of this prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covering: Option<Prefix>,
    /// Those that end within so many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending_within_seconds: Option<u64>,
}

/// `POST /v1/bans/import`: bans that another program had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BanImport {
    /// Those that would lock out an operator are left out.
    pub bans: Vec<NewBan>,
    /// Who asks for them.
    #[serde(default)]
    pub source: String,
    /// Also ban what would lock out an operator.
    #[serde(default)]
    pub force: bool,
}

/// The answer to [`BanImport`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BanImportAnswer {
    /// How many bans are in force now.
    pub bans: u64,
    /// How many of them nobody had banned before.
    pub new: u64,
    /// Those that were left out, and why.
    pub left_out: Vec<LeftOut>,
}

/// A ban that was not made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Of whom.
    pub prefix: Prefix,
    /// Why not.
    pub why: String,
}

/// `DELETE /v1/bans`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnbanRequest {
    /// Exactly these.
    pub prefixes: Vec<Prefix>,
    /// Lift only the bans of this source; absent: everybody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Lift all bans of that source. Then there are no prefixes.
    #[serde(default)]
    pub all: bool,
}

/// `DELETE /v1/allow`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrefixesRequest {
    /// Exactly these.
    pub prefixes: Vec<Prefix>,
    /// Also when that would lock out an operator.
    #[serde(default)]
    pub force: bool,
}

/// The answer to [`UnbanRequest`] and [`PrefixesRequest`].
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
