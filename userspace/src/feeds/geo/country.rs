//! Databases of countries and cities.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::time::SystemTime;

use maxminddb::{LookupResult, MaxMindDbError};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::error::GeoError;
use super::file::{self, Reading, Tables};
use super::{CsvProblem, GeoRange};
use crate::country::CountryCode;

/// A geo database, compact and in memory: for each family, sorted ranges that do not overlap.
///
/// 6to4 and Teredo addresses (`2002::/16`, `2001::/32`) count as unknown where the database only repeats IPv4 there.
#[derive(Clone, Debug, PartialEq)]
pub struct GeoDatabase {
    tables: Tables<CountryCode>,
    countries: BTreeMap<CountryCode, (usize, usize)>,
}

impl GeoDatabase {
    /// Reads a database: MMDB, or CSV lines of `start,end,country`, told apart by what the file holds.
    ///
    /// # Errors
    ///
    /// [`GeoError`] names the file and, in a CSV file, the line.
    pub fn open(path: &Path) -> Result<Self, GeoError> {
        Self::parse(file::open(path)?, path)
    }

    /// Reads the bytes of a database; `path` is for names and messages.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn parse(bytes: Vec<u8>, path: &Path) -> Result<Self, GeoError> {
        let tables = file::read(bytes, path, &mut Countries)?;
        let mut countries = BTreeMap::<CountryCode, (usize, usize)>::new();
        tables.ipv4.iter().for_each(|said| countries.entry(said.value).or_default().0 += 1);
        tables.ipv6.iter().for_each(|said| countries.entry(said.value).or_default().1 += 1);
        Ok(Self { tables, countries })
    }

    /// The country of an address. An IPv4-mapped address has the country of its IPv4 address.
    #[must_use]
    pub fn lookup(&self, address: IpAddr) -> Option<CountryCode> {
        match address.to_canonical() {
            IpAddr::V4(ip) => self.tables.ipv4.lookup(ip.to_bits()),
            IpAddr::V6(ip) => self.tables.ipv6.lookup(ip.to_bits()),
        }
    }

    /// What the database calls itself; the name of the file where it does not.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.tables.name
    }

    /// When the database was built, where it says so.
    #[must_use]
    pub const fn built(&self) -> Option<SystemTime> {
        self.tables.built
    }

    /// How many ranges it has.
    #[must_use]
    pub const fn ranges(&self) -> usize {
        self.tables.ranges()
    }

    /// The IPv4 ranges in order.
    pub fn ranges4(&self) -> impl Iterator<Item = GeoRange<u32>> {
        self.tables.ipv4.iter().map(|said| GeoRange { range: said.range, country: said.value })
    }

    /// The IPv6 ranges in order.
    pub fn ranges6(&self) -> impl Iterator<Item = GeoRange<u128>> {
        self.tables.ipv6.iter().map(|said| GeoRange { range: said.range, country: said.value })
    }

    /// Each country, with the number of its IPv4 and IPv6 ranges.
    #[must_use]
    pub const fn countries(&self) -> &BTreeMap<CountryCode, (usize, usize)> {
        &self.countries
    }
}

struct Countries;

impl Reading for Countries {
    type Value = CountryCode;
    const KIND: &'static str = "countries";
    const COLUMNS: &'static str = "start,end,country";

    /// No country for the marks that databases use for an unknown one, and for codes such as `A1` that name no country.
    fn of_fields(&mut self, third: &[u8], _: &[u8]) -> Result<Option<CountryCode>, CsvProblem> {
        match third {
            b"" | b"-" | b"??" | b"ZZ" | b"None" => Ok(None),
            [a, b] if a.is_ascii_alphanumeric() && b.is_ascii_digit() => Ok(None),
            _ => {
                let text = str::from_utf8(third).map_err(|_| CsvProblem::Country)?;
                text.parse().map(Some).map_err(|_| CsvProblem::Country)
            }
        }
    }

    fn of_record(
        &mut self,
        record: &LookupResult<'_, Vec<u8>>,
    ) -> Result<Option<CountryCode>, MaxMindDbError> {
        Ok(record.decode::<Record<'_>>()?.and_then(Record::country))
    }
}

/// The country in a record: `country.iso_code` as in `GeoLite2`, `country_code` as in flat databases, or `country`.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow, default)]
    country: Option<Country<'a>>,
    #[serde(borrow, default)]
    country_code: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Country<'a> {
    Nested {
        #[serde(borrow, default)]
        iso_code: Option<&'a str>,
    },
    Flat(&'a str),
    Other(IgnoredAny),
}

impl Record<'_> {
    fn country(self) -> Option<CountryCode> {
        let (nested, flat) = match self.country {
            Some(Country::Nested { iso_code }) => (iso_code, None),
            Some(Country::Flat(text)) => (None, Some(text)),
            Some(Country::Other(_)) | None => (None, None),
        };
        nested.or(self.country_code).or(flat)?.parse().ok()
    }
}
