//! `[country]`.

use std::collections::BTreeSet;

use super::{choice, ports};
use crate::config::entry::Entry;
use crate::config::error::Report;
use crate::config::reference;
use crate::config::section::Section;
use crate::config::{CountryRule, CountrySelection};
use crate::country::CountryCode;

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
    let deny = section.get(&reference::COUNTRY_DENY);
    let allow_only = section.get(&reference::COUNTRY_ALLOW_ONLY);
    if let (Some(deny), Some(allow_only)) = (&deny, &allow_only) {
        let what = format!("cannot stand beside country.deny (line {})", deny.place().line);
        let advice = "allowed: one of the two; remove one of them";
        report.add(allow_only.place(), format!("{what}; {advice}"));
    }
    let denied = deny.as_ref().map(|entry| codes(entry, report)).unwrap_or_default();
    let allowed = allow_only.as_ref().map(|entry| codes(entry, report)).unwrap_or_default();
    let Some(entry) = allow_only.or_else(|| deny.filter(|_| !denied.is_empty())) else {
        return CountrySelection::Off;
    };
    if !has_database {
        let advice = "add [geo] with database = \"FILE\", or remove this key";
        report.add(entry.place(), format!("needs a geo database; allowed: only with geo.database; {advice}"));
    }
    if !denied.is_empty() {
        return CountrySelection::Deny(denied);
    }
    if allowed.is_empty() {
        entry.refuse(
            "names no country, which would drop the world",
            "name the countries that may pass",
            report,
        );
    }
    CountrySelection::AllowOnly(allowed)
}

fn codes(entry: &Entry<'_>, report: &mut Report) -> BTreeSet<CountryCode> {
    let elements = entry.elements(report);
    elements.iter().filter_map(|element| element.parse(report)).collect()
}
