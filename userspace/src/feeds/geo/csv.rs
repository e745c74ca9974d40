//! Lines of `start,end` and what is there, as `ip-location-db`, `IP2Location` and Tor's geoip files have them.

use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;

use super::GeoError;
use super::file::{Reading, Tables};
use crate::feeds::list::{numbered_lines, shown};
use crate::feeds::range::{Address, Range};

/// What can be wrong with a line of a CSV database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CsvProblem {
    /// Less than three fields.
    #[error("a line is {columns}")]
    Fields {
        /// What a line is.
        columns: &'static str,
    },
    /// The first or second field.
    #[error("the first two fields must be addresses, or both whole numbers")]
    Address,
    /// An end before its start.
    #[error("the range ends before it starts")]
    Reversed,
    /// The third field.
    #[error("the third field must be a country of two letters; for an unknown one leave it empty")]
    Country,
    /// The third field.
    #[error("the third field must be the number of an autonomous system; for an unknown one leave it empty")]
    System,
}

pub(super) fn parse<R: Reading>(
    bytes: &[u8],
    path: &Path,
    reading: &mut R,
) -> Result<Tables<R::Value>, GeoError> {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let mut tables = Tables::new(name, None);
    let mut may_be_header = true;
    for (number, line) in numbered_lines(bytes) {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let is_header = std::mem::take(&mut may_be_header) && is_header(line);
        if is_header {
            continue;
        }
        match parse_row(line, reading) {
            Ok((Addresses::Ipv4(range), Some(value))) => tables.ipv4.push(range, value),
            Ok((Addresses::Ipv6(range), Some(value))) => tables.ipv6.push(range, value),
            Ok((_, None)) => {}
            Err(problem) => {
                return Err(GeoError::Line {
                    path: path.to_owned(),
                    line: number,
                    text: shown(line),
                    problem,
                });
            }
        }
    }
    tables.finish(path)
}

enum Addresses {
    Ipv4(Range<u32>),
    Ipv6(Range<u128>),
}

/// An address as text, or as the number that some databases write.
enum Written {
    Address(IpAddr),
    Number(u128),
}

fn parse_row<R: Reading>(line: &[u8], reading: &mut R) -> Result<(Addresses, Option<R::Value>), CsvProblem> {
    // The rest is a name, which may have commas of its own.
    let mut fields = line.splitn(4, |byte| *byte == b',').map(unquoted);
    let (Some(first), Some(last), Some(third)) = (fields.next(), fields.next(), fields.next()) else {
        return Err(CsvProblem::Fields { columns: R::COLUMNS });
    };
    let addresses = match (written(first)?, written(last)?) {
        (Written::Address(first), Written::Address(last)) => between(first, last)?,
        // IPv6 starts far above the numbers of IPv4, except for ::/96, where no source lives.
        (Written::Number(first), Written::Number(last)) => {
            match (u32::try_from(first), u32::try_from(last)) {
                (Ok(first), Ok(last)) => Addresses::Ipv4(ordered(first, last)?),
                _ => between(Ipv6Addr::from_bits(first).into(), Ipv6Addr::from_bits(last).into())?,
            }
        }
        (Written::Address(_), Written::Number(_)) | (Written::Number(_), Written::Address(_)) => {
            return Err(CsvProblem::Address);
        }
    };
    Ok((addresses, reading.of_fields(third, fields.next().unwrap_or_default())?))
}

fn between(first: IpAddr, last: IpAddr) -> Result<Addresses, CsvProblem> {
    // Some databases repeat IPv4 as IPv4-mapped IPv6 addresses.
    match (first.to_canonical(), last.to_canonical()) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            ordered(first.to_bits(), last.to_bits()).map(Addresses::Ipv4)
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => {
            ordered(first.to_bits(), last.to_bits()).map(Addresses::Ipv6)
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => Err(CsvProblem::Address),
    }
}

fn ordered<A: Address>(first: A, last: A) -> Result<Range<A>, CsvProblem> {
    Range::new(first, last).ok_or(CsvProblem::Reversed)
}

fn written(field: &[u8]) -> Result<Written, CsvProblem> {
    let text = str::from_utf8(field).map_err(|_| CsvProblem::Address)?;
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().map(Written::Number).map_err(|_| CsvProblem::Address);
    }
    text.parse().map(Written::Address).map_err(|_| CsvProblem::Address)
}

fn unquoted(field: &[u8]) -> &[u8] {
    let field = field.trim_ascii();
    field.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(field)
}

/// Names of columns: a word first, which an address in hexadecimal with its colons is not.
fn is_header(line: &[u8]) -> bool {
    let first = unquoted(line.split(|byte| *byte == b',').next().unwrap_or_default());
    first.first().is_some_and(u8::is_ascii_alphabetic) && !first.contains(&b':') && line.contains(&b',')
}
