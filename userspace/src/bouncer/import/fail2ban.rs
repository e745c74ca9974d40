//! The database in which fail2ban keeps its bans.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use ipnet::IpNet;
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};

use super::{Ends, ForeignBan, ForeignBans, ImportError};

/// fail2ban holds its lock for the time of a write.
const BUSY: Duration = Duration::from_secs(5);

/// Reads the bans that hold at `now`, also while fail2ban runs. Each jail is a source of its own.
///
/// # Errors
/// When it is not fail2ban's, or cannot be read.
pub fn read_database(path: &Path, now: Timestamp) -> Result<ForeignBans, ImportError> {
    let failed = |error: rusqlite::Error| ImportError::Database {
        path: path.to_owned(),
        problem: format!("this database cannot be read: {error}"),
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY).map_err(failed)?;
    let table = table(&connection).map_err(failed)?.ok_or_else(|| ImportError::Database {
        path: path.to_owned(),
        problem:
            "this is no database of fail2ban 0.11 or later: it has no table bips; name its fail2ban.sqlite3"
                .to_owned(),
    })?;
    read(&connection, table, now).map_err(failed)
}

/// The table of the bans that hold. The other one, `bans`, is a history.
fn table(connection: &Connection) -> rusqlite::Result<Option<&'static str>> {
    let there = connection.table_exists(None, "bips")?;
    Ok(there.then_some("bips"))
}

fn read(connection: &Connection, table: &str, now: Timestamp) -> rusqlite::Result<ForeignBans> {
    let mut found = ForeignBans::default();
    let sql = format!("SELECT ip, jail, timeofban, bantime, bancount FROM {table} ORDER BY jail, ip");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (ip, jail): (String, String) = (row.get(0)?, row.get(1)?);
        let (start, seconds, count): (i64, i64, i64) = (row.get(2)?, row.get(3)?, row.get(4)?);
        let Some(prefix) = prefix(&ip) else {
            found.leave_out("no address");
            continue;
        };
        let start = Timestamp::from_second(start).unwrap_or(Timestamp::UNIX_EPOCH);
        let Some(ends) = Ends::after(start, seconds, now) else {
            found.leave_out("ended");
            continue;
        };
        let times = if count == 1 { String::new() } else { format!(", {count} times") };
        found.bans.push(ForeignBan {
            prefix,
            ends,
            reason: format!("jail {jail}{times}"),
            note: String::new(),
            source: Some(format!("fail2ban:{jail}")),
        });
    }
    Ok(found)
}

/// fail2ban bans addresses, and networks where a filter finds some. A jail may also ban other things, such as users.
fn prefix(text: &str) -> Option<IpNet> {
    let address = text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
    address.or_else(|_| text.parse::<IpNet>().map(|net| net.trunc())).ok()
}
