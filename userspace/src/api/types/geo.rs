use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Changed, Origin};
use crate::config::{CountryScope, DefaultAction, Mode};
use crate::country::CountryCode;

/// Which kind of country rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleWord {
    /// None.
    Off,
    /// The countries may not.
    Deny,
    /// Only the countries may.
    AllowOnly,
}

impl RuleWord {
    /// The word for tables and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Deny => "deny",
            Self::AllowOnly => "allow-only",
        }
    }
}

/// The country rule in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeoRule {
    /// Which kind.
    pub rule: RuleWord,
    /// Which countries.
    pub countries: BTreeSet<CountryCode>,
    /// What happens to sources of no known country.
    pub unknown: DefaultAction,
    /// Which packets are judged.
    pub scope: CountryScope,
    /// Whether it drops or only counts.
    pub mode: Mode,
}

/// `PUT /v1/geo/rule`. What is absent stays as the policy file has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeoRuleRequest {
    /// Which kind.
    pub rule: RuleWord,
    /// Which countries.
    #[serde(default)]
    pub countries: BTreeSet<CountryCode>,
    /// What happens to sources of no known country.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<DefaultAction>,
    /// Which packets are judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<CountryScope>,
    /// Whether it drops or only counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Also when that would lock out an operator.
    #[serde(default)]
    pub force: bool,
}

/// `PUT /v1/geo/database`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeoDatabaseRequest {
    /// An absolute path on the daemon's host.
    pub path: PathBuf,
    /// Also when that would lock out an operator.
    #[serde(default)]
    pub force: bool,
}

/// The geo database in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeoDatabaseInfo {
    /// The file.
    pub path: PathBuf,
    /// Who named it.
    pub origin: Origin,
    /// What it calls itself.
    pub name: String,
    /// When it was built.
    pub built: Option<Timestamp>,
    /// How many countries it knows.
    pub countries: u64,
}

/// One country of the rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountryEntry {
    /// The country.
    pub country: CountryCode,
    /// Its ranges of IPv4 addresses in the database.
    pub ipv4_ranges: u64,
    /// Likewise for IPv6.
    pub ipv6_ranges: u64,
}

/// `GET /v1/geo`, and the answer to a change of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Geo {
    /// The rule in force.
    pub rule: GeoRule,
    /// Who made the rule.
    pub rule_origin: Origin,
    /// The database in use.
    pub database: Option<GeoDatabaseInfo>,
    /// The countries that the rule names, as the database has them.
    pub countries: Vec<CountryEntry>,
    /// What the change took; absent when nothing was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Changed>,
}

/// `GET /v1/geo/lookup/{address}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeoLookup {
    /// Who.
    pub address: IpAddr,
    /// Where; `null` when the database does not know.
    pub country: Option<CountryCode>,
    /// According to this database.
    pub database: GeoDatabaseInfo,
}
