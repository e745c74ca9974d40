//! Which country an address belongs to, from a database file.

mod csv;
mod mmdb;
mod table;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub use csv::CsvProblem;
pub use table::GeoRange;

use self::table::GeoTable;
use super::list::foreign_format;
use super::range::Address;
use crate::country::CountryCode;

/// A geo database, compact and in memory: for each family, sorted ranges that do not overlap.
///
/// 6to4 and Teredo addresses (`2002::/16`, `2001::/32`) count as unknown where the database only repeats IPv4 there.
#[derive(Clone, Debug)]
pub struct GeoDatabase {
    name: String,
    built: Option<SystemTime>,
    ipv4: GeoTable<u32>,
    ipv6: GeoTable<u128>,
    countries: BTreeMap<CountryCode, (usize, usize)>,
}

/// Why a geo database was refused.
#[derive(Debug, thiserror::Error)]
pub enum GeoError {
    /// The file can't be read at all.
    #[error("{}: can't be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A directory, a device or a pipe.
    #[error("{}: not a regular file; name the database file itself", path.display())]
    NotAFile {
        /// What was named.
        path: PathBuf,
    },
    /// Compressed, or no database at all.
    #[error("{}: {what}; a geo database is an MMDB file, or a CSV file of start,end,country", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        what: &'static str,
    },
    /// An MMDB file that contradicts itself.
    #[error("{}: the MMDB file is damaged, or not one of countries: {source}; get it again", path.display())]
    Mmdb {
        /// The file.
        path: PathBuf,
        /// What the reader says.
        source: maxminddb::MaxMindDbError,
    },
    /// A line of a CSV file that can't be read.
    #[error("{}:{line}: \"{text}\": {problem}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The number of the line, from 1.
        line: u32,
        /// The start of the line.
        text: String,
        /// What is wrong with it.
        problem: CsvProblem,
    },
    /// Two countries for one address.
    #[error(
        "{}: {first} and {second} overlap, so their addresses have two countries; correct one of them",
        path.display()
    )]
    Overlap {
        /// The file.
        path: PathBuf,
        /// A range and its country.
        first: String,
        /// Another.
        second: String,
    },
    /// It holds something else than countries.
    #[error("{}: {name} names no country; give a database of countries or cities", path.display())]
    NoCountries {
        /// The file.
        path: PathBuf,
        /// The name that the database gives itself.
        name: String,
    },
}

impl GeoDatabase {
    /// Reads a database: MMDB, or CSV lines of `start,end,country`, told apart by what the file holds.
    ///
    /// # Errors
    ///
    /// [`GeoError`] names the file and, in a CSV file, the line.
    pub fn open(path: &Path) -> Result<Self, GeoError> {
        let unreadable = |source| GeoError::Read { path: path.to_owned(), source };
        if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
            return Err(GeoError::NotAFile { path: path.to_owned() });
        }
        Self::parse(std::fs::read(path).map_err(unreadable)?, path)
    }

    /// Reads the bytes of a database; `path` is for names and messages.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn parse(bytes: Vec<u8>, path: &Path) -> Result<Self, GeoError> {
        let database = if mmdb::is_mmdb(&bytes) {
            mmdb::parse(bytes, path)?
        } else if let Some(what) = foreign_format(&bytes) {
            return Err(GeoError::Format { path: path.to_owned(), what });
        } else if bytes.contains(&0) {
            // The metadata of an MMDB file is at its end, where a download that broke off has none.
            let what = "it is binary without the end of an MMDB file, so it may be cut short; get it again";
            return Err(GeoError::Format { path: path.to_owned(), what });
        } else {
            csv::parse(&bytes, path)?
        };
        if database.ipv4.is_empty() && database.ipv6.is_empty() {
            return Err(GeoError::NoCountries { path: path.to_owned(), name: database.name });
        }
        Ok(database)
    }

    /// The country of an address. An IPv4-mapped address has the country of its IPv4 address.
    #[must_use]
    pub fn lookup(&self, address: IpAddr) -> Option<CountryCode> {
        match address.to_canonical() {
            IpAddr::V4(ip) => self.ipv4.lookup(ip.to_bits()),
            IpAddr::V6(ip) => self.ipv6.lookup(ip.to_bits()),
        }
    }

    /// What the database calls itself; the name of the file where it does not.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When the database was built, where it says so.
    #[must_use]
    pub const fn built(&self) -> Option<SystemTime> {
        self.built
    }

    /// The IPv4 ranges in order.
    pub fn ranges4(&self) -> impl Iterator<Item = GeoRange<u32>> {
        self.ipv4.iter()
    }

    /// The IPv6 ranges in order.
    pub fn ranges6(&self) -> impl Iterator<Item = GeoRange<u128>> {
        self.ipv6.iter()
    }

    /// Each country, with the number of its IPv4 and IPv6 ranges.
    #[must_use]
    pub const fn countries(&self) -> &BTreeMap<CountryCode, (usize, usize)> {
        &self.countries
    }

    fn from_tables(
        name: String,
        built: Option<SystemTime>,
        ipv4: GeoTable<u32>,
        ipv6: GeoTable<u128>,
        path: &Path,
    ) -> Result<Self, GeoError> {
        let (ipv4, ipv6) = (finished(ipv4, path)?, finished(ipv6, path)?);
        let mut countries = BTreeMap::<CountryCode, (usize, usize)>::new();
        ipv4.iter().for_each(|range| countries.entry(range.country).or_default().0 += 1);
        ipv6.iter().for_each(|range| countries.entry(range.country).or_default().1 += 1);
        Ok(Self { name, built, ipv4, ipv6, countries })
    }
}

fn finished<A: Address>(table: GeoTable<A>, path: &Path) -> Result<GeoTable<A>, GeoError> {
    table.finish().map_err(|(first, second)| GeoError::Overlap {
        path: path.to_owned(),
        first: first.to_string(),
        second: second.to_string(),
    })
}

#[cfg(test)]
mod tests;
