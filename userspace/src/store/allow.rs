use ipnet::IpNet;
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};

use super::{bad_column, timestamp};

/// One entry that an operator put on the allowlist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllowRecord {
    /// Who always passes.
    pub prefix: IpNet,
    /// Why, in the operator's words.
    pub note: String,
    /// Since when.
    pub created: Timestamp,
}

/// Every entry, oldest first.
pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<AllowRecord>> {
    let sql = "SELECT prefix, note, created_unix_ms FROM allow ORDER BY created_unix_ms, prefix";
    connection.prepare_cached(sql)?.query_map([], read)?.collect()
}

pub(super) fn replace_all(connection: &Connection, entries: &[AllowRecord]) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM allow", [])?;
    let sql = "INSERT INTO allow (prefix, note, created_unix_ms) VALUES (?1, ?2, ?3)
               ON CONFLICT (prefix) DO UPDATE SET note = excluded.note";
    let mut statement = connection.prepare_cached(sql)?;
    for entry in entries {
        statement.execute(params![entry.prefix.to_string(), entry.note, entry.created.as_millisecond()])?;
    }
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<AllowRecord> {
    let prefix: String = row.get(0)?;
    let prefix = prefix.parse().map_err(|error| bad_column(0, error))?;
    Ok(AllowRecord { prefix, note: row.get(1)?, created: timestamp(row.get(2)?) })
}
