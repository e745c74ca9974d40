use ipnet::IpNet;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::{Store, StoreError, bad_column, timestamp};

/// One ban as an operator or a program asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BanRecord {
    /// Who is banned.
    pub prefix: IpNet,
    /// Until when, by the wall clock; `None` is for good.
    pub expires: Option<Timestamp>,
    /// Why, in the words of whoever asked.
    pub reason: String,
    /// Who asked.
    pub source: String,
    /// When it was first or last asked for.
    pub created: Timestamp,
}

const COLUMNS: &str = "prefix, expires_unix_ms, reason, source, created_unix_ms";

impl Store {
    /// Writes all of `bans`, or none. A prefix that is banned already takes the new end and reason.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn put_bans(&self, bans: &[BanRecord]) -> Result<(), StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction().map_err(|source| self.failed(source))?;
        {
            let sql = format!("INSERT OR REPLACE INTO bans ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5)");
            let mut insert = transaction.prepare_cached(&sql).map_err(|source| self.failed(source))?;
            for ban in bans {
                let expires = ban.expires.map(Timestamp::as_millisecond);
                let created = ban.created.as_millisecond();
                let row = params![ban.prefix.to_string(), expires, ban.reason, ban.source, created];
                insert.execute(row).map_err(|source| self.failed(source))?;
            }
        }
        transaction.commit().map_err(|source| self.failed(source))
    }

    /// Removes the bans of exactly these prefixes, and says which were there.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn delete_bans(&self, prefixes: &[IpNet]) -> Result<Vec<IpNet>, StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction().map_err(|source| self.failed(source))?;
        let mut removed = Vec::new();
        for prefix in prefixes {
            let sql = "DELETE FROM bans WHERE prefix = ?1";
            if transaction.execute(sql, [prefix.to_string()]).map_err(|source| self.failed(source))? > 0 {
                removed.push(*prefix);
            }
        }
        transaction.commit().map_err(|source| self.failed(source))?;
        Ok(removed)
    }

    /// The ban of exactly this prefix.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn ban(&self, prefix: IpNet) -> Result<Option<BanRecord>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM bans WHERE prefix = ?1");
        let found = self.connection().query_row(&sql, [prefix.to_string()], read).optional();
        found.map_err(|source| self.failed(source))
    }

    /// Every ban, also expired ones that were not swept yet.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn bans(&self) -> Result<Vec<BanRecord>, StoreError> {
        self.select(&format!("SELECT {COLUMNS} FROM bans"), i64::MAX)
    }

    /// How many bans there are.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn count_bans(&self) -> Result<u64, StoreError> {
        let count = self.connection().query_row("SELECT count(*) FROM bans", [], |row| row.get::<_, i64>(0));
        count.map(i64::unsigned_abs).map_err(|source| self.failed(source))
    }

    /// The bans that no longer hold at `now`.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn expired_bans(&self, now: Timestamp) -> Result<Vec<BanRecord>, StoreError> {
        self.select(&format!("SELECT {COLUMNS} FROM bans WHERE expires_unix_ms <= ?1"), now.as_millisecond())
    }

    fn select(&self, sql: &str, limit: i64) -> Result<Vec<BanRecord>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(sql).map_err(|source| self.failed(source))?;
        let parameters = if statement.parameter_count() == 0 { &[][..] } else { &[limit][..] };
        let rows = statement.query_map(rusqlite::params_from_iter(parameters), read);
        let rows = rows.and_then(Iterator::collect);
        rows.map_err(|source| self.failed(source))
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<BanRecord> {
    let prefix: String = row.get(0)?;
    Ok(BanRecord {
        prefix: prefix.parse().map_err(|error| bad_column(0, error))?,
        expires: row.get::<_, Option<i64>>(1)?.map(timestamp),
        reason: row.get(2)?,
        source: row.get(3)?,
        created: timestamp(row.get(4)?),
    })
}
