use rusqlite::{Connection, params};
use tempfile::TempDir;

use super::*;

fn now() -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap()
}

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn left_out(found: &ForeignBans) -> Vec<(&str, u64)> {
    found.left_out.iter().map(|(why, count)| (why.as_str(), *count)).collect()
}

/// The schema of fail2ban 1.0.2, as far as it matters.
const SCHEMA: &str = "CREATE TABLE fail2banDb(version INTEGER);
    INSERT INTO fail2banDb VALUES (4);
    CREATE TABLE jails(name TEXT NOT NULL UNIQUE, enabled INTEGER NOT NULL DEFAULT 1);
    CREATE TABLE bans(jail TEXT NOT NULL, ip TEXT, timeofban INTEGER NOT NULL, bantime INTEGER NOT NULL,
        bancount INTEGER NOT NULL default 1, data JSON);
    CREATE TABLE bips(ip TEXT NOT NULL, jail TEXT NOT NULL, timeofban INTEGER NOT NULL, bantime INTEGER NOT NULL,
        bancount INTEGER NOT NULL default 1, data JSON, PRIMARY KEY(ip, jail));";

fn database(folder: &TempDir, rows: &[(&str, &str, i64, i64, i64)]) -> PathBuf {
    let path = folder.path().join("fail2ban.sqlite3");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(SCHEMA).unwrap();
    for (ip, jail, start, seconds, count) in rows {
        let sql = "INSERT INTO bips VALUES (?1, ?2, ?3, ?4, ?5, '{}')";
        connection.execute(sql, params![ip, jail, start, seconds, count]).unwrap();
    }
    path
}

#[test]
fn bans_of_fail2ban_keep_their_ends_and_jails() {
    let folder = TempDir::new().unwrap();
    let start = now().as_second();
    let path = database(
        &folder,
        &[
            ("192.0.2.1", "sshd", start - 100, 600, 1),
            ("192.0.2.1", "nginx", start - 100, -1, 3),
            ("2001:db8::1", "sshd", start, 60, 1),
            ("192.0.2.2", "sshd", start - 600, 600, 1),
            ("198.51.100.0/24", "sshd", start, 60, 1),
            ("somebody", "login", start, 60, 1),
        ],
    );
    let found = read_database(&path, now()).unwrap();
    assert_eq!(left_out(&found), [("no address", 1), ("ended", 1)]);
    let ban = |prefix, ends, reason: &str, source: &str| ForeignBan {
        prefix: net(prefix),
        ends,
        reason: reason.to_owned(),
        note: String::new(),
        source: Some(source.to_owned()),
    };
    let seconds = |seconds| Ends::In(Duration::from_secs(seconds));
    assert_eq!(
        found.bans,
        [
            ban("192.0.2.1/32", Ends::Never, "jail nginx, 3 times", "fail2ban:nginx"),
            ban("192.0.2.1/32", seconds(500), "jail sshd", "fail2ban:sshd"),
            ban("198.51.100.0/24", seconds(60), "jail sshd", "fail2ban:sshd"),
            ban("2001:db8::1/128", seconds(60), "jail sshd", "fail2ban:sshd"),
        ]
    );
}

