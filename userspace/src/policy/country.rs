//! The country rule as a layer of the prefix tables.
//!
//! Only ranges that are treated differently reach the tables, and a country's code only where a flag needs it for
//! counting and events. So neighbours of the same treatment merge, and a rule on one country costs that country's ranges.

use std::net::IpAddr;

use xdpgate_ebpf::abi::{AttributeSet, attribute};

use super::error::CompileError;
use super::flatten::Layer;
use super::sources::Sources;
use crate::config::{CountrySelection, DefaultAction, LimitKey, Name, ServiceConfig};
use crate::country::CountryCode;
use crate::feeds::{Address, GeoDatabase, GeoRange};

/// The country rule, compiled.
#[derive(Debug)]
pub(super) struct Countries<'a> {
    /// What holds of a source that no range covers.
    pub(super) outside: AttributeSet,
    /// What changes in the ranges of each country, and the ranges; nothing where there is no rule.
    rule: Option<(Changes, &'a GeoDatabase)>,
}

/// The countries that the rule in force names and of which the geo database has no range: misspelt, most likely.
#[must_use]
pub fn countries_without_ranges(sources: &Sources<'_>) -> Vec<CountryCode> {
    let Some(geo) = sources.geo else { return Vec::new() };
    let named = match sources.country_rule().rule {
        CountrySelection::Off => return Vec::new(),
        CountrySelection::Deny(countries) | CountrySelection::AllowOnly(countries) => countries,
    };
    let known = geo.countries();
    named.into_iter().filter(|country| !known.contains_key(country)).collect()
}

impl<'a> Countries<'a> {
    pub(super) fn of(sources: &Sources<'a>) -> Result<Self, CompileError> {
        let rule = sources.country_rule();
        // A limit by country needs to know every country.
        let named = sources.config.services.iter().flat_map(ServiceConfig::limits_in_use);
        let by_country = |name: &Name| {
            sources.config.limits.iter().any(|limit| limit.name == *name && limit.key == LimitKey::Country)
        };
        let all = named.into_iter().any(by_country);
        let refuses: &dyn Fn(CountryCode) -> bool = match &rule.rule {
            CountrySelection::Off if !all => return Ok(Self { outside: AttributeSet::EMPTY, rule: None }),
            CountrySelection::Off => &|_| false,
            CountrySelection::Deny(countries) => &|country| countries.contains(&country),
            CountrySelection::AllowOnly(countries) => &|country| !countries.contains(&country),
        };
        let geo = sources.geo.ok_or(CompileError::NoGeoDatabase)?;
        let unknown_flag = match rule.unknown {
            DefaultAction::Drop if rule.rule != CountrySelection::Off => attribute::UNKNOWN_DENIED,
            DefaultAction::Pass | DefaultAction::Drop => 0,
        };
        let outside = AttributeSet { flags: unknown_flag, ..AttributeSet::EMPTY };
        let change = |country: CountryCode| {
            let flag = if refuses(country) { attribute::COUNTRY_DENIED } else { 0 };
            // One that is welcome is only told apart from unknown sources, unless a limit asks which country it is.
            let code = if all || flag != 0 { country.as_bytes() } else { [0; 2] };
            AttributeSet { flags: unknown_flag | flag, country: code, ..AttributeSet::EMPTY }
        };
        let mut changes = Changes(vec![AttributeSet::EMPTY; LETTERS * LETTERS]);
        geo.countries().keys().for_each(|country| changes.set(*country, change(*country)));
        Ok(Self { outside, rule: Some((changes, geo)) })
    }

    pub(super) fn ipv4(&self) -> Option<Layer<'_, u32>> {
        let (changes, geo) = self.rule.as_ref()?;
        Some(layer(changes, geo.ranges4()))
    }

    pub(super) fn ipv6(&self) -> Option<Layer<'_, u128>> {
        let (changes, geo) = self.rule.as_ref()?;
        Some(layer(changes, geo.ranges6()))
    }

    /// What changes for one address.
    pub(super) fn change_for(&self, address: IpAddr) -> Option<AttributeSet> {
        let (changes, geo) = self.rule.as_ref()?;
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
