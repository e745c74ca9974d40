//! `ban export`: the bans in force, for another program.

use std::collections::BTreeMap;
use std::io::{self, BufWriter};
use std::time::Duration;

use ipnet::IpNet;

use super::output::Stop;
use crate::api::Prefix;
use crate::api::types::Ban;
use crate::feeds::{Entry, ExportFormat, Range, TimedEntry, write_entries};

pub(super) fn export(bans: Vec<Ban>, format: ExportFormat) -> Result<(), Stop> {
    Ok(write_entries(BufWriter::new(io::stdout().lock()), format, entries(bans))?)
}

/// One for each prefix: where several sources ban it, the ban that ends last.
fn entries(bans: Vec<Ban>) -> impl Iterator<Item = TimedEntry> {
    let mut last: BTreeMap<Prefix, Ban> = BTreeMap::new();
    let end = |ban: &Ban| (ban.expires.is_none(), ban.expires);
    for ban in bans {
        if last.get(&ban.prefix).is_none_or(|other| end(other) < end(&ban)) {
            last.insert(ban.prefix, ban);
        }
    }
    last.into_values().map(|ban| TimedEntry {
        entry: entry(ban.prefix.net()),
        // A ban that ends within this second still holds.
        timeout: ban.remaining_seconds.map(|seconds| Duration::from_secs(seconds.max(1))),
        comment: comment(&ban),
    })
}

fn entry(prefix: IpNet) -> Entry {
    match prefix {
        IpNet::V4(prefix) => Entry::Ipv4(Range::prefix(prefix.addr().to_bits(), prefix.prefix_len())),
        IpNet::V6(prefix) => Entry::Ipv6(Range::prefix(prefix.addr().to_bits(), prefix.prefix_len())),
    }
}

fn comment(ban: &Ban) -> Option<String> {
    let told = [&ban.source, &ban.reason, &ban.note].map(String::as_str);
    let told: Vec<_> = told.into_iter().filter(|text| !text.is_empty()).collect();
    (!told.is_empty()).then(|| told.join(": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ban(prefix: &str, source: &str, seconds: Option<i64>) -> Ban {
        let created = jiff::Timestamp::from_second(1_700_000_000).unwrap();
        Ban {
            prefix: prefix.parse().unwrap(),
            expires: seconds.map(|seconds| created + jiff::SignedDuration::from_secs(seconds)),
            remaining_seconds: seconds.map(|seconds| u64::try_from(seconds).unwrap()),
            reason: "scan".to_owned(),
            source: source.to_owned(),
            note: String::new(),
            created,
        }
    }

    #[test]
    fn of_several_bans_of_a_prefix_the_last_is_written() {
        let bans = vec![
            ban("192.0.2.1", "one", Some(60)),
            ban("192.0.2.1", "two", Some(600)),
            ban("2001:db8::/48", "one", None),
            ban("2001:db8::/48", "two", Some(60)),
            ban("192.0.2.2", "", Some(0)),
        ];
        let mut text = Vec::new();
        write_entries(&mut text, ExportFormat::Csv, entries(bans)).unwrap();
        let expected =
            "address,timeout,comment\n192.0.2.1,600,two: scan\n192.0.2.2,1,scan\n2001:db8::/48,,one: scan\n";
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }
}
