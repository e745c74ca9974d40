//! A policy whole: the file's text and what operators said since.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use super::settings::{self, Setting};
use super::{AllowRecord, ListRecord, Store, StoreError, allow, bad_column, lists};
use crate::config::{Mode, Name};

/// The text of a policy, and where it came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyText {
    /// The file, absolute: relative paths in the text begin at its folder. Absent: the policy built into the program.
    pub file: Option<PathBuf>,
    /// What was in it.
    pub text: String,
}

/// What operators changed of the policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorState {
    /// Entries of the allowlist, oldest first.
    pub allow: Vec<AllowRecord>,
    /// Lists, oldest first.
    pub lists: Vec<ListRecord>,
    /// The country rule in place of the file's, as JSON.
    pub country: Option<String>,
    /// The geo database in place of the file's.
    pub geo_database: Option<PathBuf>,
    /// Modes in place of those of the file, by the name of the rule.
    pub modes: BTreeMap<Name, Mode>,
}

/// Everything that a policy consists of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The file.
    pub policy: PolicyText,
    /// What operators said.
    pub state: OperatorState,
}

impl Store {
    /// What operators changed of the policy that is in force.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn operator_state(&self) -> Result<OperatorState, StoreError> {
        let connection = self.connection();
        let read = || {
            Ok(OperatorState {
                allow: allow::all(&connection)?,
                lists: lists::all(&connection)?,
                country: settings::get(&connection, Setting::CountryRule)?,
                geo_database: settings::get(&connection, Setting::GeoDatabase)?.map(PathBuf::from),
                modes: modes(&connection)?,
            })
        };
        read().map_err(|source| self.failed(source))
    }
}

pub(super) fn replace_state(connection: &Connection, state: &OperatorState) -> rusqlite::Result<()> {
    allow::replace_all(connection, &state.allow)?;
    lists::replace_all(connection, &state.lists)?;
    settings::put(connection, Setting::CountryRule, state.country.as_deref())?;
    let database = state.geo_database.as_ref().map(|path| path.display().to_string());
    settings::put(connection, Setting::GeoDatabase, database.as_deref())?;
    connection.execute("DELETE FROM modes", [])?;
    let mut statement = connection.prepare_cached("INSERT INTO modes (name, mode) VALUES (?1, ?2)")?;
    for (name, mode) in &state.modes {
        statement.execute(params![name.as_str(), mode.as_str()])?;
    }
    Ok(())
}

fn modes(connection: &Connection) -> rusqlite::Result<BTreeMap<Name, Mode>> {
    let mut statement = connection.prepare_cached("SELECT name, mode FROM modes")?;
    let rows = statement.query_map([], |row| {
        let (name, mode): (String, String) = (row.get(0)?, row.get(1)?);
        Ok((name.parse().map_err(|error| bad_column(0, error))?, lists::mode_of(&mode)))
    })?;
    rows.collect()
}
