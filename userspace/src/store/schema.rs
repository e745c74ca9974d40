use std::path::Path;

use ipnet::IpNet;
use rusqlite::{Connection, Transaction, params};

use super::bans::BanKey;
use super::{StoreError, bad_column};

/// Brings one schema to the next.
enum Step {
    Sql(&'static str),
    /// Where SQL alone can't do it.
    Code(fn(&Transaction<'_>) -> rusqlite::Result<()>),
}

/// Step n brings schema n to schema n + 1. A released step is never edited: databases in the field have run it.
const STEPS: &[Step] = &[
    Step::Sql(
        "CREATE TABLE bans (
            prefix          TEXT    PRIMARY KEY,
            expires_unix_ms INTEGER,
            reason          TEXT    NOT NULL,
            source          TEXT    NOT NULL,
            created_unix_ms INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX bans_by_expiry ON bans (expires_unix_ms) WHERE expires_unix_ms IS NOT NULL;
        CREATE TABLE allow (
            prefix          TEXT    PRIMARY KEY,
            note            TEXT    NOT NULL,
            created_unix_ms INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE lists (
            name            TEXT    PRIMARY KEY,
            mode            TEXT    NOT NULL,
            skip_bad        INTEGER NOT NULL,
            entries         INTEGER NOT NULL,
            added_unix_ms   INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE settings (
            key             TEXT    PRIMARY KEY,
            value           TEXT    NOT NULL
        ) WITHOUT ROWID;",
    ),
    Step::Code(notes_of_bans),
    // Texts of lists are kept under what is in them; earlier ones stay where they are.
    Step::Sql(
        "ALTER TABLE lists ADD COLUMN file TEXT NOT NULL DEFAULT '';
        UPDATE lists SET file = name || '.list';
        CREATE TABLE modes (
            name            TEXT    PRIMARY KEY,
            mode            TEXT    NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE history (
            number          INTEGER PRIMARY KEY AUTOINCREMENT,
            time_unix_ms    INTEGER NOT NULL,
            generation      INTEGER NOT NULL,
            who             TEXT    NOT NULL,
            command         TEXT    NOT NULL,
            summary         TEXT    NOT NULL,
            same_as         INTEGER,
            confirmed       INTEGER NOT NULL,
            snapshot        TEXT    NOT NULL
        );
        CREATE TABLE history_files (
            number          INTEGER NOT NULL,
            file            TEXT    NOT NULL,
            PRIMARY KEY (number, file)
        ) WITHOUT ROWID;",
    ),
    // Who was banned for going over a limit, so that the next ban is longer.
    Step::Sql(
        "CREATE TABLE offenders (
            prefix          BLOB    PRIMARY KEY,
            bans            INTEGER NOT NULL,
            forget_unix_ms  INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX offenders_by_time ON offenders (forget_unix_ms);",
    ),
    // The last good copies of lists that are fetched.
    Step::Sql(
        "CREATE TABLE feeds (
            name            TEXT    PRIMARY KEY,
            url             TEXT    NOT NULL,
            file            TEXT    NOT NULL,
            etag            TEXT,
            last_modified   TEXT,
            fetched_unix_ms INTEGER NOT NULL,
            checked_unix_ms INTEGER NOT NULL
        ) WITHOUT ROWID;",
    ),
    // Several sources may ban one prefix, each for itself. A small number stands for the source in each row.
    Step::Sql(
        "ALTER TABLE notes ADD COLUMN note TEXT NOT NULL DEFAULT '';
        CREATE TABLE sources (
            id              INTEGER PRIMARY KEY,
            name            TEXT    NOT NULL UNIQUE
        );
        INSERT INTO sources (name) SELECT DISTINCT source FROM notes;
        ALTER TABLE bans RENAME TO earlier_bans;
        CREATE TABLE bans (
            prefix          BLOB    NOT NULL,
            source          INTEGER NOT NULL,
            note            INTEGER NOT NULL,
            PRIMARY KEY (prefix, source)
        ) WITHOUT ROWID;
        INSERT INTO bans SELECT earlier_bans.prefix, sources.id, notes.id FROM earlier_bans
            JOIN notes ON notes.id = earlier_bans.note JOIN sources ON sources.name = notes.source
            ORDER BY earlier_bans.prefix;
        DROP TABLE earlier_bans;",
    ),
];

/// Runs the steps that the database has not run yet, each in a transaction together with the new version number.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::at(path, source);
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
    let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    for (version, step) in (1_i64..).zip(STEPS).filter(|(version, _)| *version > found) {
        let transaction = connection.transaction().map_err(failed)?;
        match step {
            Step::Sql(sql) => transaction.execute_batch(sql),
            Step::Code(code) => code(&transaction),
        }
        .map_err(failed)?;
        transaction.pragma_update(None, "user_version", version).map_err(failed)?;
        transaction.commit().map_err(failed)?;
    }
    Ok(())
}

/// Bans become small rows with binary keys; what is the same for many is kept once.
///
/// No index on the note: it would double the work of a large request. `only_prefix` names the ban of a note that has
/// but one, which is what most notes of a busy machine have. All others that end in a second are found with one walk.
fn notes_of_bans(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "ALTER TABLE bans RENAME TO earlier_bans;
        CREATE TABLE notes (
            id              INTEGER PRIMARY KEY,
            expires_unix_ms INTEGER,
            reason          TEXT    NOT NULL,
            source          TEXT    NOT NULL,
            created_unix_ms INTEGER NOT NULL,
            only_prefix     BLOB
        );
        CREATE INDEX notes_by_expiry ON notes (expires_unix_ms) WHERE expires_unix_ms IS NOT NULL;
        CREATE TABLE bans (
            prefix          BLOB    PRIMARY KEY,
            note            INTEGER NOT NULL
        ) WITHOUT ROWID;",
    )?;
    {
        let sql = "SELECT prefix, expires_unix_ms, reason, source, created_unix_ms FROM earlier_bans";
        let mut statement = transaction.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let prefix: String = row.get(0)?;
            let prefix: IpNet = prefix.parse().map_err(|error| bad_column(0, error))?;
            let key = BanKey::from(prefix);
            let note = "INSERT INTO notes (expires_unix_ms, reason, source, created_unix_ms, only_prefix)
                        VALUES (?1, ?2, ?3, ?4, ?5)";
            let (expires, created): (Option<i64>, i64) = (row.get(1)?, row.get(4)?);
            let (reason, source): (String, String) = (row.get(2)?, row.get(3)?);
            transaction.prepare_cached(note)?.execute(params![expires, reason, source, created, key])?;
            let ban = "INSERT OR REPLACE INTO bans (prefix, note) VALUES (?1, ?2)";
            transaction.prepare_cached(ban)?.execute(params![key, transaction.last_insert_rowid()])?;
        }
    }
    transaction.execute_batch("DROP TABLE earlier_bans")
}
