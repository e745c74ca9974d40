use rusqlite::{OptionalExtension, params};

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
}

impl Setting {
    const fn key(self) -> &'static str {
        match self {
            Self::CountryRule => "country-rule",
            Self::GeoDatabase => "geo-database",
            Self::LimitNumbers => "limit-numbers",
            Self::ListBits => "list-bits",
        }
    }
}

impl Store {
    /// The value, where one was set.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn setting(&self, setting: Setting) -> Result<Option<String>, StoreError> {
        let sql = "SELECT value FROM settings WHERE key = ?1";
        let value = self.connection().query_row(sql, [setting.key()], |row| row.get(0)).optional();
        value.map_err(|source| self.failed(source))
    }

    /// Sets the value, or with `None` goes back to the policy file's.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn set_setting(&self, setting: Setting, value: Option<&str>) -> Result<(), StoreError> {
        let connection = self.connection();
        let changed = match value {
            Some(value) => connection.execute(
                "INSERT OR REPLACE INTO settings (key, value) VALUES (?1, ?2)",
                params![setting.key(), value],
            ),
            None => connection.execute("DELETE FROM settings WHERE key = ?1", [setting.key()]),
        };
        changed.map(|_| ()).map_err(|source| self.failed(source))
    }
}
