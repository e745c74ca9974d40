//! Which country an address belongs to and which autonomous system announces it, from database files.

mod asn;
mod country;
mod csv;
mod error;
mod file;
mod mmdb;
mod table;

pub use asn::AsnDatabase;
pub use country::GeoDatabase;
pub use csv::CsvProblem;
pub use error::GeoError;

use super::range::Range;
use crate::country::CountryCode;

/// Addresses of one country.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GeoRange<A> {
    /// The addresses.
    pub range: Range<A>,
    /// Their country.
    pub country: CountryCode,
}

#[cfg(test)]
mod tests;
