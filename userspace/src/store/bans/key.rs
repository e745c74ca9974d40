use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};

/// A prefix as the database has it: the bytes of the address and one with the length, 5 or 17 in all. Neighbours in an
/// address family are neighbours in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BanKey(IpNet);

impl BanKey {
    /// The prefix.
    #[must_use]
    pub const fn prefix(self) -> IpNet {
        self.0
    }
}

impl From<IpNet> for BanKey {
    fn from(prefix: IpNet) -> Self {
        Self(prefix.trunc())
    }
}

impl ToSql for BanKey {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let mut bytes = Vec::with_capacity(17);
        match self.0 {
            IpNet::V4(prefix) => bytes.extend(prefix.addr().octets()),
            IpNet::V6(prefix) => bytes.extend(prefix.addr().octets()),
        }
        bytes.push(self.0.prefix_len());
        Ok(bytes.into())
    }
}

impl FromSql for BanKey {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let bytes = value.as_blob()?;
        let (length, address) = bytes.split_last().ok_or(FromSqlError::InvalidType)?;
        let prefix = if let Ok(octets) = <[u8; 4]>::try_from(address) {
            Ipv4Net::new(Ipv4Addr::from(octets), *length).map(IpNet::from)
        } else {
            let octets: [u8; 16] = address
                .try_into()
                .map_err(|_| FromSqlError::InvalidBlobSize { expected_size: 17, blob_size: bytes.len() })?;
            Ipv6Net::new(Ipv6Addr::from(octets), *length).map(IpNet::from)
        };
        prefix.map(Self).map_err(FromSqlError::other)
    }
}
