use std::sync::Arc;

use ipnet::IpNet;
use jiff::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::store::bans::BanNote;
use crate::store::{BanRecord, Store};

fn nets(texts: &[&str]) -> Vec<IpNet> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn put(expires: Option<i64>, reason: &str, prefixes: &[&str]) -> BanChange {
    let expires = expires.map(|seconds| Timestamp::from_second(seconds).unwrap());
    let created = Timestamp::from_millisecond(1_700_000_000_123).unwrap();
    let (reason, source) = (reason.to_owned(), "test".to_owned());
    let note = BanNote { expires, reason, source, note: "seen at night".to_owned(), created };
    BanChange::Put(vec![(note, nets(prefixes))])
}

fn some_changes() -> Vec<BanChange> {
    vec![
        put(None, "for good é", &["192.0.2.1/32", "0.0.0.0/0", "::/0", "2001:db8::1/128"]),
        BanChange::Delete(Some("test".to_owned()), nets(&["192.0.2.1/32"])),
        put(Some(4_000_000_000), "", &["198.51.100.0/24"]),
    ]
}

fn left(directory: &TempDir) -> Vec<BanChange> {
    Spool::open(directory.path()).unwrap().1
}

fn filled(directory: &TempDir) -> Spool {
    let mut spool = Spool::open(directory.path()).unwrap().0;
    for change in some_changes() {
        spool.append(&change).unwrap();
    }
    spool
}

#[test]
fn what_was_taken_is_found_again() {
    let directory = TempDir::new().unwrap();
    assert!(left(&directory).is_empty());
    drop(filled(&directory));
    assert_eq!(left(&directory), some_changes());
}

#[test]
fn a_record_that_is_not_whole_ends_the_file() {
    let directory = TempDir::new().unwrap();
    let spool = filled(&directory);
    let whole = spool.length;
    let last = record::of(&some_changes()[2]).len() as u64;
    for length in whole - last..whole {
        File::options().write(true).open(&spool.path).unwrap().set_len(length).unwrap();
        assert_eq!(left(&directory), some_changes()[..2], "{length} of {whole} bytes");
    }
    // As a file system leaves it that has not written the end of a file before the power was gone.
    File::options().write(true).open(&spool.path).unwrap().set_len(whole + 100).unwrap();
    assert_eq!(left(&directory), some_changes()[..2]);
}

#[test]
fn nothing_is_added_behind_what_is_not_whole() {
    let directory = TempDir::new().unwrap();
    drop(filled(&directory));
    let (mut spool, _) = Spool::open(directory.path()).unwrap();
    assert!(spool.append(&some_changes()[0]).is_err());
    spool.clear().unwrap();
    spool.append(&some_changes()[0]).unwrap();
    assert_eq!(left(&directory), some_changes()[..1]);
}

#[test]
fn the_old_file_comes_before_the_new_one_and_goes_first() {
    let directory = TempDir::new().unwrap();
    let mut spool = Spool::open(directory.path()).unwrap().0;
    spool.append(&some_changes()[0]).unwrap();
    spool.turn().unwrap();
    spool.append(&some_changes()[1]).unwrap();
    // The database has refused what is in the old one.
    spool.turn().unwrap();
    spool.append(&some_changes()[2]).unwrap();
    assert_eq!(left(&directory), some_changes());
    spool.drop_old().unwrap();
    assert_eq!(left(&directory), some_changes()[1..]);
    spool.turn().unwrap();
    assert_eq!(left(&directory), some_changes()[1..]);
    spool.clear().unwrap();
    assert!(left(&directory).is_empty());
}

#[test]
fn the_store_takes_what_is_left_when_it_is_opened() {
    let directory = TempDir::new().unwrap();
    drop(filled(&directory));
    for _ in 0..2 {
        let store = Store::open(directory.path()).unwrap();
        let bans: Vec<BanRecord> = store.bans().unwrap();
        let shown: Vec<_> = bans.iter().map(|ban| ban.prefix).collect();
        // As the table has them.
        assert_eq!(shown, nets(&["0.0.0.0/0", "::/0", "2001:db8::1/128", "198.51.100.0/24"]));
        let BanChange::Put(groups) = &some_changes()[0] else { unreachable!() };
        assert_eq!(bans[0].note, Arc::new(groups[0].0.clone()));
        assert_eq!(fs::metadata(directory.path().join(NAME)).unwrap().len(), 0);
        assert!(left(&directory).is_empty());
    }
}

#[test]
fn another_version_is_named() {
    let directory = TempDir::new().unwrap();
    let mut bytes = record::of(&some_changes()[1]);
    bytes[16] = 3;
    assert_eq!(record::next(&mut bytes.as_slice()), None, "the checksum covers the version");
    assert_eq!(record::read(&[3, 1]), None);
    assert_eq!(record::read(&[]), None);
    let error = StoreError::Spool { path: directory.path().join(NAME) }.to_string();
    assert!(error.contains("another version") && error.contains("bans.spool"), "{error}");
}

#[test]
fn what_the_first_version_left_is_read() {
    // A ban of 192.0.2.1 for good, with a reason and a source of one letter each, and its lift.
    let mut put = vec![1, 1];
    put.extend(1_u64.to_le_bytes());
    put.extend(i64::MAX.to_le_bytes());
    put.extend(1_000_i64.to_le_bytes());
    for letter in [b'r', b's'] {
        put.extend(1_u64.to_le_bytes());
        put.push(letter);
    }
    let keys = [1_u64.to_le_bytes().as_slice(), &[32, 192, 0, 2, 1]].concat();
    put.extend(&keys);
    let Some(BanChange::Put(groups)) = record::read(&put) else { panic!("not read") };
    let [(note, prefixes)] = groups.as_slice() else { panic!("{groups:?}") };
    assert_eq!((note.reason.as_str(), note.source.as_str(), note.note.as_str()), ("r", "s", ""));
    assert_eq!(*prefixes, nets(&["192.0.2.1/32"]));
    let lift = [[1, 2].as_slice(), &keys].concat();
    assert_eq!(record::read(&lift), Some(BanChange::Delete(None, nets(&["192.0.2.1/32"]))));
}
