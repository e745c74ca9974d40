use std::path::Path;

use rusqlite::Connection;

use super::StoreError;

/// Step n brings schema n to schema n + 1. A released step is never edited: databases in the field have run it.
const STEPS: &[&str] = &["
    CREATE TABLE bans (
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
    ) WITHOUT ROWID;
"];

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
        transaction.execute_batch(step).map_err(failed)?;
        transaction.pragma_update(None, "user_version", version).map_err(failed)?;
        transaction.commit().map_err(failed)?;
    }
    Ok(())
}
