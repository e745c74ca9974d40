use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Changed, Count, Origin};
use crate::config::{CountryScope, DefaultAction, Mode, Name};
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
    /// When it was read.
    pub loaded: Timestamp,
    /// How many ranges of addresses it has.
    pub ranges: u64,
    /// How many countries it knows.
    pub countries: u64,
}

/// The database of autonomous systems in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AsnDatabaseInfo {
    /// The file.
    pub path: PathBuf,
    /// What it calls itself.
    pub name: String,
    /// When it was built.
    pub built: Option<Timestamp>,
    /// When it was read.
    pub loaded: Timestamp,
    /// How many ranges of addresses it has.
    pub ranges: u64,
    /// How many systems it knows.
    pub systems: u64,
}

/// An autonomous system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct System {
    /// Its number.
    pub number: u32,
    /// Its name, where the database has one.
    pub name: Option<String>,
}

/// What was counted for a country.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountryStats {
    /// Which; `null`: sources of no known country.
    pub country: Option<CountryCode>,
    /// Dropped by country rules.
    pub dropped: Count,
    /// What country rules in monitor mode would have dropped.
    pub monitored: Count,
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
    /// The database of autonomous systems in use.
    #[serde(default)]
    pub asn_database: Option<AsnDatabaseInfo>,
    /// The rules of services that have one of their own, in the order of the policy.
    #[serde(default)]
    pub services: Vec<ServiceRule>,
    /// What country rules have counted, by country.
    #[serde(default)]
    pub counted: Vec<CountryStats>,
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
    /// According to this database, where there is one.
    pub database: Option<GeoDatabaseInfo>,
    /// The autonomous system that announces it; `null` when no database knows.
    #[serde(default)]
    pub system: Option<System>,
    /// According to this database, where there is one.
    #[serde(default)]
    pub asn_database: Option<AsnDatabaseInfo>,
}

/// The country rule of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceRule {
    /// Whose.
    pub service: Name,
    /// What it says.
    #[serde(flatten)]
    pub rule: GeoRule,
}

/// What became of looking at one database file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeoUpdate {
    /// The file.
    pub path: PathBuf,
    /// What it is of: `geo` or `asn`.
    pub kind: String,
    /// How many ranges were in use before.
    pub before: u64,
    /// How many are in use now.
    pub ranges: u64,
    /// Whether another database is in use than before.
    pub swapped: bool,
    /// Why the file is not in use; absent: it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// The answer to `POST /v1/geo/update`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeoUpdated {
    /// By database.
    pub databases: Vec<GeoUpdate>,
    /// What the change took; absent when nothing was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Changed>,
}
