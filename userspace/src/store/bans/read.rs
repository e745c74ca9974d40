use std::collections::HashMap;
use std::sync::Arc;

use ipnet::IpNet;
use rusqlite::Row;

use super::{BanKey, BanNote, BanRecord};
use crate::store::{Store, StoreError, timestamp};

const NOTE: &str = "expires_unix_ms, reason, source, created_unix_ms, note";

impl Store {
    /// Every ban, also those that have ended and were not cleared away yet. The bans of a prefix stand next to each other.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn bans(&self) -> Result<Vec<BanRecord>, StoreError> {
        let connection = self.reader();
        let read = || {
            // One after the other, and each note once: a join would look each one up a million times.
            let transaction = connection.unchecked_transaction()?;
            let mut statement = transaction.prepare_cached(&format!("SELECT {NOTE}, id FROM notes"))?;
            let notes = statement.query_map([], |row| Ok((row.get::<_, i64>(5)?, Arc::new(note(row)?))))?;
            let notes: HashMap<i64, Arc<BanNote>> = notes.collect::<Result<_, _>>()?;
            let mut statement =
                transaction.prepare_cached("SELECT prefix, note FROM bans ORDER BY prefix, source")?;
            let mut rows = statement.query([])?;
            let mut bans = Vec::new();
            while let Some(row) = rows.next()? {
                let prefix = row.get::<_, BanKey>(0)?.prefix();
                if let Some(note) = notes.get(&row.get(1)?) {
                    bans.push(BanRecord { prefix, note: Arc::clone(note) });
                }
            }
            Ok(bans)
        };
        read().map_err(|source| self.failed(source))
    }

    /// The bans of exactly these prefixes.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn bans_of(&self, prefixes: &[IpNet]) -> Result<Vec<BanRecord>, StoreError> {
        let sql = format!("SELECT {NOTE} FROM notes WHERE id IN (SELECT note FROM bans WHERE prefix = ?1)");
        let connection = self.reader();
        let read = || {
            let transaction = connection.unchecked_transaction()?;
            let mut statement = transaction.prepare_cached(&sql)?;
            let mut bans = Vec::new();
            for prefix in prefixes {
                let notes = statement.query_map([BanKey::from(*prefix)], note)?;
                for note in notes {
                    bans.push(BanRecord { prefix: prefix.trunc(), note: Arc::new(note?) });
                }
            }
            Ok(bans)
        };
        read().map_err(|source| self.failed(source))
    }

    /// The bans of this prefix and of all prefixes around it.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn bans_around(&self, prefix: IpNet) -> Result<Vec<BanRecord>, StoreError> {
        let around: Vec<IpNet> = std::iter::successors(Some(prefix), IpNet::supernet).collect();
        self.bans_of(&around)
    }
}

fn note(row: &Row<'_>) -> rusqlite::Result<BanNote> {
    Ok(BanNote {
        expires: row.get::<_, Option<i64>>(0)?.map(timestamp),
        reason: row.get(1)?,
        source: row.get(2)?,
        created: timestamp(row.get(3)?),
        note: row.get(4)?,
    })
}
