//! Decisions as the local API writes them, and what they say.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;
use serde::Deserialize;

use super::duration::parse_go_duration;
use crate::country::CountryCode;

/// What `/v1/decisions/stream` answers. Where there is nothing, servers leave a list out or write `null`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Answer {
    /// What was decided since the last time, or all that holds.
    pub new: Option<Vec<WireDecision>>,
    /// What no longer holds.
    pub deleted: Option<Vec<WireDecision>>,
}

/// A decision as it is written. All that a bouncer of today can do without is optional.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct WireDecision {
    /// Its number.
    pub id: Option<i64>,
    /// Who decided: `crowdsec`, `cscli`, `CAPI`, `lists:…`.
    pub origin: Option<String>,
    /// What is to happen: `ban`, `captcha`, …
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// What the value is: `Ip`, `Range`, `Country`, `AS`, …
    pub scope: Option<String>,
    /// Whom it is about.
    pub value: Option<String>,
    /// How long it still holds, as Go writes times.
    pub duration: Option<String>,
    /// Why.
    pub scenario: Option<String>,
    /// Only tried out.
    pub simulated: Option<bool>,
}

/// Whom a decision is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// An address or a range of them.
    Prefix(IpNet),
    /// All of a country.
    Country(CountryCode),
    /// All of an autonomous system.
    System(u32),
}

/// A decision to ban.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Its number.
    pub id: i64,
    /// Whom.
    pub target: Target,
    /// Until when.
    pub ends: Timestamp,
    /// Why.
    pub scenario: String,
    /// Who decided.
    pub origin: String,
}

/// Why a decision is no ban here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unused {
    /// It was only tried out.
    Simulated,
    /// It asks for something else than a ban.
    Kind(String),
    /// It is about something else than addresses, countries and autonomous systems.
    Scope(String),
    /// Something of it cannot be read.
    Unreadable,
}

impl WireDecision {
    /// What it says, received at `now`.
    ///
    /// # Errors
    /// When it is no ban.
    pub fn read(&self, now: Timestamp) -> Result<Decision, Unused> {
        if self.simulated == Some(true) {
            return Err(Unused::Simulated);
        }
        let kind = self.kind.as_deref().unwrap_or_default();
        if !kind.eq_ignore_ascii_case("ban") {
            return Err(Unused::Kind(kind.to_lowercase()));
        }
        let left = self.duration.as_deref().and_then(|text| parse_go_duration(text).ok());
        let ends = now.checked_add(left.ok_or(Unused::Unreadable)?).map_err(|_| Unused::Unreadable)?;
        Ok(Decision {
            id: self.id.ok_or(Unused::Unreadable)?,
            target: self.target()?,
            ends,
            scenario: self.scenario.clone().unwrap_or_default(),
            origin: self.origin.clone().unwrap_or_default(),
        })
    }

    fn target(&self) -> Result<Target, Unused> {
        let value = self.value.as_deref().unwrap_or_default().trim();
        let scope = self.scope.as_deref().unwrap_or_default().to_lowercase();
        let target = match scope.as_str() {
            "ip" | "range" => prefix(value).map(Target::Prefix),
            "country" => value.to_uppercase().parse().ok().map(Target::Country),
            "as" => {
                let number = value.get(..2).filter(|start| start.eq_ignore_ascii_case("as"));
                let number = number.map_or(value, |start| value.get(start.len()..).unwrap_or_default());
                number.trim().parse().ok().map(Target::System)
            }
            _ => return Err(Unused::Scope(scope)),
        };
        target.ok_or(Unused::Unreadable)
    }
}

/// An address or a range. Host bits do not matter, and an IPv4 address that is written as an IPv6 one is what it is.
fn prefix(text: &str) -> Option<IpNet> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical().into());
    }
    let prefix = text.parse::<IpNet>().ok()?.trunc();
    // Of an IPv4-mapped range the last 32 bits are the IPv4 range.
    match (prefix.addr().to_canonical(), prefix.prefix_len()) {
        (IpAddr::V4(address), length @ 96..) if prefix.addr().is_ipv6() => {
            IpNet::new(address.into(), length - 96).ok()
        }
        _ => Some(prefix),
    }
}
