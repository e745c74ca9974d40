//! The policies that were in force, newest first: what `undo` goes back to, and what a start loads.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::settings::{self, Setting};
use super::snapshot::replace_state;
use super::{FeedRecord, PolicyText, Snapshot, Store, StoreError, bad_column, feeds, timestamp};

/// How many entries are kept.
const KEPT: i64 = 20;
const COLUMNS: &str = "number, time_unix_ms, generation, who, command, summary, same_as, confirmed";

/// What is new in the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEntry {
    /// When.
    pub time: Timestamp,
    /// The kernel's generation.
    pub generation: u64,
    /// Who did it, as JSON.
    pub who: String,
    /// What was asked for.
    pub command: String,
    /// What came of it, in a line.
    pub summary: String,
    /// The entry whose policy this one has again.
    pub same_as: Option<u64>,
}

/// One entry, without the policy itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRecord {
    /// Its number; later ones are greater.
    pub number: u64,
    /// The rest.
    pub entry: NewEntry,
    /// Not: it was in force until a confirmation that did not come yet, or never came.
    pub confirmed: bool,
}

/// A policy that waits for a confirmation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingRecord {
    /// Its entry.
    pub number: u64,
    /// The entry that comes back.
    pub previous: u64,
    /// Its generation in the kernel, which has the time until when.
    pub generation: u64,
}

/// A change of the policy that is to last.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'a> {
    /// The policy after it.
    pub snapshot: &'a Snapshot,
    /// Its entry.
    pub entry: &'a NewEntry,
    /// The policy file, if it was read for this.
    pub seen: Option<&'a PolicyText>,
    /// Whether it waits for a confirmation.
    pub unconfirmed: bool,
    /// Copies of fetched lists that it has. They are no part of the policy: whoever goes back gets the newest.
    pub feeds: &'a [FeedRecord],
}

impl Store {
    /// Keeps a policy and its entry in the history, or nothing. Whatever waited for a confirmation no longer does. Returns
    /// the number of the entry; where nothing differs from what is in force, that of the entry there is.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn keep(&self, kept: &Kept<'_>) -> Result<u64, StoreError> {
        let number = {
            let mut connection = self.connection();
            let mut work = || {
                // At once: a transaction that begins by reading can't wait for another writer.
                let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                let number = keep(&transaction, kept)?;
                transaction.commit()?;
                Ok(number)
            };
            work().map_err(|source| self.failed(source))?
        };
        if let Err(error) = self.remove_unused_list_files() {
            tracing::warn!(%error, "texts of lists that nobody needs could not be removed");
        }
        Ok(number)
    }

    /// Makes what waits for a confirmation last.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn confirm(&self, number: u64) -> Result<(), StoreError> {
        let mut connection = self.connection();
        let mut work = || {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute("UPDATE history SET confirmed = 1 WHERE number = ?1", [signed(number)])?;
            settings::put(&transaction, Setting::Pending, None)?;
            transaction.commit()
        };
        work().map_err(|source| self.failed(source))
    }

    /// The entry in force; none before the first.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn in_force(&self) -> Result<Option<u64>, StoreError> {
        in_force(&self.connection()).map_err(|source| self.failed(source))
    }

    /// What waits for a confirmation.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn pending(&self) -> Result<Option<PendingRecord>, StoreError> {
        json_setting(&self.connection(), Setting::Pending).map_err(|source| self.failed(source))
    }

    /// The policy file as it was last read.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn policy_seen(&self) -> Result<Option<PolicyText>, StoreError> {
        json_setting(&self.connection(), Setting::PolicySeen).map_err(|source| self.failed(source))
    }

    /// Every entry, newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn history(&self) -> Result<Vec<HistoryRecord>, StoreError> {
        let connection = self.connection();
        let read = || -> rusqlite::Result<Vec<HistoryRecord>> {
            let sql = format!("SELECT {COLUMNS} FROM history ORDER BY number DESC");
            connection.prepare_cached(&sql)?.query_map([], read_entry)?.collect()
        };
        read().map_err(|source| self.failed(source))
    }

    /// The policy of an entry.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn snapshot(&self, number: u64) -> Result<Option<Snapshot>, StoreError> {
        snapshot(&self.connection(), number).map_err(|source| self.failed(source))
    }
}

