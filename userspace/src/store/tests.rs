use std::fs;

use ipnet::IpNet;
use jiff::{Timestamp, ToSpan};
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::config::{Mode, Name};

fn note(expires: Option<Timestamp>) -> BanNote {
    let [reason, source, note] = ["scanning", "cli", ""].map(str::to_owned);
    BanNote { expires, reason, source, note, created: at(1_000) }
}

fn ban(prefix: &str, expires: Option<Timestamp>) -> BanRecord {
    BanRecord { prefix: prefix.parse().unwrap(), note: note(expires).into() }
}

fn put(store: &Store, bans: &[BanRecord]) {
    let groups = bans.iter().map(|ban| (BanNote::clone(&ban.note), vec![ban.prefix]));
    store.change_bans(&[&BanChange::Put(groups.collect())]).unwrap();
}

fn in_order(store: &Store) -> Vec<BanRecord> {
    let mut bans = store.bans().unwrap();
    bans.sort_by_key(|ban| ban.prefix);
    bans
}

fn many(prefixes: impl IntoIterator<Item = IpNet>, expires: Option<Timestamp>) -> BanChange {
    BanChange::Put(vec![(note(expires), prefixes.into_iter().collect())])
}

fn addresses(count: u32) -> impl Iterator<Item = IpNet> {
    (0..count).map(|n| IpNet::from(std::net::IpAddr::from(std::net::Ipv4Addr::from_bits(0xC000_0200 + n))))
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
        file: format!("{name}.list"),
    }
}

/// Keeps a policy with this of operators.
fn keep(store: &Store, state: OperatorState) -> u64 {
    let snapshot = Snapshot { state, ..Snapshot::default() };
    let entry = NewEntry {
        time: at(1),
        generation: 1,
        who: "{}".to_owned(),
        command: String::new(),
        summary: String::new(),
        same_as: None,
    };
    store
        .keep(&Kept { snapshot: &snapshot, entry: &entry, seen: None, unconfirmed: false, feeds: &[] })
        .unwrap()
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
    put(&store, &bans);
    let allow =
        AllowRecord { prefix: "198.51.100.0/24".parse().unwrap(), note: "office".to_owned(), created: at(5) };
    let file = store.keep_list_text(&name("scanners"), b"203.0.113.1\n").unwrap();
    let state = OperatorState {
        allow: vec![allow],
        lists: vec![ListRecord { file: file.clone(), ..list("scanners", 7) }],
        country: None,
        geo_database: Some("/srv/geo.mmdb".into()),
        modes: [(name("scanners"), Mode::Monitor), (name("country"), Mode::Enforce)].into(),
    };
    keep(&store, state.clone());

    let store = reopen_as_after_a_kill(store, &directory);
    assert!(!store.was_created());
    assert_eq!(in_order(&store), bans);
    assert_eq!(store.operator_state().unwrap(), state);
    assert_eq!(fs::read(store.list_path(&file)).unwrap(), b"203.0.113.1\n");
}

#[test]
fn a_second_ban_replaces_the_first() {
    let directory = TempDir::new().unwrap();
    let store = Store::open(directory.path()).unwrap();
    put(&store, &[ban("192.0.2.1/32", Some(at(10)))]);
    put(&store, &[ban("192.0.2.1/32", None)]);
    assert_eq!(store.bans().unwrap(), [ban("192.0.2.1/32", None)]);
    assert_eq!(store.bans().unwrap().len(), 1);
    let prefix = "192.0.2.1/32".parse().unwrap();
    let missing = "192.0.2.2/32".parse().unwrap();
    assert_eq!(store.change_bans(&[&BanChange::Delete(None, vec![prefix, missing])]).unwrap(), [[prefix]]);
    assert_eq!(store.bans_of(&[prefix]).unwrap(), []);
    assert_eq!(notes(&store), 0, "a note goes with its only ban");
}

fn notes(store: &Store) -> i64 {
    store.reader().query_row("SELECT count(*) FROM notes", [], |row| row.get(0)).unwrap()
}

