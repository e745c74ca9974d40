//! One table of a policy, and how its keys are taken out.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::Lines;
use super::entry::Entry;
use super::error::{Place, Report};
use super::reference::{KEYS, Key, most_rows, tables_within, unknown_key};

/// One table. A table that the policy does not have is an empty one.
#[derive(Clone)]
pub(super) struct Section<'doc> {
    path: String,
    line: u32,
    table: Option<&'doc DeTable<'doc>>,
    lines: &'doc Lines,
}

impl<'doc> Section<'doc> {
    /// The top level.
    pub(super) fn root(table: &'doc DeTable<'doc>, lines: &'doc Lines, report: &mut Report) -> Self {
        let root = Self { path: String::new(), line: 1, table: Some(table), lines };
        root.refuse_unknown_keys(report);
        root
    }

    /// The table `name` within this one.
    pub(super) fn table(&self, name: &str, report: &mut Report) -> Self {
        let absent = Self { path: self.path_of(name), line: self.line, table: None, lines: self.lines };
        let Some((place, value)) = self.find(name) else { return absent };
        let Some(table) = value.get_ref().as_table() else {
            let rows = place.key.strip_suffix('s').filter(|rows| most_rows(rows).is_some());
            let advice = match rows.filter(|_| value.get_ref().is_array()) {
                Some(rows) => format!("did you mean [[{rows}]]?"),
                None => format!("write the line [{}] and its keys below it", place.key),
            };
            report.add(&place, format_args!("is not a table; allowed: [{}]; {advice}", place.key));
            return absent;
        };
        let found = Self { line: place.line, table: Some(table), ..absent };
        found.refuse_unknown_keys(report);
        found
    }

    /// The tables `[[name]]` within this one.
    pub(super) fn tables(&self, name: &str, report: &mut Report) -> Vec<Self> {
        let Some((place, value)) = self.find(name) else { return Vec::new() };
        let rows = value.get_ref().as_array().map(|rows| rows.iter().collect::<Vec<_>>()).unwrap_or_default();
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            let line = self.lines.line(&row.span());
            let Some(table) = row.get_ref().as_table() else { continue };
            let section = Self { path: place.key.clone(), line, table: Some(table), lines: self.lines };
            section.refuse_unknown_keys(report);
            found.push(section);
        }
        if value.get_ref().as_array().is_none() || found.len() < rows.len() {
            let message = format_args!(
                "is not a list of tables; allowed: [[{0}]]; write the line [[{0}]] above each of them",
                place.key
            );
            report.add(&place, message);
        }
        found
    }

    /// What the policy writes for a key.
    pub(super) fn get(&self, key: &'static Key) -> Option<Entry<'doc>> {
        let (place, value) = self.find(key.name)?;
        Some(Entry::new(key, place, value, self.lines))
    }

    /// What the policy writes in a table whose keys are names, each with that name.
    pub(super) fn entries(&self, key: &'static Key) -> Vec<(&'doc str, Entry<'doc>)> {
        let entry = |(name, value): (&'doc Spanned<Cow<'doc, str>>, &'doc Spanned<DeValue<'doc>>)| {
            let line = self.lines.line(&name.span());
            let place = Place { key: self.path_of(name.get_ref()), line };
            (name.get_ref().as_ref(), Entry::new(key, place, value, self.lines))
        };
        self.table.into_iter().flat_map(DeTable::iter).map(entry).collect()
    }

    /// Whether the policy does not have the table.
    pub(super) const fn is_absent(&self) -> bool {
        self.table.is_none()
    }

    /// The first line of the table.
    pub(super) const fn line(&self) -> u32 {
        self.line
    }

    /// Where the table is.
    pub(super) fn place(&self) -> Place {
        Place { key: self.path.clone(), line: self.line }
    }

    /// Where a key would be that is not there.
    pub(super) fn place_of(&self, key: &Key) -> Place {
        Place { key: key.path(), line: self.line }
    }

    fn find(&self, name: &str) -> Option<(Place, &'doc Spanned<DeValue<'doc>>)> {
        let (key, value) = self.table?.iter().find(|(key, _)| key.get_ref() == name)?;
        Some((Place { key: self.path_of(name), line: self.lines.line(&key.span()) }, value))
    }

    fn refuse_unknown_keys(&self, report: &mut Report) {
        let tables = tables_within(&self.path);
        for key in self.table.into_iter().flat_map(DeTable::keys) {
            let name = key.get_ref().as_ref();
            let known =
                tables.contains(name) || KEYS.iter().any(|key| key.table == self.path && key.takes(name));
            if !known {
                let place = Place { key: self.path_of(name), line: self.lines.line(&key.span()) };
                report.add(&place, unknown_key(&self.path, name));
            }
        }
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}
