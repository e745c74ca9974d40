//! Where lists come from, how fresh they are, and what they have in common.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AddressChanges, Origin, SkippedLine};
use crate::config::{Mode, Name};

/// `GET /v1/feeds`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListStatuses {
    /// In the order of their bits.
    pub lists: Vec<ListStatus>,
}

/// How a list is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListStatus {
    /// Its name.
    pub name: Name,
    /// Whether it drops or only counts.
    pub mode: Mode,
    /// Who named it.
    pub origin: Origin,
    /// `path`, `folder`, `url` or `union`.
    pub kind: String,
    /// The file, folder, address or other lists that it comes from. An address is without the part where keys are.
    pub source: String,
    /// What it is written in; absent before the first fetch, and where it consists of texts of several formats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// What it is of, where the policy says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Name>,
    /// How it is.
    pub state: ListState,
    /// Bytes that have come so far of what is being fetched now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetching: Option<u64>,
    /// Entries in it.
    pub entries: u64,
    /// The size of its text, unpacked.
    pub bytes: u64,
    /// Lines that were left out because they can't be read.
    pub skipped: u64,
    /// The first of them.
    pub first_skipped: Vec<SkippedLine>,
    /// Entries that were left out because they are dangerous.
    pub left_out: u64,
    /// The first of them.
    pub first_left_out: Vec<SkippedLine>,
    /// When what is in force was read or fetched. Absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loaded: Option<Timestamp>,
    /// How often its source is looked at. Absent: only when somebody says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every_seconds: Option<u64>,
    /// The time until the next look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_seconds: Option<u64>,
    /// The last look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_attempt: Option<Timestamp>,
    /// When what is in force was last known to be the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success: Option<Timestamp>,
    /// Looks without success since then.
    pub failures: u32,
    /// Why the last look changed nothing, where it should have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<ListTrouble>,
    /// What came of all looks since the daemon started.
    pub updates: ListUpdates,
}

/// How a list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListState {
    /// As new as its source.
    Current,
    /// Never fetched, and so empty.
    Awaited,
    /// Its source could not be read: what was there before is in force.
    Failing,
    /// What its source has now was refused: what was there before is in force.
    Refused,
}

impl ListState {
    /// The word for tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Awaited => "not fetched yet",
            Self::Failing => "failing",
            Self::Refused => "refused",
        }
    }
}

/// Why a list stays as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListTrouble {
    /// The kind in a word, as in metrics.
    pub kind: String,
    /// Whether something came and was refused; otherwise nothing came.
    pub refused: bool,
    /// What is wrong, and where.
    pub message: String,
    /// Since when there is trouble.
    pub since: Timestamp,
}

/// What came of looks at the source of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListUpdates {
    /// All that are over.
    pub attempts: u64,
    /// Those that put something new in force.
    pub changed: u64,
    /// Those that found nothing new.
    pub unchanged: u64,
    /// Those without success.
    pub failed: u64,
    /// How often each kind of error came.
    pub errors: BTreeMap<String, u64>,
    /// How long all of them took together.
    pub milliseconds: u64,
}

/// `POST /v1/feeds/update`: looks at the sources of these lists now; of all that have one, where none is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListUpdateRequest {
    /// Which.
    #[serde(default)]
    pub names: Vec<Name>,
}

/// The answer to `POST /v1/feeds/update`: whose looks are to be waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListWishes {
    /// Each list.
    pub lists: Vec<ListWish>,
}

/// A look that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListWish {
    /// The list.
    pub name: Name,
    /// The look is over once `updates.attempts` of the list's status is this.
    pub attempts: u64,
}

/// The answer to `POST /v1/lists/{name}/diff`: what the list would gain and lose. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListDiff {
    /// The list.
    pub name: Name,
    /// What it was compared with.
    pub compared_with: String,
    /// Entries now.
    pub entries: u64,
    /// Entries then.
    pub new_entries: u64,
    /// IPv4 addresses that would come.
    pub added_ipv4: AddressChanges,
    /// IPv4 addresses that would go.
    pub removed_ipv4: AddressChanges,
    /// Likewise for IPv6.
    pub added_ipv6: AddressChanges,
    /// Likewise for IPv6.
    pub removed_ipv6: AddressChanges,
    /// Lines that would be left out because they can't be read.
    pub skipped: u64,
    /// Entries that would be left out because they are dangerous.
    pub left_out: u64,
}

/// The answer to `GET /v1/feeds/overlap`: what lists have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListOverlap {
    /// The lists.
    pub lists: Vec<ListSize>,
    /// Every pair of them that shares an address.
    pub pairs: Vec<SharedAddresses>,
}

/// How large a list is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListSize {
    /// Its name.
    pub name: Name,
    /// Its entries.
    pub entries: u64,
    /// Its IPv4 addresses.
    pub ipv4_addresses: u128,
    /// Its IPv6 addresses.
    pub ipv6_addresses: u128,
}

/// What two lists share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedAddresses {
    /// One.
    pub one: Name,
    /// The other.
    pub other: Name,
    /// Ranges of addresses, as few as possible.
    pub ranges: u64,
    /// IPv4 addresses.
    pub ipv4_addresses: u128,
    /// IPv6 addresses.
    pub ipv6_addresses: u128,
}
