//! `[[service]]`.

use std::collections::{BTreeMap, BTreeSet};

use super::access::KnownLists;
use super::conditions::{conditions, require};
use super::names::{self, Named};
use super::{country, prefixes, word};
use crate::config::entry::Entry;
use crate::config::error::Report;
use crate::config::ports::joined;
use crate::config::reference::{self, KEYS};
use crate::config::section::Section;
use crate::config::{
    LimitConfig, LimitUnit, MAX_SERVICES, Name, PlanLimits, PortRange, ServiceConfig, ServiceProtocol,
};

mod conflicts;

/// What services may name.
pub(super) struct Known<'a, 'doc> {
    pub(super) plans: Named<'a, 'doc>,
    pub(super) limits: Named<'a, 'doc>,
    /// Those limits that are right.
    pub(super) checked: &'a [LimitConfig],
    pub(super) lists: &'a [Section<'doc>],
    /// Whether the policy names a geo database, be it rightly or not.
    pub(super) has_database: bool,
}

pub(super) fn services<'doc>(
    sections: &[Section<'doc>],
    known: &Known<'_, 'doc>,
    report: &mut Report,
) -> Vec<ServiceConfig> {
    let problems = report.count();
    names::at_most(sections, "service", "join some of them", report);
    let mut reader = Reader {
        plans: names::written(known.plans),
        limits: names::written(known.limits),
        units: known.checked.iter().map(|limit| (limit.name.as_str(), limit.unit)).collect(),
        used_plans: BTreeSet::new(),
        used_limits: BTreeSet::new(),
        lists: KnownLists::of(known.lists),
        has_database: known.has_database,
    };
    let services: Vec<_> = sections.iter().filter_map(|section| reader.service(section, report)).collect();
    conflicts::refuse(services.get(..MAX_SERVICES).unwrap_or(&services), report);
    // What a wrong service meant to name is not unused.
    if report.count() == problems {
        names::unused(known.plans, &reader.used_plans, "[service.plans] of a service", report);
        names::unused(known.limits, &reader.used_limits, "`limits` or [service.plans] of a service", report);
        reader.lists.report_unused(report);
    }
    services
}

struct Reader<'a, 'doc> {
    plans: BTreeSet<&'doc str>,
    limits: BTreeSet<&'doc str>,
    units: BTreeMap<&'a str, LimitUnit>,
    used_plans: BTreeSet<&'doc str>,
    used_limits: BTreeSet<&'doc str>,
    lists: KnownLists<'a, 'doc>,
    has_database: bool,
}

impl<'doc> Reader<'_, 'doc> {
    fn service(&mut self, section: &Section<'doc>, report: &mut Report) -> Option<ServiceConfig> {
        require(section, &reference::SERVICE_NAME, report);
        let name = section.get(&reference::SERVICE_NAME).and_then(|entry| entry.parse::<Name>(report));
        let protocol: Option<ServiceProtocol> = word(section, &reference::SERVICE_PROTOCOL, report);
        if let Some(protocol) = protocol {
            conditions(section, &reference::SERVICE_PROTOCOL, protocol.as_str(), report);
        }
        let ports = ports(section, report);
        let destinations = prefixes(section, &reference::SERVICE_DESTINATIONS, report).unwrap_or_default();
        let limits = section
            .get(&reference::SERVICE_LIMITS)
            .map(|entry| self.limits(&entry, protocol, report))
            .unwrap_or_default();
        let plans = self.plans(&section.table("plans", report), protocol, report);
        let country =
            country::of_service(&section.table("country", report), protocol, self.has_database, report);
        let lists = self.lists.uses(&section.table("lists", report), report);
        let (name, protocol, line) = (name?, protocol?, section.line());
        Some(ServiceConfig { name, protocol, ports, destinations, limits, plans, country, lists, line })
    }

    fn plans(
        &mut self,
        section: &Section<'doc>,
        protocol: Option<ServiceProtocol>,
        report: &mut Report,
    ) -> Vec<PlanLimits> {
        let mut plans = Vec::new();
        for (plan, entry) in section.entries(&reference::SERVICE_PLAN) {
            let limits = self.limits(&entry, protocol, report);
            if !self.plans.contains(plan) {
                report.add(entry.place(), self.unknown_plan(plan));
                continue;
            }
            self.used_plans.insert(plan);
            if let Ok(plan) = plan.parse::<Name>() {
                plans.push(PlanLimits { plan, limits, line: entry.place().line });
            }
        }
        plans.sort_by_key(|plan| plan.line);
        plans
    }

    fn unknown_plan(&self, plan: &str) -> String {
        // The line [service.plans] ended the table that such a key was meant for.
        if KEYS.iter().any(|key| key.table == "service" && key.name == plan) {
            return format!("`{plan}` is not a plan; allowed: plans; move it above [service.plans]");
        }
        names::unknown(plan, "plan", &self.plans)
    }

    fn limits(
        &mut self,
        entry: &Entry<'doc>,
        protocol: Option<ServiceProtocol>,
        report: &mut Report,
    ) -> Vec<Name> {
        let mut lines = BTreeMap::new();
        let mut limits = Vec::new();
        for element in entry.elements(report).unwrap_or_default() {
            let Some(text) = element.text(report) else { continue };
            let line = element.place().line;
            if !self.limits.contains(text) {
                report.add(element.place(), names::unknown(text, "limit", &self.limits));
                continue;
            }
            self.used_limits.insert(text);
            if let Some(first) = lines.insert(text, line) {
                element.refuse(
                    format_args!("`{text}` is already on line {first}"),
                    "remove one of the two",
                    report,
                );
                continue;
            }
            if let Some(protocol) = protocol {
                self.refuse_connections(&element, text, protocol, report);
            }
            // A name that is none is reported where it is given.
            limits.extend(text.parse::<Name>());
        }
        limits
    }

    /// A limit in connections would never see one.
    fn refuse_connections(
        &self,
        element: &Entry<'_>,
        limit: &str,
        protocol: ServiceProtocol,
        report: &mut Report,
    ) {
        let none = matches!(protocol, ServiceProtocol::Udp | ServiceProtocol::Icmp);
        if none && self.units.get(limit) == Some(&LimitUnit::Connections) {
            let what = format!("`{limit}` counts connections, and {protocol} has none");
            let allowed = "allowed: limits in packets or bytes";
            report.add(element.place(), format!("{what}; {allowed}; name another limit, or remove it here"));
        }
    }
}

fn ports(section: &Section<'_>, report: &mut Report) -> Vec<PortRange> {
    let Some(entry) = section.get(&reference::SERVICE_PORTS) else { return Vec::new() };
    let Some(elements) = entry.elements(report) else { return Vec::new() };
    if elements.is_empty() {
        entry.refuse("names no port", "write the ports, or remove the service", report);
    }
    let mut read = |element: &Entry<'_>| match element.as_text() {
        Some(_) => element.parse::<PortRange>(report),
        None => element.integer(report).map(PortRange::single),
    };
    joined(elements.iter().filter_map(&mut read).collect())
}
