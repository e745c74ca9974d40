//! `[[list]]` and `[geo]`.

use std::collections::BTreeMap;
use std::path::Path;

use super::choice;
use super::daemon::path;
use crate::config::error::{Place, Report};
use crate::config::reference::{self, Key, MOST_LISTS};
use crate::config::section::Section;
use crate::config::{GeoConfig, ListConfig, Name};

pub(super) fn lists(root: &Section<'_>, folder: &Path, report: &mut Report) -> Vec<ListConfig> {
    let sections = root.tables("list", report);
    if let Some(first_over) = sections.get(MOST_LISTS) {
        let place = Place { key: "list".to_owned(), line: first_over.line() };
        let count = sections.len();
        let message =
            format!("{count} lists are too many; allowed: at most {MOST_LISTS}; join some of the files");
        report.add(&place, message);
    }
    let mut lines = BTreeMap::new();
    let mut lists = Vec::with_capacity(sections.len());
    for section in &sections {
        let Some(list) = list(section, folder, report) else { continue };
        let Some(entry) = section.get(&reference::LIST_NAME) else { continue };
        let line = entry.place().line;
        if let Some(first) = lines.get(&list.name) {
            let what = format!("`{}` is already the name of the list on line {first}", list.name);
            report.add(entry.place(), format!("{what}; allowed: each name once; choose another name"));
            continue;
        }
        lines.insert(list.name.clone(), line);
        lists.push(list);
    }
    lists
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

fn require(section: &Section<'_>, key: &'static Key, report: &mut Report) {
    if section.get(key).is_none() {
        let (allowed, example) = (key.kind.allowed(), key.kind.example());
        let advice = format!("add a line like {} = {example}", key.name);
        report.add(&section.place_of(key), format!("is missing; allowed: {allowed}; {advice}"));
    }
}
