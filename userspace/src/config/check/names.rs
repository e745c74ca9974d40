//! Names of lists, plans, limits and services: one namespace, so that a command can move any of them by its name.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::error::{Place, Report};
use crate::config::reference::{self, Key, most_rows, nearest};
use crate::config::section::Section;
use crate::config::service::COUNTRY_RULE;
use crate::config::{Config, Name, RESERVED_NAMES};

/// The tables of one kind, and the key that names each.
pub(super) type Named<'a, 'doc> = (&'static Key, &'a [Section<'doc>]);

/// Reports more tables than there may be.
pub(super) fn at_most(sections: &[Section<'_>], table: &str, advice: &str, report: &mut Report) {
    let most = most_rows(table).unwrap_or(usize::MAX);
    if let Some(first_over) = sections.get(most) {
        let place = Place { key: table.to_owned(), line: first_over.line() };
        let count = sections.len();
        report.add(&place, format!("{count} {table}s are too many; allowed: at most {most}; {advice}"));
    }
}

/// Reports names that two tables have.
pub(super) fn distinct(named: &[Named<'_, '_>], report: &mut Report) {
    let mut written: Vec<_> = named
        .iter()
        .flat_map(|(key, sections)| sections.iter().map(move |section| (*key, section)))
        .filter_map(|(key, section)| {
            let entry = section.get(key)?;
            Some((entry.place().clone(), key.table, entry.as_text()?.parse::<Name>().ok()?))
        })
        .collect();
    written.sort_by_key(|(place, ..)| place.line);
    let mut taken = BTreeMap::new();
    for (place, table, name) in written {
        let reserved = RESERVED_NAMES.iter().find(|(word, _)| *word == name.as_str());
        let first = match (reserved, taken.get(&name)) {
            (Some((_, rule)), _) => format!("the rule {rule}"),
            (None, Some((table, line))) => format!("the {table} on line {line}"),
            (None, None) => {
                taken.insert(name, (table, place.line));
                continue;
            }
        };
        let what = format!("`{name}` is already the name of {first}");
        report.add(&place, format!("{what}; allowed: each name once; choose another name"));
    }
}

/// Reports names that stand for the country rule of a service, and services whose rule can have no name.
pub(super) fn distinct_from_rules(config: &Config, report: &mut Report) {
    for service in config.services.iter().filter(|service| service.country.is_some()) {
        let rule = service.country_rule();
        if rule.len() > Name::LONGEST {
            let most = Name::LONGEST - COUNTRY_RULE.len();
            let place = Place { key: reference::SERVICE_NAME.path(), line: service.line };
            let what = format!("`{}` is too long for the name of its country rule, {rule}", service.name);
            report
                .add(&place, format!("{what}; allowed: at most {most} characters here; choose another name"));
        }
        let lists = config.lists.iter().map(|list| ("list", &list.name, list.line));
        let limits = config.limits.iter().map(|limit| ("limit", &limit.name, limit.line));
        let plans = config.plans.iter().map(|plan| ("plan", &plan.name, plan.line));
        let services = config.services.iter().map(|service| ("service", &service.name, service.line));
        for (table, name, line) in lists.chain(limits).chain(plans).chain(services) {
            if name.as_str() == rule {
                let what = format!("`{name}` is the country rule of the service on line {}", service.line);
                let place = Place { key: format!("{table}.name"), line };
                report.add(&place, format!("{what}; allowed: each name once; choose another name"));
            }
        }
    }
}

/// What is written as the names of tables, be it a name or not.
pub(super) fn written<'doc>(named: Named<'_, 'doc>) -> BTreeSet<&'doc str> {
    let (key, sections) = named;
    sections.iter().filter_map(|section| section.get(key)?.as_text()).collect()
}

/// What to say of a name that none of the tables has.
pub(super) fn unknown(name: &str, table: &str, known: &BTreeSet<&str>) -> String {
    let advice = match nearest(name, known) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("add a [[{table}]] of that name, or remove it here"),
    };
    format!("`{name}` is not a {table}; allowed: the name of a [[{table}]] of this policy; {advice}")
}

/// Reports tables that no service names.
pub(super) fn unused(named: Named<'_, '_>, used: &BTreeSet<&str>, place_for: &str, report: &mut Report) {
    let (key, sections) = named;
    for section in sections {
        let Some(entry) = section.get(key) else { continue };
        let Some(name) = entry.as_text().filter(|name| !used.contains(name)) else { continue };
        let what = format!("`{name}` has no effect, because no service names it");
        let advice = format!("add it to {place_for}, or remove this table");
        report.add(
            entry.place(),
            format!("{what}; allowed: a {} that a [[service]] names; {advice}", key.table),
        );
    }
}
