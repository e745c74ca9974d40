//! Keys that need others.

use crate::config::error::Report;
use crate::config::reference::{CONDITIONS, Key};
use crate::config::section::Section;

/// Reports what has no place beside the word that `decided_by` has, and what that word needs.
pub(super) fn conditions(section: &Section<'_>, decided_by: &Key, word: &str, report: &mut Report) {
    for condition in CONDITIONS.iter().filter(|condition| condition.decided_by.is(decided_by)) {
        let fits = condition.words.contains(&word);
        match section.get(condition.key) {
            Some(entry) if !fits => {
                let name = decided_by.name;
                let meant = if condition.words.len() == 1 {
                    format!("that {name}")
                } else {
                    "one of these".to_owned()
                };
                let what = format!(
                    "has no effect with {name} = \"{word}\"; allowed: only with {}",
                    condition.written()
                );
                report.add(entry.place(), format!("{what}; write {meant}, or remove this key"));
            }
            None if fits && condition.required => missing(section, condition.key, report),
            _ => {}
        }
    }
}

/// Reports that a key is not there which has to be.
pub(super) fn require(section: &Section<'_>, key: &'static Key, report: &mut Report) {
    if section.get(key).is_none() {
        missing(section, key, report);
    }
}

fn missing(section: &Section<'_>, key: &'static Key, report: &mut Report) {
    let (allowed, example) = (key.kind.allowed(), key.kind.example());
    let advice = format!("add a line like {} = {example}", key.name);
    report.add(&section.place_of(key), format!("is missing; allowed: {allowed}; {advice}"));
}
