//! `[country]` and `[service.country]`.

use std::collections::BTreeSet;

use super::{choice, ports};
use crate::config::entry::Entry;
use crate::config::error::Report;
use crate::config::reference;
use crate::config::section::Section;
use crate::config::{CountryRule, CountryScope, CountrySelection, ServiceProtocol, UdpServices};
use crate::country::CountryCode;

/// `has_database`: whether the policy names a geo database, be it rightly or not.
pub(super) fn rule(section: &Section<'_>, has_database: bool, report: &mut Report) -> CountryRule {
    let default = CountryRule::default();
    CountryRule {
        rule: selection(section, has_database, report),
        unknown: choice(section, &reference::COUNTRY_UNKNOWN, report).unwrap_or(default.unknown),
        scope: choice(section, &reference::COUNTRY_SCOPE, report).unwrap_or(default.scope),
        mode: choice(section, &reference::COUNTRY_MODE, report).unwrap_or(default.mode),
    }
}

pub(super) fn udp_services(section: &Section<'_>, report: &mut Report) -> UdpServices {
    ports(section, &reference::UDP_SERVICES, report).map_or_else(UdpServices::default, UdpServices)
}

/// The rule of a service that has one of its own.
pub(super) fn of_service(
    section: &Section<'_>,
    protocol: Option<ServiceProtocol>,
    has_database: bool,
    report: &mut Report,
) -> Option<CountryRule> {
    if section.is_absent() {
        return None;
    }
    let written = [&reference::SERVICE_COUNTRY_DENY, &reference::SERVICE_COUNTRY_ALLOW_ONLY];
    if written.iter().all(|key| section.get(key).is_none()) {
        let what = "names no country, and stands in place of [country]; allowed: deny or allow_only";
        let way_out = "add one of them, such as deny = [] for no country rule here, or remove this table";
        report.add(&section.place(), format!("{what}; {way_out}"));
    }
    let rule = rule(section, has_database, report);
    let is_idle = rule.rule != CountrySelection::Off
        && rule.scope == CountryScope::Initiating
        && protocol == Some(ServiceProtocol::Icmp);
    if is_idle {
        let what = "has no effect with protocol = \"icmp\", of which no packet starts something";
        let way_out = "allowed: scope = \"all\"; write that, or remove this table";
        report.add(&section.place(), format!("{what}; {way_out}"));
    }
    Some(rule)
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
            let deny = deny.entry.place();
            let what = format!("cannot stand beside {} (line {})", deny.key, deny.line);
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
