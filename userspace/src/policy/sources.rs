//! What a policy is compiled from.

use std::sync::Arc;

use ipnet::IpNet;

use super::rules::LimitNumbers;
use crate::config::{Config, CountryRule, CountrySelection, DefaultAction, Mode, Name};
use crate::feeds::{DisjointRanges, GeoDatabase};

/// Everything that one generation is compiled from.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// The policy file.
    pub config: &'a Config,
    /// What was changed from the command line.
    pub changes: &'a OperatorChanges,
    /// The lists in the order of their bits: those of the policy and those of the command line.
    pub lists: &'a [LoadedList],
    /// The geo database, where there is one.
    pub geo: Option<&'a GeoDatabase>,
    /// The plans that sources are in, in the order of the policy.
    pub plans: &'a [LoadedPlan],
    /// The numbers of limits in the generation before.
    pub numbers: &'a LimitNumbers,
}

/// A plan whose file was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedPlan {
    /// Its name.
    pub name: Name,
    /// Its sources: those of the policy and those of the file.
    pub prefixes: Arc<Vec<IpNet>>,
}

/// What operators changed beside the policy file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OperatorChanges {
    /// Sources that always pass, added to those of the policy.
    pub allow: Vec<IpNet>,
    /// A country rule in place of the policy's.
    pub country: Option<CountryChange>,
}

/// A country rule from the command line. Its scope and mode stay those of the policy.
#[derive(Clone, Debug, PartialEq)]
pub struct CountryChange {
    /// Which countries.
    pub rule: CountrySelection,
    /// What happens to a source of no known country; `None` leaves it to the policy.
    pub unknown: Option<DefaultAction>,
}

/// A list that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadedList {
    /// Its name.
    pub name: Name,
    /// Whether it drops or only counts.
    pub mode: Mode,
    /// What it names; shared by all generations that have the list.
    pub ranges: Arc<DisjointRanges>,
    /// How many of its lines named something.
    pub entries: usize,
}

impl<'a> Sources<'a> {
    /// A policy file alone.
    #[must_use]
    pub const fn of(config: &'a Config, changes: &'a OperatorChanges) -> Self {
        const NONE: &LimitNumbers = &LimitNumbers::NONE;
        Self { config, changes, lists: &[], geo: None, plans: &[], numbers: NONE }
    }
}

impl Sources<'_> {
    /// Every country rule in force: first that of services with none of their own.
    pub(super) fn country_rules(&self) -> impl Iterator<Item = CountryRule> {
        let own = self.config.services.iter().filter_map(|service| service.country.clone());
        std::iter::once(self.country_rule()).chain(own)
    }

    /// The country rule in force where a service has none of its own: the operator's, else the policy's.
    #[must_use]
    pub fn country_rule(&self) -> CountryRule {
        let written = self.config.country.clone();
        match &self.changes.country {
            None => written,
            Some(change) => CountryRule {
                rule: change.rule.clone(),
                unknown: change.unknown.unwrap_or(written.unknown),
                ..written
            },
        }
    }
}
