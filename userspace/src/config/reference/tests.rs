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
            let row = table.split_once('.').map(|(row, _)| row).filter(|row| most_rows(row).is_some());
            if let Some(row) = row.filter(|row| !text.contains(&header(row))) {
                writeln!(text, "{}", header(row)).unwrap();
            }
            writeln!(text, "{}", header(table)).unwrap();
        }
        let name = key.name.strip_prefix('<').map_or(key.name, |_| "gold");
        writeln!(text, "{name} = {value}").unwrap();
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
    for (plan, limit) in config.plans.iter_mut().zip(&mut config.limits) {
        (plan.line, limit.line) = (0, 0);
        plan.prefixes.iter_mut().for_each(|located| located.line = 0);
    }
    for service in &mut config.services {
        service.line = 0;
        service.plans.iter_mut().for_each(|plan| plan.line = 0);
    }
    config
}

/// What no table of its kind can do without, beside the keys that are always required.
const NEEDED: [&str; 8] = [
    "list.path",
    "geo.database",
    "limit.rate",
    "plan.prefixes",
    "service.ports",
    "service.limits",
    "service.plans.<plan>",
    "service.country.deny",
];

/// What has no place beside the other examples.
fn out_of_place(key: &Key) -> bool {
    if LIST_SOURCES.iter().any(|source| source.is(key)) {
        return key.name != LIST_URL.name;
    }
    if key.is(&CROWDSEC_API_KEY_FILE) {
        // Beside a certificate.
        return true;
    }
    let first = |key: &Key| if let Kind::Choice(words) = key.kind { words.first().copied() } else { None };
    let condition = key.condition().filter(|condition| condition.decided_by.table == "limit");
    condition.is_some_and(|condition| !condition.words.contains(&first(condition.decided_by).unwrap()))
}

#[test]
fn stated_defaults_are_the_defaults() {
    let required = |key: &Key| {
        let needed = matches!(key.default, Absent::Required) || NEEDED.contains(&key.path().as_str());
        needed.then(|| key.kind.example())
    };
    let stated = |key: &Key| match (required(key), &key.default) {
        (None, Absent::Value(text)) => Some((*text).to_owned()),
        (required, _) => required,
    };
    let bare = policy(KEYS.iter().filter_map(|key| Some((key, required(key)?))));
    let full = policy(KEYS.iter().filter_map(|key| Some((key, stated(key)?))));
    assert!(full.lines().count() > 2 * bare.lines().count());
    assert_eq!(checked(&full), checked(&bare));
}

#[test]
fn every_key_takes_its_example() {
    let value = |key: &Key| match key.path().as_str() {
        "country.allow_only"
        | "service.country.allow_only"
        | "list.asn"
        | "service.lists.monitor"
        | "service.lists.skip" => None,
        "fragments.rule" => Some("\"limit\"".to_owned()),
        _ if out_of_place(key) => None,
        _ => Some(key.kind.example()),
    };
    checked(&policy(KEYS.iter().filter_map(|key| Some((key, value(key)?)))));
}

#[test]
fn every_key_takes_its_example_beside_the_word_that_it_needs() {
    for condition in CONDITIONS {
        for word in condition.words {
            let value = |key: &Key| {
                let other = key.condition().filter(|other| other.decided_by.is(condition.decided_by));
                if key.is(condition.decided_by) {
                    return Some(format!("\"{word}\""));
                }
                match other {
                    Some(other) => other.words.contains(word).then(|| key.kind.example()),
                    None if out_of_place(key) || key.path() == "list.asn" => None,
                    None if ["country", "service.country", "service.lists"].contains(&key.table) => None,
                    None if key.table == "fragments" && condition.key.table != "fragments" => None,
                    None => Some(key.kind.example()),
                }
            };
            checked(&policy(KEYS.iter().filter_map(|key| Some((key, value(key)?)))));
        }
    }
}

#[test]
fn every_key_is_read_by_the_parser() {
    for key in KEYS {
        let text = policy([(key, "2026-01-01".to_owned())].into_iter());
        let error = parse(&text, Path::new("policy.toml")).expect_err(&text);
        let own = error.problems().iter().any(|problem| problem.key == key.path().replace("<plan>", "gold"));
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
