use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::PolicySent;
use crate::api::{Failure, Prefix};
use crate::config::{InterfaceName, Name};

/// `POST /v1/plan`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanRequest {
    /// The policy; absent: the daemon's own policy file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicySent>,
    /// Whose sources are asked about: those of so many minutes.
    #[serde(default = "five")]
    pub minutes: u32,
}

const fn five() -> u32 {
    5
}

/// The answer to `POST /v1/plan`: what `apply` would change. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The policy that was compiled; `null`: the built-in one.
    pub file: Option<PathBuf>,
    /// The entry of the history that it is compared with, which is in force.
    pub compared_with: u64,
    /// Whether anything would change.
    pub changes: bool,
    /// Why `apply` would refuse it; empty: it would not.
    pub refusals: Vec<Failure>,
    /// What the policy says, as far as it would change.
    pub rules: Vec<RuleChange>,
    /// Interfaces that would be guarded.
    pub attach: Vec<InterfaceName>,
    /// Interfaces that would no longer be guarded.
    pub detach: Vec<InterfaceName>,
    /// Keys that differ and take effect only at the next start.
    pub needs_restart: Vec<String>,
    /// IPv4 addresses of which something else would be known.
    pub ipv4: FamilyChanges,
    /// Likewise for IPv6.
    pub ipv6: FamilyChanges,
    /// The kernel's tables, now and then.
    pub tables: TableChanges,
    /// Who was seen of late, and would meet another verdict.
    pub sources: SourceChanges,
}

/// What would happen to a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It goes.
    Removed,
    /// Some of it is different.
    Changed,
}

/// A rule that would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleChange {
    /// The rule, such as `service web`.
    pub rule: String,
    /// What happens to it.
    pub change: ChangeKind,
    /// What of it differs.
    pub keys: Vec<KeyChange>,
}

/// A key of a rule that would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyChange {
    /// The key.
    pub key: String,
    /// What it says now.
    pub from: Option<String>,
    /// What it would say.
    pub to: Option<String>,
}

/// Addresses of one family.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FamilyChanges {
    /// Nothing is known of them now, and something would be.
    pub added: AddressChanges,
    /// Something is known of them now, and nothing would be.
    pub removed: AddressChanges,
    /// Something else would be known of them: another list, country, plan or entry.
    pub changed: AddressChanges,
    /// Some packet from there passes now, whatever its rate, and would be dropped.
    pub newly_dropped: AddressChanges,
    /// Some packet from there is dropped now, and would pass.
    pub newly_passing: AddressChanges,
}

/// Addresses that share a change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressChanges {
    /// The fewest prefixes that cover them.
    pub prefixes: u64,
    /// How many addresses; all of IPv6 count one less.
    pub addresses: u128,
    /// The first of the prefixes.
    pub examples: Vec<Prefix>,
}

/// The kernel's tables.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableChanges {
    /// Bytes of the prefix tables.
    pub prefix_bytes: NowAndThen,
    /// Ranges of IPv4 addresses that are told apart.
    pub ipv4_ranges: NowAndThen,
    /// Likewise for IPv6.
    pub ipv6_ranges: NowAndThen,
    /// Different sets of attributes.
    pub attribute_sets: NowAndThen,
    /// Rows of limits.
    pub limits: NowAndThen,
    /// Slots of the limiter that one source takes at most, if it uses every service.
    pub slots_per_source: NowAndThen,
    /// Slots of the limiter, and bytes of its memory: fixed until a start with other tables.
    pub limiter_slots: u64,
    /// See `limiter_slots`.
    pub limiter_bytes: u64,
}

/// A number before and after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NowAndThen {
    /// In force.
    pub now: u64,
    /// With the policy of the plan.
    pub then: u64,
    /// The most; zero: no bound but memory.
    pub most: u64,
}

/// Who was seen of late.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceChanges {
    /// In so many minutes.
    pub minutes: u32,
    /// Sources that were seen; those that no limit counts and no event sampled are not among them.
    pub seen: u64,
    /// Those in the limiter's table.
    pub in_limiter: u64,
    /// Those of sampled events.
    pub in_events: u64,
    /// Those that pass now, whatever their rate, and would be dropped. At most 10,000 are listed below.
    pub newly_dropped: u64,
    /// Those that are dropped now, and would pass.
    pub newly_passing: u64,
    /// Why the newly dropped would be, by reason.
    pub reasons: BTreeMap<String, u64>,
    /// The newly dropped, those that were seen last first.
    pub dropped: Vec<SourceChange>,
    /// What this does not say.
    pub left_out: Vec<String>,
}

/// A source that would be dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceChange {
    /// Its address, or the prefix that limits take for one source.
    pub source: Prefix,
    /// An address of it that would be dropped, where the source is a prefix of which only a part would be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<IpAddr>,
    /// What it sends, of what was tried: a TCP SYN or a UDP datagram to each service's port.
    pub packets: Vec<String>,
    /// Why it passes now.
    pub now: String,
    /// Why it would be dropped.
    pub then: String,
    /// The list that would drop it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<Name>,
}
