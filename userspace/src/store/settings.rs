use rusqlite::{Connection, OptionalExtension, params};

use super::{Store, StoreError};

/// What an operator changed that is neither a ban nor an entry of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// The country rule that replaces the policy file's, as JSON.
    CountryRule,
    /// The path of the geo database that replaces the policy file's.
    GeoDatabase,
    /// The numbers of limits in the last installed image, as JSON: tells whose counters and buckets a number is.
    LimitNumbers,
    /// The names of the lists by bit in the last installed image, as JSON: tells whose counter a bit is.
    ListBits,
    /// The number of the entry of the history that is in force.
    InForce,
    /// The policy file as it was last read, as JSON.
    PolicySeen,
    /// What waits for a confirmation, as JSON.
    Pending,
}

impl Setting {
    const fn key(self) -> &'static str {
        match self {
            Self::CountryRule => "country-rule",
            Self::GeoDatabase => "geo-database",
            Self::LimitNumbers => "limit-numbers",
            Self::ListBits => "list-bits",
            Self::InForce => "in-force",
            Self::PolicySeen => "policy-seen",
            Self::Pending => "pending",
        }
    }
}

impl Store {
    /// The value, where one was set.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn setting(&self, setting: Setting) -> Result<Option<String>, StoreError> {
        get(&self.connection(), setting).map_err(|source| self.failed(source))
    }

    /// Sets the value, or with `None` goes back to the policy file's.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn set_setting(&self, setting: Setting, value: Option<&str>) -> Result<(), StoreError> {
        put(&self.connection(), setting, value).map_err(|source| self.failed(source))
    }
}

pub(super) fn get(connection: &Connection, setting: Setting) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT value FROM settings WHERE key = ?1";
    connection.query_row(sql, [setting.key()], |row| row.get(0)).optional()
}

pub(super) fn put(connection: &Connection, setting: Setting, value: Option<&str>) -> rusqlite::Result<()> {
    let changed = match value {
        Some(value) => connection.execute(
            "INSERT OR REPLACE INTO settings (key, value) VALUES (?1, ?2)",
            params![setting.key(), value],
        ),
        None => connection.execute("DELETE FROM settings WHERE key = ?1", [setting.key()]),
    };
    changed.map(|_| ())
}
