//! The country rule as layers of the prefix tables.
//!
//! Only ranges that are treated differently reach the tables, and a country's code only where a flag needs it for
//! counting and events. So neighbours of the same treatment merge, and a rule on one country costs that country's ranges.

use std::collections::{BTreeMap, BTreeSet};

use xdpgate_ebpf::abi::{AttributeSet, attribute};

use super::error::CompileError;
use super::sources::Sources;
use crate::config::{CountrySelection, DefaultAction};
use crate::country::CountryCode;
use crate::feeds::{AddressRanges, GeoDatabase};

/// The country rule, compiled.
#[derive(Debug)]
pub(super) struct CountryLayers {
    /// What holds of a source that no range covers.
    pub(super) outside: AttributeSet,
    /// What changes in which ranges.
    pub(super) layers: Vec<(AttributeSet, AddressRanges)>,
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

pub(super) fn country_layers(sources: &Sources<'_>) -> Result<CountryLayers, CompileError> {
    let rule = sources.country_rule();
    let refuses: &dyn Fn(CountryCode) -> bool = match &rule.rule {
        CountrySelection::Off => {
            return Ok(CountryLayers { outside: AttributeSet::EMPTY, layers: Vec::new() });
        }
        CountrySelection::Deny(countries) => &|country| countries.contains(&country),
        CountrySelection::AllowOnly(countries) => &|country| !countries.contains(&country),
    };
    let geo = sources.geo.ok_or(CompileError::NoGeoDatabase)?;
    let unknown_flag = match rule.unknown {
        DefaultAction::Pass => 0,
        DefaultAction::Drop => attribute::UNKNOWN_DENIED,
    };
    let outside = AttributeSet { flags: unknown_flag, ..AttributeSet::EMPTY };
    let denied: BTreeSet<_> = geo.countries().into_keys().filter(|country| refuses(*country)).collect();
    let mut layers: Vec<_> = ranges_of(geo, &denied)
        .into_iter()
        .map(|(country, ranges)| {
            let flags = unknown_flag | attribute::COUNTRY_DENIED;
            (AttributeSet { flags, country: country.as_bytes(), ..AttributeSet::EMPTY }, ranges)
        })
        .collect();
    if unknown_flag != 0 {
        layers.push((outside, known_and_welcome(geo, &denied)));
    }
    Ok(CountryLayers { outside, layers })
}

fn ranges_of(geo: &GeoDatabase, denied: &BTreeSet<CountryCode>) -> BTreeMap<CountryCode, AddressRanges> {
    let mut ranges = BTreeMap::<CountryCode, AddressRanges>::new();
    for found in geo.ranges4().filter(|found| denied.contains(&found.country)) {
        ranges.entry(found.country).or_default().ipv4.push(found.range);
    }
    for found in geo.ranges6().filter(|found| denied.contains(&found.country)) {
        ranges.entry(found.country).or_default().ipv6.push(found.range);
    }
    ranges
}

/// Only told apart from unknown sources; which country it is does not matter.
fn known_and_welcome(geo: &GeoDatabase, denied: &BTreeSet<CountryCode>) -> AddressRanges {
    AddressRanges {
        ipv4: geo
            .ranges4()
            .filter(|found| !denied.contains(&found.country))
            .map(|found| found.range)
            .collect(),
        ipv6: geo
            .ranges6()
            .filter(|found| !denied.contains(&found.country))
            .map(|found| found.range)
            .collect(),
    }
}
