//! `[country]`.

use std::collections::BTreeSet;

use super::{choice, ports};
use crate::config::entry::Entry;
use crate::config::error::Report;
use crate::config::reference;
use crate::config::section::Section;
use crate::config::{CountryRule, CountrySelection};
use crate::country::CountryCode;

/// `has_database`: whether the policy names a geo database, be it rightly or not.
pub(super) fn rule(section: &Section<'_>, has_database: bool, report: &mut Report) -> CountryRule {
    let default = CountryRule::default();
    CountryRule {
        rule: selection(section, has_database, report),
        unknown: choice(section, &reference::COUNTRY_UNKNOWN, report).unwrap_or(default.unknown),
        scope: choice(section, &reference::COUNTRY_SCOPE, report).unwrap_or(default.scope),
        mode: choice(section, &reference::COUNTRY_MODE, report).unwrap_or(default.mode),
        udp_services: ports(section, &reference::UDP_SERVICES, report).unwrap_or(default.udp_services),
    }
}

fn selection(section: &Section<'_>, has_database: bool, report: &mut Report) -> CountrySelection {
    let deny = section.get(&reference::COUNTRY_DENY).and_then(|entry| codes(entry, has_database, report));
    let allow_only =
        section.get(&reference::COUNTRY_ALLOW_ONLY).and_then(|entry| codes(entry, has_database, report));
    match (deny, allow_only) {
        (None, None) => CountrySelection::Off,
        (Some(deny), None) if deny.written == 0 => CountrySelection::Off,
        (Some(deny), None) => CountrySelection::Deny(deny.valid),
        (None, Some(allow_only)) => {
            if allow_only.written == 0 {
                let what = "names no country, which would drop the world";
                allow_only.entry.refuse(what, "name the countries that may pass", report);
            }
            CountrySelection::AllowOnly(allow_only.valid)
        }
        (Some(deny), Some(allow_only)) => {
            let what = format!("cannot stand beside country.deny (line {})", deny.entry.place().line);
            let way_out = "allowed: one of the two; remove one of them";
            report.add(allow_only.entry.place(), format!("{what}; {way_out}"));
            CountrySelection::Off
        }
    }
}

/// A list of countries, and what was written for it.
struct Codes<'doc> {
    entry: Entry<'doc>,
    written: usize,
    valid: BTreeSet<CountryCode>,
}

fn codes<'doc>(entry: Entry<'doc>, has_database: bool, report: &mut Report) -> Option<Codes<'doc>> {
    let elements = entry.elements(report)?;
    if !elements.is_empty() && !has_database {
        let way_out = "add [geo] with database = \"FILE\", or remove this key";
        report
            .add(entry.place(), format!("needs a geo database; allowed: only with geo.database; {way_out}"));
    }
    let valid = elements.iter().filter_map(|element| element.parse(report)).collect();
    Some(Codes { entry, written: elements.len(), valid })
}
