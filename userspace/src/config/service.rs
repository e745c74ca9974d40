//! Services, plans and limits, once they are checked: every name that is used exists, and no two services claim the same
//! traffic.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::{
    Algorithm, Config, CountryRule, ExceedAction, LimitKeyKind, LimitUnit, Located, Mode, Name, Rate,
    ServiceProtocol,
};

/// The most services.
pub const MAX_SERVICES: usize = 64;
/// The most plans. A service has one more set of limits, for sources of no plan that it names.
pub const MAX_PLANS: usize = 15;
/// The most limits that a service gives one plan.
pub const MAX_LIMITS_PER_PLAN: usize = 4;
/// The most uses of limits in all services together. No policy can have more, so nothing has to count them.
pub const MAX_LIMIT_USES: usize = MAX_SERVICES * (MAX_PLANS + 1) * MAX_LIMITS_PER_PLAN;

/// What follows a service's name in that of its country rule.
pub(super) const COUNTRY_RULE: &str = ".country";

/// What the host serves.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceConfig {
    /// Its name in counters and on the command line.
    pub name: Name,
    /// What it speaks.
    pub protocol: ServiceProtocol,
    /// Its ports: in order, disjoint, not empty for TCP and UDP, empty for the others.
    pub ports: Vec<PortRange>,
    /// Its addresses; empty: any.
    pub destinations: Vec<Located<IpNet>>,
    /// The limits of sources of which `plans` says nothing, narrowest first. At most [`MAX_LIMITS_PER_PLAN`].
    pub limits: Vec<Name>,
    /// What sources of a plan get instead, no plan twice.
    pub plans: Vec<PlanLimits>,
    /// Its rule on countries. `None`: that of the policy.
    pub country: Option<CountryRule>,
    /// What it does with lists, by the name or the label of each. With the others it does as they say themselves.
    pub lists: BTreeMap<Name, ListUse>,
    /// The line of the policy that names it.
    pub line: u32,
}

/// What a service does with a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListUse {
    /// The list applies, in its own mode.
    Deny,
    /// It applies, and only counts what it would drop.
    Monitor,
    /// It does not apply.
    Skip,
}

impl ServiceConfig {
    /// The name of its country rule in commands.
    #[must_use]
    pub fn country_rule(&self) -> String {
        format!("{}{COUNTRY_RULE}", self.name)
    }

    /// What it does with a list, where it says so: a name counts more than a label.
    #[must_use]
    pub fn use_of(&self, list: &Name, label: Option<&Name>) -> Option<ListUse> {
        self.lists.get(list).or_else(|| self.lists.get(label?)).copied()
    }

    /// The limits of all its plans. Some may come more than once.
    pub fn limits_in_use(&self) -> impl Iterator<Item = &Name> {
        self.limits.iter().chain(self.plans.iter().flat_map(|plan| &plan.limits))
    }
}

impl Config {
    /// What has this name already, and on which line, beside lists: names are for all kinds of rules together.
    #[must_use]
    pub fn named(&self, name: &Name) -> Option<(&'static str, u32)> {
        let services = self.services.iter().map(|service| (&service.name, "service", service.line));
        let plans = self.plans.iter().map(|plan| (&plan.name, "plan", plan.line));
        let limits = self.limits.iter().map(|limit| (&limit.name, "limit", limit.line));
        let mut all = services.chain(plans).chain(limits);
        let found = all.find(|(other, ..)| *other == name).map(|(_, what, line)| (what, line));
        let is_rule =
            |service: &&ServiceConfig| service.country.is_some() && service.country_rule() == name.as_str();
        found.or_else(|| Some(("country rule", self.services.iter().find(is_rule)?.line)))
    }

