//! Lists that name other lists.

use std::collections::BTreeSet;

use crate::config::check::names;
use crate::config::error::Report;
use crate::config::reference::{LIST_EXCEPT, LIST_NAME, LIST_UNION};
use crate::config::section::Section;
use crate::config::{Except, ListConfig, ListFrom, Name};

use super::looks_like_prefix;

/// Reports names of lists that the policy does not have.
pub(super) fn refuse_unknown(sections: &[Section<'_>], report: &mut Report) {
    let known = names::written((&LIST_NAME, sections));
    for section in sections {
        for key in [&LIST_UNION, &LIST_EXCEPT] {
            let mut quiet = Report::default();
            let elements = section.get(key).and_then(|entry| entry.elements(&mut quiet)).unwrap_or_default();
            let mut named = BTreeSet::new();
            for element in elements {
                let Some(text) = element.as_text().filter(|text| !looks_like_prefix(text)) else { continue };
                if !known.contains(text) {
                    report.add(element.place(), names::unknown(text, "list", &known));
                } else if !named.insert(text) {
                    element.refuse(format_args!("`{text}` is there twice"), "remove one of the two", report);
                }
            }
        }
    }
}

/// Reports lists that consist of themselves, or are taken out of themselves, by way of others.
pub(super) fn refuse_circles(lists: &[ListConfig], sections: &[Section<'_>], report: &mut Report) {
    for (list, section) in lists.iter().zip(sections) {
        let Some(circle) = way_back(lists, &list.name, &mut vec![&list.name], &mut BTreeSet::new()) else {
            continue;
        };
        let key = if matches!(list.from, ListFrom::Union(_)) { &LIST_UNION } else { &LIST_EXCEPT };
        let place = section.get(key).map_or_else(|| section.place_of(key), |entry| entry.place().clone());
        report.add(
            &place,
            format!(
                "the list depends on itself: {}; allowed: lists that do not; take one of these out of a union or of except",
                circle.join(" -> ")
            ),
        );
        // The others of the circle would only say the same.
        return;
    }
}

/// The names from a list back to itself. What was `seen` without finding it is not looked at again.
fn way_back<'a>(
    lists: &'a [ListConfig],
    start: &Name,
    way: &mut Vec<&'a Name>,
    seen: &mut BTreeSet<&'a Name>,
) -> Option<Vec<String>> {
    let at = *way.last()?;
    let list = lists.iter().find(|list| list.name == *at)?;
    for next in depends_on(list) {
        if next == start {
            let names = way.iter().copied().chain([next]);
            return Some(names.map(ToString::to_string).collect());
        }
        if !seen.insert(next) {
            continue;
        }
        way.push(next);
        let found = way_back(lists, start, way, seen);
        if found.is_some() {
            return found;
        }
        way.pop();
    }
    None
}

fn depends_on(list: &ListConfig) -> impl Iterator<Item = &Name> {
    let parts = if let ListFrom::Union(names) = &list.from { names.as_slice() } else { &[] };
    let taken_out = list.except.iter().filter_map(|except| match except {
        Except::List(name) => Some(name),
        Except::Prefix(_) => None,
    });
    parts.iter().chain(taken_out)
}
