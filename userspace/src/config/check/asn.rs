//! `asn` of `[[list]]`.

use std::collections::BTreeSet;

use crate::config::error::Report;
use crate::config::reference;
use crate::config::section::Section;

/// The autonomous systems that a list names in place of a file.
///
/// `has_database`: whether the policy names a database of them, be it rightly or not.
pub(super) fn systems(
    section: &Section<'_>,
    has_database: bool,
    report: &mut Report,
) -> Option<BTreeSet<u32>> {
    let entry = section.get(&reference::LIST_ASN)?;
    let elements = entry.elements(report)?;
    if elements.is_empty() {
        entry.refuse("names no autonomous system", "name one, or remove the list", report);
        return None;
    }
    if !has_database {
        let way_out = "add [geo] with asn_database = \"FILE\", or remove this key";
        let what = "needs a database of autonomous systems; allowed: only with geo.asn_database";
        report.add(entry.place(), format!("{what}; {way_out}"));
    }
    Some(elements.iter().filter_map(|element| element.integer(report)).collect())
}
