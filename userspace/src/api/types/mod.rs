//! What crosses the socket, and what `--json` prints: the same shapes. A released field is never renamed or removed.

mod audit;
mod bans;
mod changes;
mod coverage;
mod events;
mod explain;
mod geo;
mod history;
mod lists;
mod plan;
mod stats;
mod status;
#[cfg(test)]
mod tests;

pub use self::audit::{Audit, AuditEntry, Who};
pub use self::bans::{
    AllowEntries, AllowEntry, AllowRequest, Ban, BanAnswer, BanLinesAnswer, BanRequest, Bans, NewBan,
    PrefixesRequest, Removed,
};
pub use self::changes::{Actor, Changed, Detached, PauseState, Reloaded, Sizes};
pub use self::coverage::{Cover, Coverage, ProcessInfo, SocketCoverage};
pub use self::events::{Event, EventKind, Events};
pub use self::explain::{
    BucketState, CountryMatch, ExplainRequest, ExplainedPackets, Explanation, LimitCounts, ListLine,
    ListMatch, Origined, Probe, ProbeVerdict, Protocol, SystemMatch,
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
