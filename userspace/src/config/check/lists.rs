//! `[[list]]` and `[geo]`.

use std::path::Path;

use super::conditions::require;
use super::daemon::path;
use super::{asn, choice, names};
use crate::config::error::Report;
use crate::config::reference;
use crate::config::section::Section;
use crate::config::{GeoConfig, ListConfig, ListContent, Name};

/// `has_systems`: whether the policy names a database of autonomous systems, be it rightly or not.
pub(super) fn lists(
    sections: &[Section<'_>],
    folder: &Path,
    has_systems: bool,
    report: &mut Report,
) -> Vec<ListConfig> {
    names::at_most(sections, "list", "join some of the files", report);
    sections.iter().filter_map(|section| list(section, folder, has_systems, report)).collect()
}

pub(super) fn geo(section: &Section<'_>, folder: &Path, report: &mut Report) -> GeoConfig {
    let default = GeoConfig::default();
    let check_every = section.get(&reference::GEO_CHECK_EVERY).and_then(|entry| entry.duration(report));
    GeoConfig {
        database: path(section, &reference::GEO_DATABASE, folder, report),
        asn_database: path(section, &reference::GEO_ASN_DATABASE, folder, report),
        check_every: check_every.unwrap_or(default.check_every),
    }
}

fn list(section: &Section<'_>, folder: &Path, has_systems: bool, report: &mut Report) -> Option<ListConfig> {
    require(section, &reference::LIST_NAME, report);
    let name = section.get(&reference::LIST_NAME).and_then(|entry| entry.parse::<Name>(report));
    let label = section.get(&reference::LIST_LABEL).and_then(|entry| entry.parse::<Name>(report));
    let content = content(section, folder, has_systems, report);
    let applies = choice(section, &reference::LIST_APPLIES, report).unwrap_or_default();
    let mode = choice(section, &reference::LIST_MODE, report).unwrap_or_default();
    let skip_bad =
        section.get(&reference::LIST_SKIP_BAD).and_then(|entry| entry.flag(report)).unwrap_or_default();
    let (name, content, line) = (name?, content?, section.line());
    Some(ListConfig { name, label, content, applies, mode, skip_bad, line })
}

fn content(
    section: &Section<'_>,
    folder: &Path,
    has_systems: bool,
    report: &mut Report,
) -> Option<ListContent> {
    let systems = asn::systems(section, has_systems, report);
    let Some(entry) = section.get(&reference::LIST_ASN) else {
        require(section, &reference::LIST_PATH, report);
        return path(section, &reference::LIST_PATH, folder, report).map(ListContent::File);
    };
    if let Some(path) = section.get(&reference::LIST_PATH) {
        let what = format!("cannot stand beside {} (line {})", path.place().key, path.place().line);
        report.add(entry.place(), format!("{what}; allowed: one of the two; remove one of them"));
    }
    systems.map(ListContent::Systems)
}
