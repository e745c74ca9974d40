use ipnet::IpNet;
use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::{BanChange, BanKey, BanNote};
use crate::store::{Store, StoreError};

/// Bans in one statement: for each one a statement of its own would take twice as long.
const ROWS: usize = 64;

impl Store {
    /// Makes all changes, in their order, or none. Says which of the bans to delete were there, for each change.
    ///
    /// When this returns the changes survive the end of the process, however it ends; a loss of power within about a
    /// second can take them back, all or none of each call.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn change_bans(&self, changes: &[&BanChange]) -> Result<Vec<Vec<IpNet>>, StoreError> {
        let mut connection = self.ban_connection();
        let done = all_or_none(&mut connection, |transaction| {
            changes.iter().map(|change| make(transaction, change)).collect()
        });
        done.map_err(|source| self.failed(source))
    }

    /// Takes a change that goes into the database later, with [`Store::change_bans`]. It survives the end of the process
    /// already: the next store that is opened here has it.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn spool_change(&self, change: &BanChange) -> Result<(), StoreError> {
        self.spool().append(change)
    }

    /// All that was spooled until now is about to go into the database.
    ///
    /// # Errors
    /// When the disk refuses. Then it is kept for longer than need be.
    pub fn turn_spool(&self) -> Result<(), StoreError> {
        self.spool().turn()
    }

    /// What was spooled before the last [`Store::turn_spool`] is in the database, or all of it.
    ///
    /// # Errors
    /// When the disk refuses. Then it is kept for longer than need be.
    pub fn drop_spooled(&self, all: bool) -> Result<(), StoreError> {
        let mut spool = self.spool();
        if all { spool.clear() } else { spool.drop_old() }
    }

    /// What a killed daemon has left.
    pub(in crate::store) fn take_spooled(&self, changes: &[BanChange]) -> Result<(), StoreError> {
        if !changes.is_empty() {
            self.change_bans(&changes.iter().collect::<Vec<_>>())?;
            tracing::info!(
                changes = changes.len(),
                "stored the changes of bans that an earlier daemon had spooled"
            );
        }
        self.drop_spooled(true)
    }
}

pub(super) fn all_or_none<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    // At once: a transaction that begins by reading can't wait for another writer.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = work(&transaction)?;
    transaction.commit()?;
    Ok(done)
}

fn make(transaction: &Transaction<'_>, change: &BanChange) -> rusqlite::Result<Vec<IpNet>> {
    match change {
        BanChange::Put(groups) => {
            groups.iter().try_for_each(|(note, prefixes)| put(transaction, note, prefixes))?;
            Ok(Vec::new())
        }
        BanChange::Delete(prefixes) => {
            let mut removed = Vec::new();
            for prefix in prefixes {
                if delete(transaction, (*prefix).into())? {
                    removed.push(*prefix);
                }
            }
            Ok(removed)
        }
        BanChange::Forget(note, prefixes) => {
            let mut statement =
                transaction.prepare_cached("DELETE FROM bans WHERE prefix = ?1 AND note = ?2")?;
            for prefix in prefixes {
                statement.execute(params![BanKey::from(*prefix), note])?;
            }
            Ok(Vec::new())
        }
        BanChange::EndNote(note, Some(held_until)) => {
            let sql = "UPDATE notes SET expires_unix_ms = ?2 WHERE id = ?1";
            transaction.prepare_cached(sql)?.execute(params![note, held_until.as_millisecond()])?;
            Ok(Vec::new())
        }
        BanChange::EndNote(note, None) => {
            transaction.prepare_cached("DELETE FROM notes WHERE id = ?1")?.execute([note])?;
            Ok(Vec::new())
        }
    }
}

/// Puts bans of one note.
pub(in crate::store) fn put(
    connection: &Connection,
    note: &BanNote,
    prefixes: &[IpNet],
) -> rusqlite::Result<()> {
    let mut keys: Vec<BanKey> = prefixes.iter().map(|prefix| (*prefix).into()).collect();
    if let [key] = keys.as_slice() {
        // Nobody will ask for the note of the ban before.
        forget_only(connection, *key)?;
        let note = insert_note(connection, note, Some(*key))?;
        return insert(connection, note, &keys);
    }
    // In the order of the table: then neighbours meet a page that is at hand.
    keys.sort_unstable();
    let note = insert_note(connection, note, None)?;
    insert(connection, note, &keys)
}

fn insert_note(connection: &Connection, note: &BanNote, only: Option<BanKey>) -> rusqlite::Result<i64> {
    let sql = "INSERT INTO notes (expires_unix_ms, reason, source, created_unix_ms, only_prefix)
               VALUES (?1, ?2, ?3, ?4, ?5)";
    let expires = note.expires.map(Timestamp::as_millisecond);
    let row = params![expires, note.reason, note.source, note.created.as_millisecond(), only];
    connection.prepare_cached(sql)?.execute(row)?;
    Ok(connection.last_insert_rowid())
}

fn insert(connection: &Connection, note: i64, keys: &[BanKey]) -> rusqlite::Result<()> {
    for keys in keys.chunks(ROWS) {
        let mut statement = connection.prepare_cached(&insertion(keys.len()))?;
        statement.raw_bind_parameter(1, note)?;
        for (parameter, key) in (2..).zip(keys) {
            statement.raw_bind_parameter(parameter, key)?;
        }
        statement.raw_execute()?;
    }
    Ok(())
}

fn insertion(rows: usize) -> String {
    let values: Vec<_> = (2..rows + 2).map(|parameter| format!("(?{parameter}, ?1)")).collect();
    format!(
        "INSERT INTO bans (prefix, note) VALUES {} ON CONFLICT (prefix) DO UPDATE SET note = excluded.note",
        values.join(", ")
    )
}

/// False: there was none.
fn delete(connection: &Connection, key: BanKey) -> rusqlite::Result<bool> {
    forget_only(connection, key)?;
    Ok(connection.prepare_cached("DELETE FROM bans WHERE prefix = ?1")?.execute([key])? > 0)
}

/// Removes the note of a ban that has one to itself. Notes of many bans go when they end.
fn forget_only(connection: &Connection, key: BanKey) -> rusqlite::Result<()> {
    let sql =
        "DELETE FROM notes WHERE only_prefix IS NOT NULL AND id = (SELECT note FROM bans WHERE prefix = ?1)";
    connection.prepare_cached(sql)?.execute([key]).map(|_| ())
}
