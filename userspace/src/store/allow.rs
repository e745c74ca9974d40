use ipnet::IpNet;
use jiff::Timestamp;
use rusqlite::{Row, params};

use super::{Store, StoreError, bad_column, timestamp};

/// One entry that an operator put on the allowlist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowRecord {
    /// Who always passes.
    pub prefix: IpNet,
    /// Why, in the operator's words.
    pub note: String,
    /// Since when.
    pub created: Timestamp,
}

impl Store {
    /// Writes all of `entries`, or none. An entry that is there takes the new note.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn put_allow(&self, entries: &[AllowRecord]) -> Result<(), StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction().map_err(|source| self.failed(source))?;
        for entry in entries {
            let sql = "INSERT INTO allow (prefix, note, created_unix_ms) VALUES (?1, ?2, ?3)
                       ON CONFLICT (prefix) DO UPDATE SET note = excluded.note";
            let row = params![entry.prefix.to_string(), entry.note, entry.created.as_millisecond()];
            transaction.execute(sql, row).map_err(|source| self.failed(source))?;
        }
        transaction.commit().map_err(|source| self.failed(source))
    }

    /// Removes the entries of exactly these prefixes.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn delete_allow(&self, prefixes: &[IpNet]) -> Result<(), StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction().map_err(|source| self.failed(source))?;
        for prefix in prefixes {
            let deleted = transaction.execute("DELETE FROM allow WHERE prefix = ?1", [prefix.to_string()]);
            deleted.map_err(|source| self.failed(source))?;
        }
        transaction.commit().map_err(|source| self.failed(source))
    }

    /// Every entry, oldest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn allow(&self) -> Result<Vec<AllowRecord>, StoreError> {
        let connection = self.connection();
        let sql = "SELECT prefix, note, created_unix_ms FROM allow ORDER BY created_unix_ms, prefix";
        let mut statement = connection.prepare_cached(sql).map_err(|source| self.failed(source))?;
        let rows = statement.query_map([], read).and_then(Iterator::collect);
        rows.map_err(|source| self.failed(source))
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<AllowRecord> {
    let prefix: String = row.get(0)?;
    let prefix = prefix.parse().map_err(|error| bad_column(0, error))?;
    Ok(AllowRecord { prefix, note: row.get(1)?, created: timestamp(row.get(2)?) })
}
