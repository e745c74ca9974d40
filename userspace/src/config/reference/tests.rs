use std::fmt::Write as _;
use std::path::Path;

use super::*;
use crate::config::{Config, parse};

/// A policy that writes the given keys in their tables.
fn policy<'a>(keys: impl Iterator<Item = (&'a Key, String)>) -> String {
    let mut text = String::new();
    let mut table = "";
    for (key, value) in keys {
        if key.table != table {
            table = key.table;
            let header = if table == "list" { "[[list]]".to_owned() } else { format!("[{table}]") };
            writeln!(text, "{header}").unwrap();
        }
        writeln!(text, "{} = {value}", key.name).unwrap();
    }
    text
}

fn checked(text: &str) -> Config {
    let mut config = parse(text, Path::new("policy.toml")).unwrap_or_else(|error| panic!("{error}\n{text}"));
    for located in config.allow.iter_mut().chain(&mut config.safety.management_prefixes) {
        located.line = 0;
    }
    for list in &mut config.lists {
        list.line = 0;
    }
    config
}

#[test]
fn stated_defaults_are_the_defaults() {
    let required = |key: &Key| matches!(key.default, Absent::Required).then(|| key.kind.example());
    let stated =
        |key: &Key| if let Absent::Value(text) = key.default { Some(text.to_owned()) } else { required(key) };
    let bare = policy(KEYS.iter().filter_map(|key| Some((key, required(key)?))));
    let full = policy(KEYS.iter().filter_map(|key| Some((key, stated(key)?))));
    assert!(full.lines().count() > 2 * bare.lines().count());
    assert_eq!(checked(&full), checked(&bare));
}

#[test]
fn every_key_takes_its_example() {
    let value = |key: &Key| match key.path().as_str() {
        "country.allow_only" => None,
        "fragments.rule" => Some("\"limit\"".to_owned()),
        _ => Some(key.kind.example()),
    };
    checked(&policy(KEYS.iter().filter_map(|key| Some((key, value(key)?)))));
}

#[test]
fn every_key_is_read_by_the_parser() {
    for key in KEYS {
        let text = policy([(key, "2026-01-01".to_owned())].into_iter());
        let error = parse(&text, Path::new("policy.toml")).expect_err(&text);
        let own = error.problems().iter().any(|problem| problem.key == key.path());
        assert!(own, "{} is in the table of keys, and nothing reads it: {error}", key.path());
    }
}

#[test]
fn no_key_is_there_twice() {
    let mut paths: Vec<_> = KEYS.iter().map(Key::path).collect();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), KEYS.len());
}

#[test]
fn the_page_is_current() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/policy.md");
    if std::env::var_os("XDPGATE_BLESS").is_some_and(|value| value == "1") {
        std::fs::create_dir_all(page.parent().unwrap()).unwrap();
        std::fs::write(&page, markdown()).unwrap();
    }
    let current = std::fs::read_to_string(&page).unwrap_or_default();
    assert!(
        current == markdown(),
        "docs/policy.md is not current: run XDPGATE_BLESS=1 cargo test -p xdpgate page_is_current"
    );
}
