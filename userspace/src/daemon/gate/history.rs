use std::collections::BTreeSet;

use similar::{ChangeTag, TextDiff};

use super::Gate;
use crate::api::types::{History, HistoryDetails, HistoryEntry, Who};
use crate::api::{Failure, Prefix};
use crate::store::{HistoryRecord, OperatorState, Snapshot};

impl Gate {
    /// The policies that were in force, newest first.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn history(&self) -> Result<History, Failure> {
        let in_force = self.live().number;
        let entries = self.store.history()?.into_iter().map(|record| shown(record, in_force));
        Ok(History { entries: entries.collect() })
    }

    /// One of them, and what it changed.
    ///
    /// # Errors
    /// When there is none of that number, or the disk refuses.
    pub fn history_entry(&self, number: u64) -> Result<HistoryDetails, Failure> {
        let missing = || {
            Failure::not_found(format!(
                "there is no entry {number} in the history; `xdpgate history` shows all"
            ))
        };
        let entries = self.history()?.entries;
        let entry = entries.iter().find(|entry| entry.number == number).cloned().ok_or_else(missing)?;
        let after = self.store.snapshot(number)?.ok_or_else(missing)?;
        let compared_with = entries.iter().map(|entry| entry.number).find(|other| *other < number);
        let before = match compared_with {
            Some(before) => self.store.snapshot(before)?.unwrap_or_default(),
            None => Snapshot::default(),
        };
        Ok(HistoryDetails {
            diff: diff(&before, &after, compared_with, number),
            changes: changes(&before.state, &after.state),
            entry,
            compared_with,
        })
    }
}

fn shown(record: HistoryRecord, in_force: u64) -> HistoryEntry {
    let HistoryRecord { number, entry, confirmed } = record;
    HistoryEntry {
        number,
        time: entry.time,
        who: serde_json::from_str(&entry.who).unwrap_or_else(|_| Who { user: entry.who, ..Who::default() }),
        command: entry.command,
        summary: entry.summary,
        generation: entry.generation,
        same_as: entry.same_as,
        confirmed,
        in_force: number == in_force,
    }
}

/// How many lines differ, in words.
pub(super) fn text_changes(before: &str, after: &str) -> String {
    if before == after {
        return "the same policy".to_owned();
    }
    let diff = TextDiff::from_lines(before, after);
    let count = |tag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
    format!("+{} -{} lines", count(ChangeTag::Insert), count(ChangeTag::Delete))
}

fn diff(before: &Snapshot, after: &Snapshot, compared_with: Option<u64>, number: u64) -> String {
    let name = |snapshot: &Snapshot, number: Option<u64>| match (number, &snapshot.policy.file) {
        (None, _) => "nothing".to_owned(),
        (Some(number), None) => format!("built-in policy (entry {number})"),
        (Some(number), Some(file)) => format!("{} (entry {number})", file.display()),
    };
    let diff = TextDiff::from_lines(&before.policy.text, &after.policy.text);
    diff.unified_diff().header(&name(before, compared_with), &name(after, Some(number))).to_string()
}

/// What came and what went of what operators said.
fn changes(before: &OperatorState, after: &OperatorState) -> Vec<String> {
    let (old, new) = (said(before), said(after));
    let gone = old.difference(&new).map(|line| format!("- {line}"));
    gone.chain(new.difference(&old).map(|line| format!("+ {line}"))).collect()
}

fn said(state: &OperatorState) -> BTreeSet<String> {
    let allow = state.allow.iter().map(|entry| {
        let note = if entry.note.is_empty() { String::new() } else { format!(" ({})", entry.note) };
        format!("allow {}{note}", Prefix::from(entry.prefix))
    });
    let lists = state.lists.iter().map(|list| {
        format!("list {}: {} entries, {}, text {}", list.name, list.entries, list.mode, list.file)
    });
    let country = state.country.iter().map(|rule| format!("country rule {rule}"));
    let geo = state.geo_database.iter().map(|path| format!("geo database {}", path.display()));
    let modes = state.modes.iter().map(|(name, mode)| format!("{mode} {name}"));
    allow.chain(lists).chain(country).chain(geo).chain(modes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Mode;
    use crate::store::PolicyText;

    #[test]
    fn what_operators_changed_is_named() {
        let before = OperatorState::default();
        let mut after = OperatorState { geo_database: Some("/srv/geo.csv".into()), ..before.clone() };
        after.modes.insert("country".parse().unwrap(), Mode::Monitor);
        assert_eq!(changes(&before, &after), ["+ geo database /srv/geo.csv", "+ monitor country"]);
        assert_eq!(changes(&after, &before), ["- geo database /srv/geo.csv", "- monitor country"]);
        assert!(changes(&after, &after).is_empty());
    }

    #[test]
    fn texts_are_compared_by_lines() {
        let policy = |text: &str| Snapshot {
            policy: PolicyText { file: Some("/etc/x.toml".into()), text: text.to_owned() },
            ..Snapshot::default()
        };
        let (before, after) = (policy("a = 1\nb = 2\n"), policy("a = 1\nb = 3\n"));
        let shown = diff(&before, &after, Some(4), 5);
        for line in ["--- /etc/x.toml (entry 4)", "+++ /etc/x.toml (entry 5)", "-b = 2", "+b = 3", " a = 1"] {
            assert!(shown.lines().any(|shown| shown == line), "{line}: {shown}");
        }
        assert_eq!(text_changes("a\nb\n", "a\nc\nd\n"), "+2 -1 lines");
        assert_eq!(text_changes("a\n", "a\n"), "the same policy");
    }
}
