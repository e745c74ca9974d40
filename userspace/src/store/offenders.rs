use ipnet::IpNet;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::bans::BanKey;
use super::{Store, StoreError};

/// A source that is banned for going over a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offender {
    /// Which.
    pub prefix: IpNet,
    /// How often it was banned so far, this time included.
    pub bans: u32,
    /// When all that is forgotten.
    pub forget: Timestamp,
}

impl Store {
    /// How often each of these was banned for going over a limit, as far as it is not forgotten at `now`.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn bans_so_far(&self, prefixes: &[IpNet], now: Timestamp) -> Result<Vec<u32>, StoreError> {
        let connection = self.connection();
        let sql = "SELECT bans FROM offenders WHERE prefix = ?1 AND forget_unix_ms > ?2";
        let read = || {
            let mut statement = connection.prepare_cached(sql)?;
            let mut bans = |prefix: &IpNet| {
                let found = statement
                    .query_row(params![BanKey::from(*prefix), now.as_millisecond()], |row| row.get(0));
                Ok(found.optional()?.unwrap_or(0))
            };
            prefixes.iter().map(&mut bans).collect::<rusqlite::Result<Vec<u32>>>()
        };
        read().map_err(|source| self.failed(source))
    }

    /// Remembers these, and forgets whom it is time to forget.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn remember_offenders(&self, offenders: &[Offender], now: Timestamp) -> Result<(), StoreError> {
        let mut connection = self.connection();
        let mut write = || {
            let transaction = connection.transaction()?;
            transaction
                .execute("DELETE FROM offenders WHERE forget_unix_ms <= ?1", [now.as_millisecond()])?;
            {
                let sql =
                    "INSERT OR REPLACE INTO offenders (prefix, bans, forget_unix_ms) VALUES (?1, ?2, ?3)";
                let mut statement = transaction.prepare_cached(sql)?;
                for Offender { prefix, bans, forget } in offenders {
                    statement.execute(params![BanKey::from(*prefix), bans, forget.as_millisecond()])?;
                }
            }
            transaction.commit()
        };
        write().map_err(|source| self.failed(source))
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    #[test]
    fn offenders_are_remembered_for_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let now = Timestamp::from_second(1_000).unwrap();
        let prefixes: Vec<IpNet> =
            ["192.0.2.1/32", "2001:db8::/64"].iter().map(|net| net.parse().unwrap()).collect();
        assert_eq!(store.bans_so_far(&prefixes, now).unwrap(), [0, 0]);
        let forget = now + 10.seconds();
        store.remember_offenders(&[Offender { prefix: prefixes[1], bans: 3, forget }], now).unwrap();
        assert_eq!(store.bans_so_far(&prefixes, now).unwrap(), [0, 3]);
        assert_eq!(store.bans_so_far(&prefixes, forget).unwrap(), [0, 0], "forgotten");
        store
            .remember_offenders(
                &[Offender { prefix: prefixes[0], bans: 1, forget: forget + 1.hours() }],
                forget,
            )
            .unwrap();
        assert_eq!(store.bans_so_far(&prefixes, now).unwrap(), [1, 0], "cleared away");
    }
}
