use std::fs;

use tempfile::TempDir;

use super::*;
use crate::store::{ListRecord, OperatorState};

struct Stage {
    directory: TempDir,
    store: Store,
}

impl Stage {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let store = Store::open(directory.path()).unwrap();
        Self { directory, store }
    }

    /// As after `kill -9`: whatever was not written by then is gone.
    fn killed(self) -> Self {
        std::mem::forget(self.store);
        let store = Store::open(self.directory.path()).unwrap();
        Self { directory: self.directory, store }
    }

    fn keep(&self, snapshot: &Snapshot, unconfirmed: bool) -> u64 {
        let entry = NewEntry {
            time: timestamp(7),
            generation: 9,
            who: "{\"user\":\"alice\"}".to_owned(),
            command: "apply".to_owned(),
            summary: "more".to_owned(),
            same_as: None,
        };
        let seen = Some(&snapshot.policy);
        self.store.keep(&Kept { snapshot, entry: &entry, seen, unconfirmed, feeds: &[] }).unwrap()
    }

    fn numbers(&self) -> Vec<u64> {
        self.store.history().unwrap().iter().map(|record| record.number).collect()
    }
}

fn policy(text: &str) -> Snapshot {
    let policy = PolicyText { file: Some("/etc/x.toml".into()), text: text.to_owned() };
    Snapshot { policy, state: OperatorState::default() }
}

#[test]
fn what_was_kept_survives_a_kill() {
    let stage = Stage::new();
    assert_eq!(stage.store.in_force().unwrap(), None);
    let [first, second] = ["one", "two"].map(|text| stage.keep(&policy(text), false));
    let stage = stage.killed();
    assert_eq!(stage.numbers(), [second, first]);
    assert_eq!(stage.store.in_force().unwrap(), Some(second));
    assert_eq!(stage.store.snapshot(first).unwrap(), Some(policy("one")));
    assert_eq!(stage.store.policy_seen().unwrap(), Some(policy("two").policy));
    let record = &stage.store.history().unwrap()[0];
    assert_eq!((record.entry.generation, record.confirmed), (9, true));
    assert_eq!(record.entry.time, timestamp(7));
}

#[test]
fn the_same_policy_again_is_no_new_entry() {
    let stage = Stage::new();
    let first = stage.keep(&policy("one"), false);
    assert_eq!(stage.keep(&policy("one"), false), first);
    assert_ne!(stage.keep(&policy("one"), true), first, "but it may have to be confirmed");
}

#[test]
fn what_waits_for_a_confirmation_says_what_comes_back() {
    let stage = Stage::new();
    let first = stage.keep(&policy("one"), false);
    let second = stage.keep(&policy("two"), true);
    let stage = stage.killed();
    let pending = PendingRecord { number: second, previous: first, generation: 9 };
    assert_eq!(stage.store.pending().unwrap(), Some(pending));
    assert!(!stage.store.history().unwrap()[0].confirmed);
    stage.store.confirm(second).unwrap();
    let stage = stage.killed();
    assert_eq!(stage.store.pending().unwrap(), None);
    assert!(stage.store.history().unwrap()[0].confirmed);

    stage.keep(&policy("three"), true);
    stage.keep(&policy("two"), false);
    assert_eq!(stage.store.pending().unwrap(), None, "whatever follows ends the waiting");
    assert!(!stage.store.history().unwrap()[1].confirmed);
}

#[test]
fn only_the_last_are_kept_and_numbers_go_on() {
    let stage = Stage::new();
    for number in 0..25 {
        stage.keep(&policy(&format!("{number}")), false);
    }
    let wanted: Vec<u64> = (6..=25).rev().collect();
    assert_eq!(stage.numbers(), wanted);
    assert_eq!(stage.store.snapshot(5).unwrap(), None);
}

#[test]
fn texts_of_lists_stay_as_long_as_an_entry_needs_them() {
    let stage = Stage::new();
    let name: crate::config::Name = "scanners".parse().unwrap();
    let file = stage.store.keep_list_text(&name, b"192.0.2.1").unwrap();
    let list = ListRecord {
        name,
        mode: crate::config::Mode::Enforce,
        skip_bad: false,
        entries: 1,
        added: timestamp(1),
        file: file.clone(),
    };
    let mut listed = policy("");
    listed.state.lists = vec![list];
    stage.keep(&listed, false);
    stage.keep(&policy(""), false);
    let stage = stage.killed();
    assert_eq!(fs::read(stage.store.list_path(&file)).unwrap(), b"192.0.2.1", "`undo` needs it");
    for number in 0..20 {
        stage.keep(&policy(&format!("{number}")), false);
    }
    assert!(!stage.store.list_path(&file).exists());
}
