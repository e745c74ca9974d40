//! What crosses the socket, and what `--json` prints: the same shapes. A released field is never renamed or removed.

mod audit;
mod bans;
mod changes;
mod coverage;
mod crowdsec;
mod events;
mod explain;
mod feeds;
mod geo;
mod history;
mod lists;
mod plan;
mod stats;
mod status;
#[cfg(test)]
mod tests;
mod verified;

pub use self::audit::{Audit, AuditEntry, Who};
pub use self::bans::{
    AllowEntries, AllowEntry, AllowRequest, Ban, BanAnswer, BanFilter, BanImport, BanImportAnswer,
    BanLinesAnswer, BanRequest, Bans, LeftOut, NewBan, PrefixesRequest, Removed, UnbanRequest,
};
pub use self::changes::{Actor, Changed, Detached, PauseState, Reloaded, Sizes};
pub use self::coverage::{Cover, Coverage, ProcessInfo, SocketCoverage};
pub use self::crowdsec::{CrowdsecStatus, OriginDecisions};
pub use self::events::{Event, EventKind, Events};
pub use self::explain::{
    BucketState, CountryMatch, ExplainRequest, ExplainedPackets, Explanation, LimitCounts, ListLine,
    ListMatch, Origined, Probe, ProbeVerdict, Protocol, SystemMatch,
};
pub use self::feeds::{
    ListDiff, ListOverlap, ListSize, ListState, ListStatus, ListStatuses, ListTrouble, ListUpdateRequest,
    ListUpdates, ListWish, ListWishes, SharedAddresses,
};
pub use self::geo::{
    AsnDatabaseInfo, CountryEntry, CountryStats, Geo, GeoDatabaseInfo, GeoDatabaseRequest, GeoLookup,
    GeoRule, GeoRuleRequest, GeoUpdate, GeoUpdated, RuleWord, ServiceRule, System,
};
pub use self::history::{
    Applied, ApplyRequest, History, HistoryDetails, HistoryEntry, ModeAnswer, ModeRequest, ModeSet,
    PendingStatus, PolicySent, UndoRequest,
};
pub use self::lists::{ListAnswer, ListInfo, Lists, SkippedLine};
pub use self::plan::{
    AddressChanges, ChangeKind, FamilyChanges, KeyChange, NowAndThen, Plan, PlanRequest, RuleChange,
    SourceChange, SourceChanges, TableChanges,
};
pub use self::stats::{Count, EventCounts, InterfaceStats, LimitStats, ListStats, Stats};
pub use self::status::{InterfaceStatus, KernelInfo, LastReload, PolicyStatus, Status, TableStatus, XdpMode};
pub use self::verified::{ChecksStatus, TableDrift, Verified};

use serde::{Deserialize, Serialize};

/// Where an entry comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The policy file.
    Policy,
    /// A command of an operator.
    Operator,
}

impl Origin {
    /// The word for tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Operator => "operator",
        }
    }
}