    /// How many times the room of a usual source each one takes in the limiter's table: one for up to two limits.
    #[must_use]
    pub fn source_share(&self) -> u32 {
        let by_source = |name: &&Name| {
            self.limits.iter().any(|limit| limit.name == **name && limit.key == LimitKey::Source)
        };
        let plans = |service: &ServiceConfig| {
            let of = |limits: &[Name]| limits.iter().filter(by_source).count();
            service.plans.iter().map(|plan| of(&plan.limits)).chain([of(&service.limits)]).max()
        };
        let most = self.services.iter().filter_map(plans).max().unwrap_or(0);
        u32::try_from(most.div_ceil(2)).unwrap_or(1).max(1)
    }
}

/// Ports from `first` to `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PortRange {
    /// The first; not zero.
    pub first: u16,
    /// The last; not below `first`.
    pub last: u16,
}

/// What a service gives the sources of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanLimits {
    /// The plan.
    pub plan: Name,
    /// Its limits, narrowest first. Empty: unlimited. At most [`MAX_LIMITS_PER_PLAN`].
    pub limits: Vec<Name>,
    /// The line of the policy that says so.
    pub line: u32,
}

/// Sources that services treat alike. Where plans overlap, the longest prefix counts.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanConfig {
    /// Its name in counters and in services.
    pub name: Name,
    /// Its sources.
    pub prefixes: Vec<Located<IpNet>>,
    /// A file with more of them.
    pub path: Option<PathBuf>,
    /// The line of the policy that names it.
    pub line: u32,
}

/// One limit. Every service that names it counts for itself.
#[derive(Clone, Debug, PartialEq)]
pub struct LimitConfig {
    /// Its name in counters, in services and on the command line.
    pub name: Name,
    /// How it counts.
    pub algorithm: Algorithm,
    /// What it counts.
    pub unit: LimitUnit,
    /// How much.
    pub amount: Amount,
    /// Whose packets count together.
    pub key: LimitKey,
    /// What happens to what is over it.
    pub on_exceed: OnExceed,
    /// Whether it acts or only counts what it would do.
    pub mode: Mode,
    /// The line of the policy that names it.
    pub line: u32,
}

impl LimitConfig {
    /// Whether it acts, by its mode and by what happens on exceed.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        if matches!(self.on_exceed, OnExceed::Monitor) { Mode::Monitor } else { self.mode }
    }
}

/// How much a limit admits, in its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// Of a token bucket, with its burst; of a leaky bucket, with its depth as the burst.
    Rate(Rate),
    /// Of a fixed or a sliding window.
    Window {
        /// So many. Not zero.
        count: u64,
        /// In this time. Not zero.
        window: Duration,
    },
}

/// Whose packets a limit counts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitKey {
    /// Each source, as long as `limits.source.ipv4_prefix` and `ipv6_prefix` say.
    Source,
    /// Each network of this many leading bits.
    Prefix {
        /// Of an IPv4 address, 1 to 32.
        ipv4: u8,
        /// Of an IPv6 address, 1 to 64.
        ipv6: u8,
    },
    /// Each country; sources of no known country together.
    Country,
    /// All sources of the service.
    Service,
}

impl LimitKey {
    /// The key in a word.
    #[must_use]
    pub const fn kind(self) -> LimitKeyKind {
        match self {
            Self::Source => LimitKeyKind::Source,
            Self::Prefix { .. } => LimitKeyKind::Prefix,
            Self::Country => LimitKeyKind::Country,
            Self::Service => LimitKeyKind::Service,
        }
    }
}

/// What happens to what is over a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnExceed {
    /// It is dropped.
    Drop,
    /// It is only counted.
    Monitor,
    /// It is dropped, and its source banned.
    Ban {
        /// For how long the first time; twice as long each time it happens again.
        first: Duration,
        /// The longest.
        longest: Duration,
    },
}

impl OnExceed {
    /// What happens in a word.
    #[must_use]
    pub const fn action(self) -> ExceedAction {
        match self {
            Self::Drop => ExceedAction::Drop,
            Self::Monitor => ExceedAction::Monitor,
            Self::Ban { .. } => ExceedAction::Ban,
        }
    }
}