#[test]
fn only_ended_bans_are_ended() {
    let directory = TempDir::new().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let now = Timestamp::now();
    put(
        &store,
        &[
            ban("192.0.2.1/32", Some(now)),
            ban("192.0.2.2/32", Some(now + 1.second())),
            ban("192.0.2.3/32", None),
        ],
    );
    let together: Vec<IpNet> = ["192.0.2.4/32", "2001:db8::/48"].map(|prefix| prefix.parse().unwrap()).into();
    store.change_bans(&[&many(together.clone(), Some(now))]).unwrap();
    let mut ended: Vec<_> = store.ended_bans(now).unwrap().into_iter().map(|ended| ended.prefixes).collect();
    for prefixes in &mut ended {
        prefixes.sort();
    }
    ended.sort();
    assert_eq!(ended, [vec!["192.0.2.1/32".parse().unwrap()], together]);

    store.tidy_bans(now).unwrap();
    let left: Vec<_> = store.bans().unwrap().iter().map(|ban| ban.prefix.to_string()).collect();
    assert_eq!((left, notes(&store)), (["192.0.2.2/32", "192.0.2.3/32"].map(str::to_owned).into(), 2));
}

#[test]
fn clearing_away_spares_bans_that_were_made_again() {
    let directory = TempDir::new().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let now = Timestamp::now();
    store.change_bans(&[&many(addresses(3), Some(now))]).unwrap();
    let [ended] = store.ended_bans(now).unwrap().try_into().unwrap();
    let again = addresses(1).next().unwrap();
    put(&store, &[BanRecord { prefix: again, note: note(None).into() }]);
    let forget = BanChange::Forget(ended.note, ended.prefixes);
    store.change_bans(&[&forget, &BanChange::EndNote(ended.note, None)]).unwrap();
    assert_eq!(store.bans().unwrap(), [BanRecord { prefix: again, note: note(None).into() }]);
    assert_eq!(notes(&store), 1);
}

#[test]
fn changes_are_made_in_their_order() {
    let directory = TempDir::new().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let prefixes: Vec<IpNet> = addresses(200).collect();
    let delete = BanChange::Delete(None, prefixes[..100].to_vec());
    let done = store.change_bans(&[&many(prefixes.clone(), None), &delete, &many(addresses(1), Some(at(7)))]);
    assert_eq!(done.unwrap(), [vec![], prefixes[..100].to_vec(), vec![]]);
    assert_eq!(store.bans().unwrap().len(), 101);
    assert_eq!(store.bans_of(&prefixes[..1]).unwrap()[0].note.expires, Some(at(7)));
}

#[test]
fn bans_around_an_address_are_found() {
    let directory = TempDir::new().unwrap();
    let store = Store::open(directory.path()).unwrap();
    for prefix in
        ["192.0.2.1/32", "192.0.2.0/24", "192.0.0.0/8", "0.0.0.0/0", "192.0.3.0/24", "2001:db8::/32"]
    {
        store.change_bans(&[&many([prefix.parse::<IpNet>().unwrap().trunc()], None)]).unwrap();
    }
    let around = |prefix: &str| -> Vec<String> {
        let bans = store.bans_around(prefix.parse().unwrap()).unwrap();
        bans.into_iter().map(|ban| ban.prefix.to_string()).collect()
    };
    assert_eq!(around("192.0.2.1/32"), ["192.0.2.1/32", "192.0.2.0/24", "192.0.0.0/8", "0.0.0.0/0"]);
    assert_eq!(around("2001:db8::1/128"), ["2001:db8::/32"]);
}

#[test]
fn a_log_that_has_grown_is_copied_into_the_database() {
    let directory = TempDir::new().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let pages = || store.log_pages().unwrap();
    store.change_bans(&[&many(addresses(10_000), None)]).unwrap();
    store.keep_up().unwrap();
    assert!(pages().0 > 20 && pages().1 == 0, "a little stays in the log: {:?}", pages());
    store.change_bans(&[&many(addresses(1), None)]).unwrap();
    store.keep_log_below(20).unwrap();
    assert!(pages().0 == pages().1, "{:?}", pages());
    assert_eq!(store.bans().unwrap().len(), 10_000);
}

#[test]
fn newer_lists_come_after_older_ones() {
    let directory = TempDir::new().unwrap();
    let store = Store::open(directory.path()).unwrap();
    keep(&store, OperatorState { lists: vec![list("a", 2), list("b", 1)], ..OperatorState::default() });
    let lists = store.operator_state().unwrap().lists;
    assert_eq!(lists, [list("b", 1), list("a", 2)]);
}

