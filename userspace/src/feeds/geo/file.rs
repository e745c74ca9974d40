//! The files of databases, whatever they say of addresses: MMDB or CSV, told apart by what the file holds.

use std::fmt;
use std::path::Path;
use std::time::SystemTime;

use maxminddb::{LookupResult, MaxMindDbError};

use super::error::GeoError;
use super::{CsvProblem, csv, mmdb};
use crate::feeds::geo::table::GeoTable;
use crate::feeds::list::foreign_format;
use crate::feeds::range::Address;

/// How a database is read that says one kind of thing.
pub(super) trait Reading {
    /// What it says of a range.
    type Value: Copy + Ord + fmt::Display;
    /// What its ranges have, such as `countries`.
    const KIND: &'static str;
    /// The columns of a CSV file.
    const COLUMNS: &'static str;

    /// What the fields of a line say that follow its addresses. Nothing: what is not known.
    fn of_fields(&mut self, third: &[u8], rest: &[u8]) -> Result<Option<Self::Value>, CsvProblem>;

    /// What a record of an MMDB file says.
    fn of_record(
        &mut self,
        record: &LookupResult<'_, Vec<u8>>,
    ) -> Result<Option<Self::Value>, MaxMindDbError>;
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tables<T> {
    /// What the database calls itself; the name of the file where it does not.
    pub(super) name: String,
    /// When it was built, where it says so.
    pub(super) built: Option<SystemTime>,
    pub(super) ipv4: GeoTable<u32, T>,
    pub(super) ipv6: GeoTable<u128, T>,
}

/// The bytes of a file.
pub(super) fn open(path: &Path) -> Result<Vec<u8>, GeoError> {
    let unreadable = |source| GeoError::Read { path: path.to_owned(), source };
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(GeoError::NotAFile { path: path.to_owned() });
    }
    std::fs::read(path).map_err(unreadable)
}

/// Reads the bytes of a file; `path` is for names and messages. At least one range has to say something.
pub(super) fn read<R: Reading>(
    bytes: Vec<u8>,
    path: &Path,
    reading: &mut R,
) -> Result<Tables<R::Value>, GeoError> {
    let format = |what| {
        let (kind, columns) = (R::KIND, R::COLUMNS);
        Err(GeoError::Format { path: path.to_owned(), what, kind, columns })
    };
    let tables = if mmdb::is_mmdb(&bytes) {
        mmdb::parse(bytes, path, reading)?
    } else if let Some(what) = foreign_format(&bytes) {
        return format(what);
    } else if bytes.contains(&0) {
        // The metadata of an MMDB file is at its end, where a download that broke off has none.
        return format("it is binary without the end of an MMDB file, so it may be cut short; get it again");
    } else {
        csv::parse(&bytes, path, reading)?
    };
    if tables.ranges() == 0 {
        return Err(GeoError::Nothing { path: path.to_owned(), name: tables.name, kind: R::KIND });
    }
    Ok(tables)
}

impl<T: Copy + Ord + fmt::Display> Tables<T> {
    pub(super) const fn new(name: String, built: Option<SystemTime>) -> Self {
        Self { name, built, ipv4: GeoTable::new(), ipv6: GeoTable::new() }
    }

    /// How many ranges there are.
    pub(super) const fn ranges(&self) -> usize {
        self.ipv4.len() + self.ipv6.len()
    }

    /// Puts the ranges in order.
    pub(super) fn finish(self, path: &Path) -> Result<Self, GeoError> {
        Ok(Self { ipv4: finished(self.ipv4, path)?, ipv6: finished(self.ipv6, path)?, ..self })
    }
}

fn finished<A: Address, T: Copy + Ord + fmt::Display>(
    table: GeoTable<A, T>,
    path: &Path,
) -> Result<GeoTable<A, T>, GeoError> {
    table.finish().map_err(|(first, second)| GeoError::Overlap {
        path: path.to_owned(),
        first: first.to_string(),
        second: second.to_string(),
    })
}
