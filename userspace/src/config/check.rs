//! From what is written to what it says. Every problem is reported; a value with a problem keeps its default, so that
//! one problem does not cause others.

use std::collections::BTreeMap;
use std::path::Path;

use ipnet::IpNet;

use super::choice::Choice;
use super::entry::Entry;
use super::error::Report;
use super::prefix::parse_prefix;
use super::reference::{self, Key};
use super::section::Section;
use super::{Config, InterfaceName, Located, Safety, TableSizes};

mod access;
mod asn;
mod bans;
mod conditions;
mod country;
mod crowdsec;
mod daemon;
mod limits;
mod lists;
mod names;
mod plans;
mod services;
mod sources;

/// Reads the whole policy. Relative paths begin at `folder`.
pub(super) fn config(root: &Section<'_>, folder: &Path, report: &mut Report) -> Config {
    let rows = ["list", "plan", "limit", "service"].map(|table| root.tables(table, report));
    let [lists, plans, limits, services] = &rows;
    let (named_plans, named_limits) =
        ((&reference::PLAN_NAME, &**plans), (&reference::LIMIT_NAME, &**limits));
    names::distinct(
        &[(&reference::LIST_NAME, lists), named_plans, named_limits, (&reference::SERVICE_NAME, services)],
        report,
    );
    let geo_section = root.table("geo", report);
    let geo = lists::geo(&geo_section, folder, report);
    let has_database = geo_section.get(&reference::GEO_DATABASE).is_some();
    let has_systems = geo_section.get(&reference::GEO_ASN_DATABASE).is_some();
    let written_lists: &[Section<'_>] = lists;
    let lists = lists::lists(written_lists, folder, has_systems, report);
    let country_section = root.table("country", report);
    let country = country::rule(&country_section, has_database, report);
    let udp_services = country::udp_services(&country_section, report);
    let plans = plans::plans(plans, folder, report);
    let limits = limits::limits(limits, has_database, report);
    let known = services::Known {
        plans: named_plans,
        limits: named_limits,
        checked: &limits,
        lists: written_lists,
        has_database,
    };
    let services = services::services(services, &known, report);
    let config = Config {
        interfaces: interfaces(root, report),
        default_action: choice(root, &reference::DEFAULT_ACTION, report).unwrap_or_default(),
        daemon: daemon::daemon(&root.table("daemon", report), folder, report),
        tables: tables(&root.table("tables", report), report),
        allow: prefixes(&root.table("allow", report), &reference::ALLOW_PREFIXES, report).unwrap_or_default(),
        safety: safety(&root.table("safety", report), report),
        lists,
        geo,
        country,
        udp_services,
        fragments: sources::fragments(&root.table("fragments", report), report),
        source_limits: sources::source(&root.table("limits", report).table("source", report), report),
        bans: bans::bans(&root.table("bans", report), report),
        crowdsec: crowdsec::crowdsec(&root.table("crowdsec", report), folder, report),
        events: sources::events(&root.table("events", report), report),
        services,
        plans,
        limits,
    };
    names::distinct_from_rules(&config, report);
    config
}

fn interfaces(root: &Section<'_>, report: &mut Report) -> Vec<InterfaceName> {
    let Some(entry) = root.get(&reference::INTERFACES) else { return Vec::new() };
    let mut lines = BTreeMap::new();
    let mut names = Vec::new();
    for item in entry.elements(report).unwrap_or_default() {
        let Some(name) = item.parse::<InterfaceName>(report) else { continue };
        let line = item.place().line;
        if let Some(first) = lines.get(&name) {
            item.refuse(format_args!("`{name}` is already on line {first}"), "remove one of the two", report);
            continue;
        }
        lines.insert(name.clone(), line);
        names.push(name);
    }
    names
}

fn tables(section: &Section<'_>, report: &mut Report) -> TableSizes {
    let default = TableSizes::default();
    let mut size = |key| integer(section, key, report);
    TableSizes {
        bans: size(&reference::TABLE_BANS).unwrap_or(default.bans),
        sources: size(&reference::TABLE_SOURCES).unwrap_or(default.sources),
        prefixes: size(&reference::TABLE_PREFIXES).unwrap_or(default.prefixes),
    }
}

fn safety(section: &Section<'_>, report: &mut Report) -> Safety {
    let default = Safety::default();
    Safety {
        management_ports: ports(section, &reference::MANAGEMENT_PORTS, report)
            .unwrap_or(default.management_ports),
        management_prefixes: prefixes(section, &reference::MANAGEMENT_PREFIXES, report)
            .unwrap_or(default.management_prefixes),
    }
}

fn choice<T: Choice>(section: &Section<'_>, key: &'static Key, report: &mut Report) -> Option<T> {
    section.get(key)?.choice(report)
}

/// The word of a key, or that which holds without it. Nothing if a wrong one is written.
fn word<T: Choice + Default>(section: &Section<'_>, key: &'static Key, report: &mut Report) -> Option<T> {
    section.get(key).map_or_else(|| Some(T::default()), |entry| entry.choice(report))
}

fn integer<T: TryFrom<u64>>(section: &Section<'_>, key: &'static Key, report: &mut Report) -> Option<T> {
    section.get(key)?.integer(report)
}

fn ports(section: &Section<'_>, key: &'static Key, report: &mut Report) -> Option<Vec<u16>> {
    let elements = section.get(key)?.elements(report)?;
    let mut ports = Vec::with_capacity(elements.len());
    for port in elements.iter().filter_map(|element| element.integer(report)) {
        if !ports.contains(&port) {
            ports.push(port);
        }
    }
    Some(ports)
}

fn prefixes(section: &Section<'_>, key: &'static Key, report: &mut Report) -> Option<Vec<Located<IpNet>>> {
    let elements = section.get(key)?.elements(report)?;
    let mut read = |element: &Entry<'_>| Some(element.located(element.parse_with(parse_prefix, report)?));
    Some(elements.iter().filter_map(&mut read).collect())
}
