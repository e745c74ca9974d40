use std::collections::HashMap;

use ipnet::IpNet;
use jiff::Timestamp;
use rusqlite::ToSql;
use rusqlite::types::ToSqlOutput;

use super::BanKey;
use super::write::all_or_none;
use crate::store::{Store, StoreError};

/// Names the note of some bans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NoteId(i64);

/// Bans whose time is over by the wall clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedBans {
    /// Their note.
    pub note: NoteId,
    /// Those that had it at that moment; none where others have replaced them all.
    pub prefixes: Vec<IpNet>,
}

impl Store {
    /// The bans that no longer hold at `now`, by note.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn ended_bans(&self, now: Timestamp) -> Result<Vec<EndedBans>, StoreError> {
        let connection = self.reader();
        let now = now.as_millisecond();
        let read = || {
            let transaction = connection.unchecked_transaction()?;
            // A ban that was made alone is named by its note. For all others together one walk over the table.
            let alone = "SELECT notes.id, bans.prefix, only_prefix IS NULL FROM notes
                         LEFT JOIN bans ON bans.prefix = only_prefix AND bans.note = notes.id
                         WHERE expires_unix_ms <= ?1";
            let mut statement = transaction.prepare_cached(alone)?;
            let mut rows = statement.query([now])?;
            let mut ended: HashMap<i64, Vec<IpNet>> = HashMap::new();
            let mut together = false;
            while let Some(row) = rows.next()? {
                let key: Option<BanKey> = row.get(1)?;
                together |= row.get::<_, bool>(2)?;
                ended.entry(row.get(0)?).or_default().extend(key.map(BanKey::prefix));
            }
            drop(rows);
            if together {
                let rest = "SELECT note, prefix FROM bans WHERE note IN
                            (SELECT id FROM notes WHERE expires_unix_ms <= ?1 AND only_prefix IS NULL)";
                let mut statement = transaction.prepare_cached(rest)?;
                let rows = statement.query_map([now], |row| Ok((row.get(0)?, row.get::<_, BanKey>(1)?)))?;
                for row in rows {
                    let (note, key) = row?;
                    ended.entry(note).or_default().push(key.prefix());
                }
            }
            Ok(ended)
        };
        let ended: HashMap<i64, Vec<IpNet>> = read().map_err(|source| self.failed(source))?;
        Ok(ended.into_iter().map(|(note, prefixes)| EndedBans { note: NoteId(note), prefixes }).collect())
    }

    /// Clears away what has ended at `now`, and notes without bans. For the start, when nobody waits.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn tidy_bans(&self, now: Timestamp) -> Result<(), StoreError> {
        let tidied = all_or_none(&mut self.ban_connection(), |transaction| {
            let ended = "DELETE FROM bans WHERE note IN (SELECT id FROM notes WHERE expires_unix_ms <= ?1)";
            transaction.execute(ended, [now.as_millisecond()])?;
            transaction.execute("DELETE FROM notes WHERE id NOT IN (SELECT note FROM bans)", [])?;
            transaction.execute("DELETE FROM sources WHERE id NOT IN (SELECT source FROM bans)", [])
        });
        tidied.map(|_| ()).map_err(|source| self.failed(source))
    }
}

impl ToSql for NoteId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.into())
    }
}