#[test]
fn leftovers_of_a_crash_are_removed() {
    let directory = TempDir::new().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let file = store.keep_list_text(&name("kept"), b"").unwrap();
    let kept = ListRecord { file: file.clone(), ..list("kept", 1) };
    keep(&store, OperatorState { lists: vec![kept], ..OperatorState::default() });
    let lists = directory.path().join("lists");
    fs::write(lists.join("kept.new"), "half").unwrap();
    fs::write(lists.join("unknown.list"), "192.0.2.1").unwrap();
    let _store = reopen_as_after_a_kill(store, &directory);
    let left: Vec<_> = fs::read_dir(&lists).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [file.as_str()]);
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
    store.change_bans(&[&many(addresses(20_000), None)]).unwrap();
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
    put(&store, &[ban("192.0.2.1/32", None)]);
    drop(store);
    let store = Store::open(directory.path()).unwrap();
    assert_eq!(store.bans().unwrap().len(), 1);
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// As the first schema had them.
const EARLIER: &str = "
    CREATE TABLE bans (prefix TEXT PRIMARY KEY, expires_unix_ms INTEGER, reason TEXT NOT NULL, source TEXT NOT NULL,
        created_unix_ms INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX bans_by_expiry ON bans (expires_unix_ms) WHERE expires_unix_ms IS NOT NULL;
    CREATE TABLE allow (prefix TEXT PRIMARY KEY, note TEXT NOT NULL, created_unix_ms INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE lists (name TEXT PRIMARY KEY, mode TEXT NOT NULL, skip_bad INTEGER NOT NULL, entries INTEGER NOT NULL,
        added_unix_ms INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    INSERT INTO bans VALUES ('192.0.2.1/32', 90000, 'scanning', 'cli', 1000), ('2001:db8::/48', NULL, 'scanning', 'cli', 1000);
    INSERT INTO allow VALUES ('198.51.100.0/24', 'office', 5);
    INSERT INTO lists VALUES ('scanners', 'monitor', 1, 2, 7);
    PRAGMA user_version = 1;";

#[test]
fn bans_of_the_first_schema_are_taken_over() {
    let directory = TempDir::new().unwrap();
    let connection = Connection::open(directory.path().join(FILE_NAME)).unwrap();
    connection.execute_batch(EARLIER).unwrap();
    drop(connection);
    let store = Store::open(directory.path()).unwrap();
    let bans = [ban("192.0.2.1/32", Some(at(90_000))), ban("2001:db8::/48", None)];
    assert_eq!(in_order(&store), bans);
    let state = store.operator_state().unwrap();
    assert_eq!(
        (state.allow.len(), state.lists),
        (1, vec![list("scanners", 7)]),
        "its text stays where it is"
    );
    assert_eq!(store.ended_bans(at(90_000)).unwrap().len(), 1);
    let store = reopen_as_after_a_kill(store, &directory);
    assert_eq!(in_order(&store), bans);
}

#[test]
fn a_first_schema_that_cannot_be_read_stays_as_it_is() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join(FILE_NAME);
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(&EARLIER.replace("192.0.2.1/32", "nobody")).unwrap();
    drop(connection);
    assert!(matches!(Store::open(directory.path()).unwrap_err(), StoreError::Damaged { .. }));
    let connection = Connection::open(&path).unwrap();
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    let bans: i64 = connection.query_row("SELECT count(*) FROM bans", [], |row| row.get(0)).unwrap();
    assert_eq!((version, bans), (1, 2));
}

#[test]
fn bans_of_several_sources_stand_side_by_side() {
    let directory = TempDir::new().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let prefix: IpNet = "192.0.2.1/32".parse().unwrap();
    let by = |source: &str, expires| {
        let note = BanNote { source: source.to_owned(), note: "seen at night".to_owned(), ..note(expires) };
        BanChange::Put(vec![(note, vec![prefix])])
    };
    store.change_bans(&[&by("one", None), &by("two", Some(at(7))), &by("one", Some(at(9)))]).unwrap();
    let bans = store.bans().unwrap();
    let shown: Vec<_> = bans.iter().map(|ban| (ban.note.source.as_str(), ban.note.expires)).collect();
    assert_eq!(shown, [("one", Some(at(9))), ("two", Some(at(7)))]);
    assert!(bans.iter().all(|ban| ban.note.note == "seen at night"));
    assert_eq!((store.bans_of(&[prefix]).unwrap().len(), notes(&store)), (2, 2));
    let delete = |source: &str| BanChange::Delete(Some(source.to_owned()), vec![prefix]);
    assert_eq!(store.change_bans(&[&delete("three"), &delete("one")]).unwrap(), [vec![], vec![prefix]]);
    assert_eq!((store.bans().unwrap().len(), notes(&store)), (1, 1));
    store.tidy_bans(at(8)).unwrap();
    let sources: i64 =
        store.reader().query_row("SELECT count(*) FROM sources", [], |row| row.get(0)).unwrap();
    assert_eq!((store.bans().unwrap().len(), sources), (0, 0));
}
