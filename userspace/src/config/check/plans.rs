//! `[[plan]]`.

use std::collections::BTreeMap;
use std::path::Path;

use super::conditions::require;
use super::daemon::path;
use super::{names, prefixes};
use crate::config::error::{Place, Report};
use crate::config::reference;
use crate::config::section::Section;
use crate::config::{Name, PlanConfig};

pub(super) fn plans(sections: &[Section<'_>], folder: &Path, report: &mut Report) -> Vec<PlanConfig> {
    names::at_most(sections, "plan", "join some of them", report);
    let plans: Vec<_> = sections.iter().filter_map(|section| plan(section, folder, report)).collect();
    refuse_shared_prefixes(&plans, sections, report);
    plans
}

fn plan(section: &Section<'_>, folder: &Path, report: &mut Report) -> Option<PlanConfig> {
    require(section, &reference::PLAN_NAME, report);
    if section.get(&reference::PLAN_PREFIXES).is_none() && section.get(&reference::PLAN_PATH).is_none() {
        let example = reference::PLAN_PREFIXES.kind.example();
        let advice = format!("add a line like prefixes = {example}");
        let message = format!("has no sources; allowed: prefixes, path or both; {advice}");
        report.add(&section.place_of(&reference::PLAN_PREFIXES), message);
    }
    let name = section.get(&reference::PLAN_NAME).and_then(|entry| entry.parse::<Name>(report));
    let prefixes = prefixes(section, &reference::PLAN_PREFIXES, report).unwrap_or_default();
    let path = path(section, &reference::PLAN_PATH, folder, report);
    Some(PlanConfig { name: name?, prefixes, path, line: section.line() })
}

/// The longest prefix decides which plan a source has; two of the same length leave that open.
fn refuse_shared_prefixes(plans: &[PlanConfig], sections: &[Section<'_>], report: &mut Report) {
    let Some(anywhere) = sections.first().map(|section| section.place_of(&reference::PLAN_PREFIXES)) else {
        return;
    };
    let mut owners = BTreeMap::new();
    for (index, plan) in plans.iter().enumerate() {
        for prefix in &plan.prefixes {
            let (owner, line) = *owners.entry(prefix.value).or_insert((index, prefix.line));
            let Some(other) = plans.get(owner).filter(|_| owner != index) else { continue };
            let place = Place { line: prefix.line, ..anywhere.clone() };
            let what = format!("{} is already in the plan `{}` (line {line})", prefix.value, other.name);
            let advice =
                "allowed: each prefix in one plan, and the longest counts; remove it from one of the two";
            report.add(&place, format!("{what}; {advice}"));
        }
    }
}
