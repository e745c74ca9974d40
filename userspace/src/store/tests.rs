use std::fs;

use jiff::{Timestamp, ToSpan};
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::config::{ListName, Mode};

fn ban(prefix: &str, expires: Option<Timestamp>) -> BanRecord {
    BanRecord {
        prefix: prefix.parse().unwrap(),
        expires,
        reason: "scanning".to_owned(),
        source: "cli".to_owned(),
        created: at(1_000),
    }
}

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap()
}

fn list(name: &str, added: i64) -> ListRecord {
    ListRecord {
        name: name.parse().unwrap(),
        mode: Mode::Monitor,
        skip_bad: true,
        entries: 2,
        added: at(added),
    }
}

/// Reopens without closing, as after `kill -9`: whatever was not written by then is gone.
fn reopen_as_after_a_kill(store: Store, directory: &TempDir) -> Store {
    std::mem::forget(store);
    Store::open(directory.path()).unwrap()
}

#[test]
fn everything_survives_a_kill() {
    let directory = TempDir::new().unwrap();
    let store = Store::open(directory.path()).unwrap();
    assert!(store.was_created());
    let bans = [ban("192.0.2.1/32", None), ban("2001:db8::/48", Some(at(90_000)))];
    store.put_bans(&bans).unwrap();
    let allow =
        AllowRecord { prefix: "198.51.100.0/24".parse().unwrap(), note: "office".to_owned(), created: at(5) };
    store.put_allow(std::slice::from_ref(&allow)).unwrap();
    store.put_list(&list("scanners", 7), b"203.0.113.1\n").unwrap();
    store.set_setting(Setting::GeoDatabase, Some("/srv/geo.mmdb")).unwrap();

    let store = reopen_as_after_a_kill(store, &directory);
    assert!(!store.was_created());
    assert_eq!(store.bans().unwrap(), bans);
    assert_eq!(store.allow().unwrap(), [allow]);
    assert_eq!(store.lists().unwrap(), [list("scanners", 7)]);
    assert_eq!(store.list_text(&name("scanners")).unwrap().as_deref(), Some(&b"203.0.113.1\n"[..]));
    assert_eq!(store.setting(Setting::GeoDatabase).unwrap().as_deref(), Some("/srv/geo.mmdb"));
    assert_eq!(store.setting(Setting::CountryRule).unwrap(), None);
}

#[test]
fn a_second_ban_replaces_the_first() {
    let directory = TempDir::new().unwrap();
    let store = Store::open(directory.path()).unwrap();
    store.put_bans(&[ban("192.0.2.1/32", Some(at(10)))]).unwrap();
    store.put_bans(&[ban("192.0.2.1/32", None)]).unwrap();
    assert_eq!(store.bans().unwrap(), [ban("192.0.2.1/32", None)]);
    assert_eq!(store.count_bans().unwrap(), 1);
    let prefix = "192.0.2.1/32".parse().unwrap();
    let missing = "192.0.2.2/32".parse().unwrap();
    assert_eq!(store.delete_bans(&[prefix, missing]).unwrap(), [prefix]);
    assert_eq!(store.ban(prefix).unwrap(), None);
}

#[test]
fn only_ended_bans_are_expired() {
    let directory = TempDir::new().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let now = Timestamp::now();
    let bans = [
        ban("192.0.2.1/32", Some(now)),
        ban("192.0.2.2/32", Some(now + 1.second())),
        ban("192.0.2.3/32", None),
    ];
    store.put_bans(&bans).unwrap();
    let expired: Vec<_> = store.expired_bans(now).unwrap().iter().map(|ban| ban.prefix.to_string()).collect();
    assert_eq!(expired, ["192.0.2.1/32"]);
}

#[test]
fn newer_lists_come_after_older_ones() {
    let directory = TempDir::new().unwrap();
    let store = Store::open(directory.path()).unwrap();
    store.put_list(&list("b", 1), b"").unwrap();
    store.put_list(&list("a", 2), b"").unwrap();
    let names: Vec<_> = store.lists().unwrap().iter().map(|list| list.name.to_string()).collect();
    assert_eq!(names, ["b", "a"]);
    store.delete_list(&name("b")).unwrap();
    assert_eq!(store.list_text(&name("b")).unwrap(), None);
}

#[test]
fn leftovers_of_a_crash_are_removed() {
    let directory = TempDir::new().unwrap();
    let store = Store::open(directory.path()).unwrap();
    store.put_list(&list("kept", 1), b"").unwrap();
    let lists = directory.path().join("lists");
    fs::write(lists.join("kept.new"), "half").unwrap();
    fs::write(lists.join("unknown.list"), "192.0.2.1").unwrap();
    let _store = reopen_as_after_a_kill(store, &directory);
    let left: Vec<_> = fs::read_dir(&lists).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["kept.list"]);
}

#[test]
fn a_damaged_database_is_named_and_left_alone() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join(FILE_NAME);
    let garbage = vec![b'x'; 8192];
    fs::write(&path, &garbage).unwrap();
    let error = Store::open(directory.path()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    let message = error.to_string();
    assert!(message.contains(&format!("mv {0} {0}.damaged", path.display())), "{message}");
    assert_eq!(fs::read(&path).unwrap(), garbage);
}

#[test]
fn damage_inside_a_database_is_found() {
    let directory = TempDir::new().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let bans: Vec<_> = (0..2_000_u32)
        .map(|n| ban(&format!("{}/32", std::net::Ipv4Addr::from(0xC000_0200 + n)), None))
        .collect();
    store.put_bans(&bans).unwrap();
    drop(store);
    let path = directory.path().join(FILE_NAME);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0xAA);
    fs::write(&path, &bytes).unwrap();
    assert!(matches!(Store::open(directory.path()).unwrap_err(), StoreError::Damaged { .. }));
}

#[test]
fn a_newer_schema_is_refused() {
    let directory = TempDir::new().unwrap();
    drop(Store::open(directory.path()).unwrap());
    let connection = Connection::open(directory.path().join(FILE_NAME)).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = Store::open(directory.path()).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error:?}");
}

#[test]
fn migrating_twice_changes_nothing() {
    let directory = TempDir::new().unwrap();
    let store = Store::open(directory.path()).unwrap();
    store.put_bans(&[ban("192.0.2.1/32", None)]).unwrap();
    drop(store);
    let store = Store::open(directory.path()).unwrap();
    assert_eq!(store.count_bans().unwrap(), 1);
}

fn name(text: &str) -> ListName {
    text.parse().unwrap()
}
