//! The registries' extended delegation files: `ripencc|DE|ipv4|192.0.2.0|256|20260131|allocated|…`. The fifth field is how
//! many IPv4 addresses there are, which need not be a power of two, or the length of an IPv6 prefix.

use std::io::Read;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::lines::each_line;
use crate::country::CountryCode;
use crate::feeds::lines::{Entry, parse_entry, parse_prefix};
use crate::feeds::list::ListError;
use crate::feeds::problem::LineProblem;
use crate::feeds::range::Range;
use crate::feeds::reader::ReadListError;
use crate::feeds::record::{Record, Take};

pub(super) fn walk(
    file: impl Read,
    country: Option<CountryCode>,
    take: &mut Take<'_>,
) -> Result<(), ReadListError> {
    let country = country.ok_or(ListError::CountryNeeded)?;
    let (mut ipv4, mut ipv6) = (Tally::new("IPv4 records"), Tally::new("IPv6 records"));
    each_line(file, |number, line| {
        if line.starts_with(b"#") {
            return Ok(());
        }
        let Some(row) = Row::parse(line) else {
            take(Record::of_entry(number, line, Err(LineProblem::Form { expected: EXPECTED })));
            return Ok(());
        };
        match row {
            Row::Other => {}
            Row::Summary { family, count } => {
                if let Some(tally) = tally(family, &mut ipv4, &mut ipv6) {
                    tally.claimed = count.parse().ok();
                }
            }
            Row::Delegation { family, of, start, value } => {
                if let Some(tally) = tally(family, &mut ipv4, &mut ipv6) {
                    tally.read += 1;
                    if of == country.to_string() {
                        take(Record::of_entry(number, line, addresses(family, start, value)));
                    }
                }
            }
        }
        Ok(())
    })?;
    ipv4.check()?;
    ipv6.check()?;
    Ok(())
}

enum Row<'a> {
    /// The first line, and what is no address.
    Other,
    /// How many records of a kind there are.
    Summary {
        family: &'a str,
        count: &'a str,
    },
    Delegation {
        family: &'a str,
        of: &'a str,
        start: &'a str,
        value: &'a str,
    },
}

impl<'a> Row<'a> {
    fn parse(line: &'a [u8]) -> Option<Self> {
        let fields: Vec<&str> = str::from_utf8(line).ok()?.split('|').collect();
        match fields.as_slice() {
            [_, "*", family, "*", count, "summary"] => Some(Self::Summary { family, count }),
            // The version, the registry, a serial number, how many records, two dates and the time zone.
            [version, _, _, _, _, _, _] if version.starts_with(|first: char| first.is_ascii_digit()) => {
                Some(Self::Other)
            }
            [_, _, "asn", _, _, ..] => Some(Self::Other),
            [_, of, family @ ("ipv4" | "ipv6"), start, value, _, _, ..] => {
                Some(Self::Delegation { family, of, start, value })
            }
            _ => None,
        }
    }
}

fn tally<'a>(family: &str, ipv4: &'a mut Tally, ipv6: &'a mut Tally) -> Option<&'a mut Tally> {
    match family {
        "ipv4" => Some(ipv4),
        "ipv6" => Some(ipv6),
        _ => None,
    }
}

/// How many records a file says it has, and how many it has.
struct Tally {
    what: &'static str,
    claimed: Option<u64>,
    read: u64,
}

impl Tally {
    const fn new(what: &'static str) -> Self {
        Self { what, claimed: None, read: 0 }
    }

    /// More than claimed is no sign of damage: some registries count otherwise.
    fn check(&self) -> Result<(), ListError> {
        match self.claimed {
            Some(claimed) if self.read < claimed => {
                Err(ListError::Incomplete { what: self.what, claimed, read: self.read })
            }
            _ => Ok(()),
        }
    }
}

fn addresses(family: &str, start: &str, value: &str) -> Result<Entry, LineProblem> {
    if family == "ipv6" {
        start.parse::<Ipv6Addr>().map_err(|_| LineProblem::Form { expected: EXPECTED })?;
        return parse_prefix(start, value);
    }
    let first: Ipv4Addr = start.parse().map_err(|_| LineProblem::Form { expected: EXPECTED })?;
    let count: u32 = value.parse().map_err(|_| LineProblem::Form { expected: EXPECTED })?;
    let more = count.checked_sub(1).ok_or(LineProblem::Form { expected: EXPECTED })?;
    let last = first.to_bits().checked_add(more).ok_or(LineProblem::TooMany)?;
    if Range::new(first.to_bits(), last) == Some(Range::ALL) {
        // The one problem of a range that its ends do not show.
        return parse_entry("0.0.0.0/0");
    }
    Range::new(first.to_bits(), last).map(Entry::Ipv4).ok_or(LineProblem::TooMany)
}

const EXPECTED: &str =
    "not a line of a delegation file, such as: ripencc|DE|ipv4|192.0.2.0|256|20260131|allocated";