fn keep(connection: &Connection, kept: &Kept<'_>) -> rusqlite::Result<u64> {
    feeds::put(connection, kept.feeds)?;
    let before = in_force(connection)?;
    let is_pending = settings::get(connection, Setting::Pending)?.is_some();
    if let Some(seen) = kept.seen {
        settings::put(connection, Setting::PolicySeen, Some(&json(seen)?))?;
    }
    if let (Some(number), false, false) = (before, is_pending, kept.unconfirmed)
        && snapshot(connection, number)?.as_ref() == Some(kept.snapshot)
    {
        return Ok(number);
    }
    replace_state(connection, &kept.snapshot.state)?;
    let number = insert(connection, kept)?;
    let pending = before.filter(|_| kept.unconfirmed).map(|previous| PendingRecord {
        number,
        previous,
        generation: kept.entry.generation,
    });
    let pending = pending.as_ref().map(json).transpose()?;
    settings::put(connection, Setting::Pending, pending.as_deref())?;
    settings::put(connection, Setting::InForce, Some(&number.to_string()))?;
    // The entry in force is the newest, and that before it is what an unconfirmed one goes back to.
    let oldest = signed(number) - KEPT;
    connection.execute("DELETE FROM history WHERE number <= ?1", [oldest])?;
    connection.execute("DELETE FROM history_files WHERE number <= ?1", [oldest])?;
    Ok(number)
}

fn insert(connection: &Connection, kept: &Kept<'_>) -> rusqlite::Result<u64> {
    let sql =
        "INSERT INTO history (time_unix_ms, generation, who, command, summary, same_as, confirmed, snapshot)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let NewEntry { time, generation, who, command, summary, same_as } = kept.entry;
    connection.prepare_cached(sql)?.execute(params![
        time.as_millisecond(),
        signed(*generation),
        who,
        command,
        summary,
        same_as.map(signed),
        !kept.unconfirmed,
        json(kept.snapshot)?
    ])?;
    let number = connection.last_insert_rowid();
    let mut statement =
        connection.prepare_cached("INSERT OR IGNORE INTO history_files (number, file) VALUES (?1, ?2)")?;
    for list in &kept.snapshot.state.lists {
        statement.execute(params![number, list.file])?;
    }
    Ok(number.unsigned_abs())
}

fn in_force(connection: &Connection) -> rusqlite::Result<Option<u64>> {
    Ok(settings::get(connection, Setting::InForce)?.and_then(|number| number.parse().ok()))
}

fn snapshot(connection: &Connection, number: u64) -> rusqlite::Result<Option<Snapshot>> {
    let sql = "SELECT snapshot FROM history WHERE number = ?1";
    let text: Option<String> = connection.query_row(sql, [signed(number)], |row| row.get(0)).optional()?;
    text.map(|text| parsed(&text)).transpose()
}

fn json_setting<T: DeserializeOwned>(
    connection: &Connection,
    setting: Setting,
) -> rusqlite::Result<Option<T>> {
    settings::get(connection, setting)?.map(|text| parsed(&text)).transpose()
}

fn parsed<T: DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|error| bad_column(0, error))
}

fn json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

fn read_entry(row: &Row<'_>) -> rusqlite::Result<HistoryRecord> {
    Ok(HistoryRecord {
        number: row.get::<_, i64>(0)?.unsigned_abs(),
        entry: NewEntry {
            time: timestamp(row.get(1)?),
            generation: row.get::<_, i64>(2)?.unsigned_abs(),
            who: row.get(3)?,
            command: row.get(4)?,
            summary: row.get(5)?,
            same_as: row.get::<_, Option<i64>>(6)?.map(i64::unsigned_abs),
        },
        confirmed: row.get(7)?,
    })
}

/// The database has no larger numbers, and nobody counts that far.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
