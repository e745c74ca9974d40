//! What is known about one address, and who said so.

use std::net::IpAddr;

use ipnet::IpNet;

use super::sources::Sources;
use crate::config::{Located, Mode, Name};
use crate::country::CountryCode;

/// What is known about one address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The allow entries that cover it.
    pub allowed: Vec<AllowedBy>,
    /// The management prefixes that cover it.
    pub management: Vec<Located<IpNet>>,
    /// The lists that cover it, in the order of their bits.
    pub lists: Vec<(Name, Mode)>,
    /// Its country, whether or not a rule asks for it.
    pub country: Option<CountryCode>,
}

/// Who allowed an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowedBy {
    /// A line of the policy.
    Policy(Located<IpNet>),
    /// An operator, from the command line.
    Operator(IpNet),
}

/// Collects what is known about an address. Looks at every entry, so it is for one address at a time.
#[must_use]
pub fn known(sources: &Sources<'_>, address: IpAddr) -> Known {
    let written = sources.config.allow.iter().filter(|prefix| prefix.value.contains(&address));
    let added = sources.changes.allow.iter().filter(|prefix| prefix.contains(&address));
    let management = sources.config.safety.management_prefixes.iter();
    Known {
        allowed: written
            .map(|prefix| AllowedBy::Policy(*prefix))
            .chain(added.map(|prefix| AllowedBy::Operator(*prefix)))
            .collect(),
        management: management.filter(|prefix| prefix.value.contains(&address)).copied().collect(),
        lists: sources
            .lists
            .iter()
            .filter(|list| list.ranges.contains(address))
            .map(|list| (list.name.clone(), list.mode))
            .collect(),
        country: sources.geo.and_then(|geo| geo.lookup(address)),
    }
}
