//! The country rules as a layer of the prefix tables.
//!
//! Only ranges that are treated differently reach the tables, and a country's code only where a rule needs it for
//! counting and events. So neighbours of the same treatment merge, and a rule on one country costs that country's ranges.

use std::collections::BTreeSet;
use std::net::IpAddr;

use xdpgate_ebpf::abi::{AttributeSet, MAX_COUNTRY_RULES};

use super::error::CompileError;
use super::flatten::Layer;
use super::sources::Sources;
use crate::config::{CountryRule, CountrySelection, DefaultAction, LimitKey, Name, ServiceConfig};
use crate::country::CountryCode;
use crate::feeds::{Address, GeoDatabase, GeoRange};

/// What country rules say of sources, each once: services may share a rule and still differ in scope and mode.
#[derive(Debug)]
pub(super) struct CountryRules(Vec<Selection>);

/// Which countries, and what of sources of no known one.
type Selection = (CountrySelection, DefaultAction);

impl CountryRules {
    pub(super) fn of(sources: &Sources<'_>) -> Result<Self, CompileError> {
        let mut rules: Vec<Selection> = Vec::new();
        for rule in sources.country_rules().filter(|rule| rule.rule != CountrySelection::Off) {
            let selection = (rule.rule.clone(), rule.unknown);
            if !rules.contains(&selection) {
                rules.push(selection);
            }
        }
        if rules.len() > MAX_COUNTRY_RULES {
            return Err(CompileError::TooManyCountryRules { count: rules.len() });
        }
        Ok(Self(rules))
    }

    /// The bit of a rule in [`AttributeSet::denied`]; zero where it denies nobody.
    pub(super) fn bit(&self, rule: &CountryRule) -> u16 {
        let same = |(selection, unknown): &Selection| *selection == rule.rule && *unknown == rule.unknown;
        self.0.iter().position(same).map_or(0, bit)
    }

    /// The bits of the rules that deny sources of this country, or of no known one.
    fn denying(&self, country: Option<CountryCode>) -> u16 {
        let denies = |(selection, unknown): &Selection| match country {
            None => *unknown == DefaultAction::Drop,
            Some(country) => selection.denies(country),
        };
        let denying = self.0.iter().enumerate().filter(|(_, rule)| denies(rule));
        denying.fold(0, |bits, (position, _)| bits | bit(position))
    }
}

fn bit(position: usize) -> u16 {
    u32::try_from(position).ok().and_then(|position| 1_u16.checked_shl(position)).unwrap_or(0)
}

/// The country rules, compiled.
#[derive(Debug)]
pub(super) struct Countries<'a> {
    /// What holds of a source that no range covers.
    pub(super) outside: AttributeSet,
    /// What changes in the ranges of each country, and the ranges; nothing where there is no rule.
    changes: Option<(Changes, &'a GeoDatabase)>,
}

/// The countries that rules in force name and of which the geo database has no range: misspelt, most likely.
#[must_use]
pub fn countries_without_ranges(sources: &Sources<'_>) -> Vec<CountryCode> {
    let Some(geo) = sources.geo else { return Vec::new() };
    let named: BTreeSet<_> = sources.country_rules().flat_map(|rule| rule.rule.named().clone()).collect();
    let known = geo.countries();
    named.into_iter().filter(|country| !known.contains_key(country)).collect()
}

impl<'a> Countries<'a> {
    pub(super) fn of(sources: &Sources<'a>, rules: &CountryRules) -> Result<Self, CompileError> {
        // A limit by country needs to know every country.
        let named = sources.config.services.iter().flat_map(ServiceConfig::limits_in_use);
        let by_country = |name: &Name| {
            sources.config.limits.iter().any(|limit| limit.name == *name && limit.key == LimitKey::Country)
        };
        let all = named.into_iter().any(by_country);
        if rules.0.is_empty() && !all {
            return Ok(Self { outside: AttributeSet::EMPTY, changes: None });
        }
        let geo = sources.geo.ok_or(CompileError::NoGeoDatabase)?;
        let outside = AttributeSet { denied: rules.denying(None), ..AttributeSet::EMPTY };
        let change = |country: CountryCode| {
            let denied = rules.denying(Some(country));
            // One that is welcome is only told apart from unknown sources, unless a limit asks which country it is.
            let code = if all || denied != 0 { country.as_bytes() } else { [0; 2] };
            AttributeSet { denied: denied ^ outside.denied, country: code, ..AttributeSet::EMPTY }
        };
        let mut changes = Changes(vec![AttributeSet::EMPTY; LETTERS * LETTERS]);
        geo.countries().keys().for_each(|country| changes.set(*country, change(*country)));
        Ok(Self { outside, changes: Some((changes, geo)) })
    }

    pub(super) fn ipv4(&self) -> Option<Layer<'_, u32>> {
        let (changes, geo) = self.changes.as_ref()?;
        Some(layer(changes, geo.ranges4()))
    }

    pub(super) fn ipv6(&self) -> Option<Layer<'_, u128>> {
        let (changes, geo) = self.changes.as_ref()?;
        Some(layer(changes, geo.ranges6()))
    }

    /// What changes for one address.
    pub(super) fn change_for(&self, address: IpAddr) -> Option<AttributeSet> {
        let (changes, geo) = self.changes.as_ref()?;
        changes.of(geo.lookup(address)?)
    }
}

fn layer<'a, A: Address>(
    changes: &'a Changes,
    ranges: impl Iterator<Item = GeoRange<A>> + 'a,
) -> Layer<'a, A> {
    Box::new(ranges.filter_map(|found| Some((found.range, changes.of(found.country)?))))
}

/// What changes in the ranges of each country, at a place that follows from its letters: databases have hundreds of
/// thousands of ranges, and each one asks.
#[derive(Debug)]
struct Changes(Vec<AttributeSet>);

const LETTERS: usize = 26;

impl Changes {
    fn set(&mut self, country: CountryCode, change: AttributeSet) {
        if let Some(place) = self.0.get_mut(place(country)) {
            *place = change;
        }
    }

    fn of(&self, country: CountryCode) -> Option<AttributeSet> {
        self.0.get(place(country)).copied().filter(|change| *change != AttributeSet::EMPTY)
    }
}

fn place(country: CountryCode) -> usize {
    let [first, second] = country.as_bytes().map(|letter| usize::from(letter.saturating_sub(b'A')));
    first * LETTERS + second
}
