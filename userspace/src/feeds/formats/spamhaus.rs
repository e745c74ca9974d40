//! Spamhaus' DROP lists: a JSON object on each line. The last one counts them, so a file that was cut short is noticed.

use std::io::Read;

use serde::Deserialize;

use super::lines::each_line;
use crate::feeds::lines::parse_entry;
use crate::feeds::list::ListError;
use crate::feeds::problem::LineProblem;
use crate::feeds::reader::ReadListError;
use crate::feeds::record::{Named, Record, Take};

pub(super) fn walk(file: impl Read, take: &mut Take<'_>) -> Result<(), ReadListError> {
    let (mut read, mut claimed) = (0, None::<u64>);
    each_line(file, |number, line| {
        let names = match serde_json::from_slice::<Line>(line) {
            Ok(Line { kind: Some(kind), records, .. }) if kind == "metadata" => {
                // Files that were put together have one for each.
                let records = records.ok_or(ListError::NoMetadata)?;
                claimed = Some(claimed.unwrap_or(0).saturating_add(records));
                return Ok(());
            }
            Ok(Line { cidr: Some(cidr), .. }) => parse_entry(&cidr).map(Named::Entry),
            Ok(Line { asn: Some(asn), .. }) => system(asn).map(Named::System),
            Ok(_) | Err(_) => Err(LineProblem::Form { expected: EXPECTED }),
        };
        read += 1;
        take(Record::new(number, line, names));
        Ok(())
    })?;
    match claimed {
        // Nothing at all is told apart by whoever asked for the list.
        None if read == 0 => Ok(()),
        None => Err(ListError::NoMetadata.into()),
        Some(claimed) if claimed != read => {
            Err(ListError::Incomplete { what: "records", claimed, read }.into())
        }
        Some(_) => Ok(()),
    }
}

const EXPECTED: &str = "not a record of Spamhaus, such as: {\"cidr\":\"192.0.2.0/24\",\"sblid\":\"SBL1\"}";

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    cidr: Option<String>,
    #[serde(default)]
    asn: Option<u64>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    records: Option<u64>,
}

fn system(number: u64) -> Result<u32, LineProblem> {
    u32::try_from(number).ok().filter(|number| *number > 0).ok_or(LineProblem::System)
}
