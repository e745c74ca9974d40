use std::path::Path;

use rusqlite::{Connection, Transaction};

use super::bans::{BanNote, put};
use super::{StoreError, bad_column, timestamp};

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
            let prefix = prefix.parse().map_err(|error| bad_column(0, error))?;
            let note = BanNote {
                expires: row.get::<_, Option<i64>>(1)?.map(timestamp),
                reason: row.get(2)?,
                source: row.get(3)?,
                created: timestamp(row.get(4)?),
            };
            put(transaction, &note, &[prefix])?;
        }
    }
    transaction.execute_batch("DROP TABLE earlier_bans")
}
