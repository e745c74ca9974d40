//! `[service.lists]`.

use std::collections::{BTreeMap, BTreeSet};

use super::names;
use crate::config::entry::Entry;
use crate::config::error::Report;
use crate::config::reference::{self, Key};
use crate::config::section::Section;
use crate::config::{ListScope, ListUse, Name};

const USES: [(&Key, ListUse); 3] = [
    (&reference::SERVICE_LISTS_DENY, ListUse::Deny),
    (&reference::SERVICE_LISTS_MONITOR, ListUse::Monitor),
    (&reference::SERVICE_LISTS_SKIP, ListUse::Skip),
];

/// What services may name of lists: their names, and their labels.
pub(super) struct KnownLists<'a, 'doc> {
    sections: &'a [Section<'doc>],
    words: BTreeSet<&'doc str>,
    used: BTreeSet<&'doc str>,
}

impl<'a, 'doc> KnownLists<'a, 'doc> {
    pub(super) fn of(sections: &'a [Section<'doc>]) -> Self {
        let word = |key: &'static Key| sections.iter().filter_map(move |section| section.get(key)?.as_text());
        let words = word(&reference::LIST_NAME).chain(word(&reference::LIST_LABEL)).collect();
        Self { sections, words, used: BTreeSet::new() }
    }

    /// What a service does with lists.
    pub(super) fn uses(&mut self, section: &Section<'doc>, report: &mut Report) -> BTreeMap<Name, ListUse> {
        let mut uses = BTreeMap::new();
        let mut lines = BTreeMap::new();
        for (key, meant) in USES {
            let elements = section.get(key).and_then(|entry| entry.elements(report));
            for element in elements.unwrap_or_default() {
                if let Some(name) = self.named(&element, &mut lines, report) {
                    uses.insert(name, meant);
                }
                if meant != ListUse::Skip {
                    self.used.extend(element.as_text());
                }
            }
        }
        uses
    }

    fn named(
        &mut self,
        element: &Entry<'doc>,
        lines: &mut BTreeMap<&'doc str, u32>,
        report: &mut Report,
    ) -> Option<Name> {
        let text = element.text(report)?;
        if !self.words.contains(text) {
            report.add(element.place(), names::unknown(text, "list", &self.words));
            return None;
        }
        if let Some(first) = lines.insert(text, element.place().line) {
            let what = format!("`{text}` is already on line {first}");
            element.refuse(what, "remove one of the two", report);
            return None;
        }
        // A name that is none is reported where it is given.
        text.parse().ok()
    }

    /// Reports lists that wait for a service to name them, and none does.
    pub(super) fn report_unused(&self, report: &mut Report) {
        for section in self.sections {
            let text = |key| section.get(key).and_then(|entry| entry.as_text());
            let is_used = |key| text(key).is_some_and(|word| self.used.contains(word));
            let waits = text(&reference::LIST_APPLIES) == Some(ListScope::Services.as_str());
            if !waits || is_used(&reference::LIST_NAME) || is_used(&reference::LIST_LABEL) {
                continue;
            }
            let Some(entry) = section.get(&reference::LIST_APPLIES) else { continue };
            let what = "no service names this list or its label, so it has no effect";
            entry.refuse(what, "add it to [service.lists] of a service, or write \"everywhere\"", report);
        }
    }
}
