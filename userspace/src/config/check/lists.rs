//! `[[list]]` and `[geo]`.

use std::path::Path;

use super::conditions::require;
use super::daemon::path;
use super::{choice, names};
use crate::config::error::Report;
use crate::config::reference;
use crate::config::section::Section;
use crate::config::{GeoConfig, ListConfig, Name};

pub(super) fn lists(sections: &[Section<'_>], folder: &Path, report: &mut Report) -> Vec<ListConfig> {
    names::at_most(sections, "list", "join some of the files", report);
    sections.iter().filter_map(|section| list(section, folder, report)).collect()
}

pub(super) fn geo(section: &Section<'_>, folder: &Path, report: &mut Report) -> Option<GeoConfig> {
    Some(GeoConfig { database: path(section, &reference::GEO_DATABASE, folder, report)? })
}

fn list(section: &Section<'_>, folder: &Path, report: &mut Report) -> Option<ListConfig> {
    require(section, &reference::LIST_NAME, report);
    require(section, &reference::LIST_PATH, report);
    let name = section.get(&reference::LIST_NAME).and_then(|entry| entry.parse::<Name>(report));
    let path = path(section, &reference::LIST_PATH, folder, report);
    let mode = choice(section, &reference::LIST_MODE, report).unwrap_or_default();
    let skip_bad =
        section.get(&reference::LIST_SKIP_BAD).and_then(|entry| entry.flag(report)).unwrap_or_default();
    Some(ListConfig { name: name?, path: path?, mode, skip_bad, line: section.line() })
}
