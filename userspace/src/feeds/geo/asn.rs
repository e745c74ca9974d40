//! Databases of autonomous systems: which network announces an address.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::time::SystemTime;

use maxminddb::{LookupResult, MaxMindDbError};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::CsvProblem;
use super::error::GeoError;
use super::file::{self, Reading, Tables};
use crate::feeds::disjoint::DisjointRanges;
use crate::feeds::range::AddressRanges;

/// A database of autonomous systems, compact and in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct AsnDatabase {
    tables: Tables<Asn>,
    /// Each system, and its name where the database has one.
    systems: BTreeMap<u32, Option<String>>,
}

impl AsnDatabase {
    /// Reads a database: MMDB, or CSV lines of `start,end,number` with or without a name behind them.
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
        let mut systems = Systems::default();
        let tables = file::read(bytes, path, &mut systems)?;
        Ok(Self { tables, systems: systems.0 })
    }

    /// The system that announces an address. An IPv4-mapped address has that of its IPv4 address.
    #[must_use]
    pub fn lookup(&self, address: IpAddr) -> Option<u32> {
        let found = match address.to_canonical() {
            IpAddr::V4(ip) => self.tables.ipv4.lookup(ip.to_bits()),
            IpAddr::V6(ip) => self.tables.ipv6.lookup(ip.to_bits()),
        };
        found.map(|Asn(number)| number)
    }

    /// What the database calls a system.
    #[must_use]
    pub fn name_of(&self, system: u32) -> Option<&str> {
        self.systems.get(&system)?.as_deref()
    }

    /// Whether it has a range of a system.
    #[must_use]
    pub fn knows(&self, system: u32) -> bool {
        self.systems.contains_key(&system)
    }

    /// How many systems it knows.
    #[must_use]
    pub fn systems(&self) -> usize {
        self.systems.len()
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

    /// All that these systems announce.
    #[must_use]
    pub fn ranges_of(&self, systems: &BTreeSet<u32>) -> DisjointRanges {
        let of = |asn: Asn| systems.contains(&asn.0);
        let ranges = AddressRanges {
            ipv4: self.tables.ipv4.iter().filter(|said| of(said.value)).map(|said| said.range).collect(),
            ipv6: self.tables.ipv6.iter().filter(|said| of(said.value)).map(|said| said.range).collect(),
        };
        ranges.into()
    }
}

/// The number of a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Asn(u32);

impl fmt::Display for Asn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "AS{}", self.0)
    }
}

/// Each system that was seen, and its name.
#[derive(Default)]
struct Systems(BTreeMap<u32, Option<String>>);

impl Systems {
    /// Number 0 stands for no system (RFC 7607).
    fn seen(&mut self, number: u32, name: &str) -> Option<Asn> {
        if number == 0 {
            return None;
        }
        let known = self.0.entry(number).or_default();
        if known.is_none() && !name.is_empty() {
            *known = Some(name.to_owned());
        }
        Some(Asn(number))
    }
}

impl Reading for Systems {
    type Value = Asn;
    const KIND: &'static str = "autonomous systems";
    const COLUMNS: &'static str = "start,end,number";

    fn of_fields(&mut self, third: &[u8], rest: &[u8]) -> Result<Option<Asn>, CsvProblem> {
        if matches!(third, b"" | b"-" | b"None") {
            return Ok(None);
        }
        let number = str::from_utf8(third).ok().and_then(number).ok_or(CsvProblem::System)?;
        let name = String::from_utf8_lossy(rest).replace("\"\"", "\"");
        Ok(self.seen(number, &name))
    }

    fn of_record(&mut self, record: &LookupResult<'_, Vec<u8>>) -> Result<Option<Asn>, MaxMindDbError> {
        let Some(record) = record.decode::<Record<'_>>()? else { return Ok(None) };
        let written = record.autonomous_system_number.or(record.asn);
        let Some(number) = written.and_then(Written::number) else { return Ok(None) };
        let names = [record.autonomous_system_organization, record.as_name, record.name];
        Ok(self.seen(number, names.into_iter().flatten().next().unwrap_or_default()))
    }
}

/// The system in a record: as in `GeoLite2` and `ip-location-db`, or as in flat databases (`asn` is `AS64500` or 64500).
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow, default)]
    autonomous_system_number: Option<Written<'a>>,
    #[serde(borrow, default)]
    autonomous_system_organization: Option<&'a str>,
    #[serde(borrow, default)]
    asn: Option<Written<'a>>,
    #[serde(borrow, default)]
    as_name: Option<&'a str>,
    #[serde(borrow, default)]
    name: Option<&'a str>,
}

/// Databases differ in the type, so whatever it is.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written<'a> {
    Number(u32),
    #[serde(borrow)]
    Text(&'a str),
    Other(IgnoredAny),
}

impl Written<'_> {
    fn number(self) -> Option<u32> {
        match self {
            Self::Number(number) => Some(number),
            Self::Text(text) => number(text),
            Self::Other(_) => None,
        }
    }
}

/// A number, or one behind `AS`.
fn number(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("AS").or_else(|| text.strip_prefix("as")).unwrap_or(text);
    Some(digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
}