#[test]
fn the_database_is_read_while_fail2ban_writes_and_is_not_changed() {
    let folder = TempDir::new().unwrap();
    let path = database(&folder, &[("192.0.2.1", "sshd", now().as_second(), 60, 1)]);
    let before = std::fs::read(&path).unwrap();
    let writer = Connection::open(&path).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE; DELETE FROM bips;").unwrap();
    assert_eq!(read_database(&path, now()).unwrap().bans.len(), 1, "what is committed");
    writer.execute_batch("ROLLBACK").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn another_database_is_named() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("other.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    let error = read_database(&path, now()).unwrap_err().to_string();
    assert!(error.contains("no database of fail2ban") && error.contains("other.db"), "{error}");
    std::fs::write(&path, "192.0.2.1\n").unwrap();
    assert!(read_database(&path, now()).is_err());
    assert!(read_database(&folder.path().join("missing"), now()).is_err());
}

#[test]
fn decisions_that_cscli_lists_are_read() {
    let text = r#"[{"capacity": 0, "created_at": "2026-11-01T10:00:00Z", "decisions": [
            {"duration": "3h59m59.5s", "id": 7, "origin": "cscli", "scenario": "manual", "scope": "Ip", "simulated": false,
             "type": "ban", "value": "192.0.2.1"},
            {"duration": "1h", "id": 8, "origin": "crowdsec", "scenario": "x", "scope": "Ip", "simulated": true,
             "type": "ban", "value": "192.0.2.2"},
            {"duration": "1h", "id": 9, "origin": "crowdsec", "scenario": "x", "scope": "Country", "type": "ban", "value": "FR"},
            {"duration": "1h", "id": 10, "origin": "crowdsec", "scenario": "x", "scope": "Ip", "type": "captcha", "value": "192.0.2.3"},
            {"duration": "-1s", "id": 11, "origin": "crowdsec", "scenario": "x", "scope": "Ip", "type": "ban", "value": "192.0.2.4"}
        ]}, {"decisions": null},
        {"duration": "1h", "id": 12, "origin": "lists:x", "scenario": "y", "scope": "range", "type": "ban", "value": "2001:db8::/48"}]"#;
    let found = read_decisions(text.as_bytes(), now()).unwrap();
    let shown: Vec<_> = found.bans.iter().map(|ban| (ban.prefix, ban.ends, ban.note.as_str())).collect();
    let half = Duration::from_millis(4 * 3_600_000 - 500);
    assert_eq!(
        shown,
        [
            (net("192.0.2.1/32"), Ends::In(half), "origin cscli"),
            (net("2001:db8::/48"), Ends::In(Duration::from_hours(1)), "origin lists:x"),
        ]
    );
    assert_eq!(
        left_out(&found),
        [
            ("simulated", 1),
            ("of another scope than addresses and ranges", 1),
            ("not of type ban", 1),
            ("ended", 1)
        ]
    );
    assert_eq!(read_decisions(b"null", now()).unwrap(), ForeignBans::default());
    assert!(read_decisions(b"<html>", now()).unwrap_err().to_string().contains("cscli"));
}

#[test]
fn sets_of_ipset_keep_their_timeouts_and_comments() {
    let text = "create bad hash:net family inet hashsize 1024 maxelem 65536 timeout 0 comment\n\
        add bad 192.0.2.0/24 timeout 600 comment \"a scanner\"\nadd bad 198.51.100.7\n";
    let found = read_entries_of(text.as_bytes(), &crate::feeds::BadLines::Refuse.into()).unwrap();
    let shown: Vec<_> = found.bans.iter().map(|ban| (ban.prefix, ban.ends, ban.note.as_str())).collect();
    let ten_minutes = Ends::In(Duration::from_mins(10));
    assert_eq!(
        shown,
        [(net("192.0.2.0/24"), ten_minutes, "a scanner"), (net("198.51.100.7/32"), Ends::Unsaid, "")]
    );
}

#[test]
fn what_is_left_out_of_a_list_is_named() {
    let text = (0..40).fold("192.0.2.1\n10.0.0.1-10.0.0.2\n".to_owned(), |text, n| format!("{text}bad{n}\n"));
    let found = read_entries_of(text.as_bytes(), &crate::feeds::BadLines::Skip.into()).unwrap();
    let shown: Vec<_> = found.bans.iter().map(|ban| ban.prefix).collect();
    assert_eq!(shown, [net("192.0.2.1/32"), net("10.0.0.1/32"), net("10.0.0.2/32")]);
    assert!(found.left_out[0].0.contains("line 3"), "{:?}", found.left_out);
    assert_eq!(found.left_out.iter().map(|(_, count)| count).sum::<u64>(), 40);
    assert!(read_entries_of(text.as_bytes(), &crate::feeds::BadLines::Refuse.into()).is_err());
}

#[test]
fn formats_are_told_by_the_beginning_and_by_name() {
    assert_eq!(ImportFormat::recognised(b"SQLite format 3\0..."), Some(ImportFormat::Fail2ban));
    assert_eq!(ImportFormat::recognised(b" [{\"decisions\": ["), Some(ImportFormat::Crowdsec));
    for list in ["192.0.2.1", "[\"192.0.2.1\"]", "{\"nftables\": []}", ""] {
        assert_eq!(ImportFormat::recognised(list.as_bytes()), None, "{list}");
    }
    assert_eq!("ipset".parse(), Ok(ImportFormat::List(Format::IpsetSave)));
    let error = "sqlite".parse::<ImportFormat>().unwrap_err().to_string();
    assert!(error.contains("fail2ban") && error.contains("nft-json"), "{error}");
}
