//! A policy in force, and the packets that meet it.

use super::row::Row;

/// What the operator has done beside the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The policy is live.
    Live,
    /// It is live, and paused.
    Paused,
    /// No policy was loaded yet.
    NoPolicy,
}

/// A policy in force, and the packets that meet it, in order.
#[derive(Clone, Debug)]
pub struct Scene {
    /// What it is about.
    pub name: &'static str,
    /// The policy, as an operator writes it.
    pub policy: String,
    /// What the operator has done beside it.
    pub state: State,
    /// Whether any verdict depends on the packets before it.
    pub remembers: bool,
    /// The packets.
    pub rows: Vec<Row>,
}

impl Scene {
    pub(super) fn new(name: &'static str, policy: &Policy<'_>, rows: Vec<Row>) -> Self {
        let remembers =
            policy.limits != FAR_LIMIT || policy.fragments.contains("limit") || !policy.services.is_empty();
        Self { name, policy: policy.text(), state: State::Live, remembers, rows }
    }

    pub(super) fn in_state(self, state: State) -> Self {
        Self { state, ..self }
    }
}

/// The parts of the policy that differ from scene to scene.
pub(super) struct Policy<'a> {
    pub(super) default_action: &'a str,
    pub(super) lists: &'a str,
    pub(super) country: &'a str,
    pub(super) fragments: &'a str,
    pub(super) limits: &'a str,
    pub(super) services: &'a str,
}

/// A limit that no scene reaches.
const FAR_LIMIT: &str = "packets = \"1000000/s\"\npackets_burst = 1000000\n";

/// The usual policy of the table.
pub(super) const USUAL: Policy<'_> = Policy {
    default_action: "pass",
    lists: "enforce",
    country: "deny = [\"AQ\"]",
    fragments: "rule = \"pass\"",
    limits: FAR_LIMIT,
    services: "",
};

impl Policy<'_> {
    fn text(&self) -> String {
        let Self { default_action, lists, country, fragments, limits, services } = self;
        format!(
            r#"
default_action = "{default_action}"

[allow]
prefixes = ["192.0.2.70", "2001:db8:3:4801::/64"]

[safety]
management_ports = [22, 8443]
management_prefixes = ["10.0.0.0/8", "fd00::/8"]

[[list]]
name = "blocked"
path = "blocked.txt"
mode = "{lists}"

[[list]]
name = "watched"
path = "watched.txt"
mode = "monitor"

[[list]]
name = "also"
path = "also.txt"
mode = "{lists}"

[geo]
database = "countries.csv"

[country]
{country}
udp_services = [53, 443]

[fragments]
{fragments}

[limits.source]
{limits}

[events]
per_second = 0

{services}
"#
        )
    }
}
