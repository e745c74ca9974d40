//! Lists, and the sets that `ipset` and `nft` write down.

use std::io::Read;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{Ends, ForeignBan, ForeignBans, ImportError};
use crate::feeds::{Entry, Reading, TimedEntry, read_entries};

/// Reads the entries of a list. A timeout of a set is the time of the ban, and a comment its note.
///
/// # Errors
/// When it is no list, or has bad lines that are not to be skipped.
pub fn read_entries_of(file: impl Read, how: &Reading) -> Result<ForeignBans, ImportError> {
    let mut found = ForeignBans::default();
    let read = read_entries(file, how, |TimedEntry { entry, timeout, comment }| {
        let ends = timeout.map_or(Ends::Unsaid, Ends::In);
        let note = comment.unwrap_or_default();
        let ban = |prefix| {
            let (reason, note) = (String::new(), note.clone());
            ForeignBan { prefix, ends, reason, note, source: None }
        };
        found.bans.extend(prefixes(entry).into_iter().map(ban));
    })?;
    let mut left_out: Vec<_> = read.skipped.first.iter().map(|bad| (format!("line {bad}"), 1)).collect();
    let named = left_out.len();
    if read.skipped.total > named {
        left_out.push(("more bad lines".to_owned(), (read.skipped.total - named) as u64));
    }
    found.left_out = left_out;
    Ok(found)
}

/// The fewest prefixes; none of them fails to be one.
fn prefixes(entry: Entry) -> Vec<IpNet> {
    match entry {
        Entry::Ipv4(range) => {
            let prefixes = range.prefixes();
            prefixes
                .filter_map(|(address, length)| Some(Ipv4Net::new(address.into(), length).ok()?.into()))
                .collect()
        }
        Entry::Ipv6(range) => {
            let prefixes = range.prefixes();
            prefixes
                .filter_map(|(address, length)| Some(Ipv6Net::new(address.into(), length).ok()?.into()))
                .collect()
        }
    }
}
