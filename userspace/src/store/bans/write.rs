use ipnet::IpNet;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

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
        BanChange::Delete(None, prefixes) => those(prefixes, |key| delete(transaction, key)),
        BanChange::Delete(Some(source), prefixes) => {
            let Some(source) = find_source(transaction, source)? else { return Ok(Vec::new()) };
            those(prefixes, |key| delete_of(transaction, source, key))
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
fn put(connection: &Connection, note: &BanNote, prefixes: &[IpNet]) -> rusqlite::Result<()> {
    let mut keys: Vec<BanKey> = prefixes.iter().map(|prefix| (*prefix).into()).collect();
    let source = source_of(connection, &note.source)?;
    if let [key] = keys.as_slice() {
        // Nobody will ask for the note of the ban before.
        forget_only(connection, source, *key)?;
        let note = insert_note(connection, note, Some(*key))?;
        return insert(connection, note, source, &keys);
    }
    // In the order of the table: then neighbours meet a page that is at hand.
    keys.sort_unstable();
    let note = insert_note(connection, note, None)?;
    insert(connection, note, source, &keys)
}

/// Those of which `delete` says that they were there.
fn those(
    prefixes: &[IpNet],
    mut delete: impl FnMut(BanKey) -> rusqlite::Result<bool>,
) -> rusqlite::Result<Vec<IpNet>> {
    let mut removed = Vec::new();
    for prefix in prefixes {
        if delete((*prefix).into())? {
            removed.push(*prefix);
        }
    }
    Ok(removed)
}

fn find_source(connection: &Connection, name: &str) -> rusqlite::Result<Option<i64>> {
    let mut statement = connection.prepare_cached("SELECT id FROM sources WHERE name = ?1")?;
    statement.query_row([name], |row| row.get(0)).optional()
}

fn source_of(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    if let Some(source) = find_source(connection, name)? {
        return Ok(source);
    }
    connection.prepare_cached("INSERT INTO sources (name) VALUES (?1)")?.execute([name])?;
    Ok(connection.last_insert_rowid())
}

fn insert_note(connection: &Connection, note: &BanNote, only: Option<BanKey>) -> rusqlite::Result<i64> {
    let sql = "INSERT INTO notes (expires_unix_ms, reason, source, created_unix_ms, only_prefix, note)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let expires = note.expires.map(Timestamp::as_millisecond);
    let row = params![expires, note.reason, note.source, note.created.as_millisecond(), only, note.note];
    connection.prepare_cached(sql)?.execute(row)?;
    Ok(connection.last_insert_rowid())
}

fn insert(connection: &Connection, note: i64, source: i64, keys: &[BanKey]) -> rusqlite::Result<()> {
    for keys in keys.chunks(ROWS) {
        let mut statement = connection.prepare_cached(&insertion(keys.len()))?;
        statement.raw_bind_parameter(1, note)?;
        statement.raw_bind_parameter(2, source)?;
        for (parameter, key) in (3..).zip(keys) {
            statement.raw_bind_parameter(parameter, key)?;
        }
        statement.raw_execute()?;
    }
    Ok(())
}

fn insertion(rows: usize) -> String {
    let values: Vec<_> = (3..rows + 3).map(|parameter| format!("(?{parameter}, ?2, ?1)")).collect();
    format!(
        "INSERT INTO bans (prefix, source, note) VALUES {}
         ON CONFLICT (prefix, source) DO UPDATE SET note = excluded.note",
        values.join(", ")
    )
}

/// False: there was none.
fn delete(connection: &Connection, key: BanKey) -> rusqlite::Result<bool> {
    let only =
        "DELETE FROM notes WHERE only_prefix IS NOT NULL AND id IN (SELECT note FROM bans WHERE prefix = ?1)";
    connection.prepare_cached(only)?.execute([key])?;
    Ok(connection.prepare_cached("DELETE FROM bans WHERE prefix = ?1")?.execute([key])? > 0)
}

/// Likewise, of one source.
fn delete_of(connection: &Connection, source: i64, key: BanKey) -> rusqlite::Result<bool> {
    forget_only(connection, source, key)?;
    let sql = "DELETE FROM bans WHERE prefix = ?1 AND source = ?2";
    Ok(connection.prepare_cached(sql)?.execute(params![key, source])? > 0)
}

/// Removes the note of a ban that has one to itself. Notes of many bans go when they end.
fn forget_only(connection: &Connection, source: i64, key: BanKey) -> rusqlite::Result<()> {
    let sql = "DELETE FROM notes WHERE only_prefix IS NOT NULL
               AND id = (SELECT note FROM bans WHERE prefix = ?1 AND source = ?2)";
    connection.prepare_cached(sql)?.execute(params![key, source]).map(|_| ())
}
