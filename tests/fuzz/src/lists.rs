//! Lists: what is read from memory and from a file is the same, messages are short, and what is written is read back.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use xdpgate::feeds::{
    BadLineReport, BadLines, Dangerous, DisjointRanges, Entry, ExportFormat, Format, Guard, ParsedList,
    Reading, TimedEntry, lines_covering, parse_list, read_entries, read_list, write_entries,
};

/// A list of which nothing is known.
pub fn auto(data: &[u8]) {
    check(data, &Reading::default());
}

/// Lines with an entry each.
pub fn plain(data: &[u8]) {
    check(data, &of(Format::Plain));
}

/// A record on each line, and a last one.
pub fn spamhaus_json(data: &[u8]) {
    check(data, &of(Format::SpamhausJson));
}

/// Blocks of lines.
pub fn tor_exits(data: &[u8]) {
    check(data, &of(Format::TorExits));
}

/// Columns, found and named.
pub fn csv(data: &[u8]) {
    check(data, &of(Format::Csv));
    check(data, &Reading { field: Some("start..end".to_owned()), ..of(Format::Csv) });
}

/// Documents, with the place found and named.
pub fn json(data: &[u8]) {
    check(data, &of(Format::Json));
    check(data, &Reading { field: Some("data.ip,.".to_owned()), ..of(Format::Json) });
}

/// Sets of ipset.
pub fn ipset(data: &[u8]) {
    check(data, &of(Format::IpsetSave));
    check(data, &Reading { field: Some("blocked".to_owned()), ..of(Format::IpsetSave) });
}

/// Sets of nftables.
pub fn nft(data: &[u8]) {
    check(data, &of(Format::NftText));
    check(data, &Reading { field: Some("blocked".to_owned()), ..of(Format::NftText) });
}

/// Sets of nftables as JSON.
pub fn nft_json(data: &[u8]) {
    check(data, &of(Format::NftJson));
}

/// A registry's file.
pub fn rir(data: &[u8]) {
    check(data, &Reading { country: "DE".parse().ok(), ..of(Format::RirDelegated) });
}

fn of(format: Format) -> Reading {
    Reading { format: Some(format), ..Reading::default() }
}

/// A message may repeat a few lines, and nothing that steers a terminal.
const LONGEST_MESSAGE: usize = 32 * 1024;

fn check(data: &[u8], how: &Reading) {
    let skipping = Reading { bad: BadLines::Skip, ..how.clone() };
    let strict = parse_list(data, how);
    for how in [how, &skipping] {
        let parsed = parse_list(data, how);
        match (&parsed, read_list(data, how)) {
            (Ok(parsed), Ok(read)) => assert_eq!(*parsed, read, "from memory and from a file"),
            (Err(parsed), Err(read)) => {
                let (parsed, read) = (parsed.to_string(), read.to_string());
                assert_eq!(parsed, read, "from memory and from a file");
                assert!(parsed.len() < LONGEST_MESSAGE, "a message of {} bytes", parsed.len());
                assert!(!parsed.contains(|c: char| c.is_control() && c != '\n'), "{parsed:?}");
            }
            (parsed, read) => assert_eq!(parsed.is_ok(), read.is_ok(), "from memory and from a file"),
        }
    }
    let Ok(list) = parse_list(data, &skipping) else {
        assert!(strict.is_err(), "strict where leaving out is not");
        return;
    };
    if let Ok(strict) = strict {
        assert_eq!(strict, list, "nothing is left out of a good list");
        assert_eq!(list.skipped.total, 0);
    }
    check_list(&list);
    check_lines(data, &skipping, &list);
    check_guard(&list);
    check_exports(data, &skipping);
}

fn check_list(list: &ParsedList) {
    let named = list.ranges.ipv4.len() + list.ranges.ipv6.len() + list.systems.len();
    assert_eq!(list.entries, named);
    assert_eq!(list.numbered().count() + list.systems.len(), named);
    for range in &list.ranges.ipv4 {
        assert!(range.first <= range.last && !(range.first == 0 && range.last == u32::MAX), "{range}");
    }
    for range in &list.ranges.ipv6 {
        assert!(range.first <= range.last && !(range.first == 0 && range.last == u128::MAX), "{range}");
    }
    assert!(list.skipped.first.len() <= BadLineReport::SHOWN.min(list.skipped.total));
    assert!(list.skipped.to_string().len() < LONGEST_MESSAGE);
}

/// What the first entries are, is found again.
fn check_lines(data: &[u8], how: &Reading, list: &ParsedList) {
    for (line, entry) in list.numbered().take(2) {
        let first: IpAddr = match entry {
            Entry::Ipv4(range) => Ipv4Addr::from_bits(range.first).into(),
            Entry::Ipv6(range) => Ipv6Addr::from_bits(range.first).into(),
        };
        let found = lines_covering(data, how, first);
        let numbers: Vec<u32> = found.into_iter().flatten().map(|(number, _)| number).collect();
        assert!(numbers.contains(&line), "line {line} of {numbers:?}");
    }
}

fn check_guard(list: &ParsedList) {
    let guard = Guard { dangerous: Dangerous::LeaveOut, ratio: None, ..Guard::default() };
    let guarded = guard.check(list.clone(), None);
    assert!(guarded.is_ok(), "there is nothing to refuse for");
    let Ok(guarded) = guarded else { return };
    assert_eq!(guarded.list.entries + guarded.left_out.total, list.entries);
    let (taken, all): (DisjointRanges, DisjointRanges) =
        (guarded.list.ranges.into(), list.ranges.clone().into());
    assert!(taken.without(&all).is_empty());
    assert_eq!(taken.union(&all), all);
    assert_eq!(taken.intersection(&all), taken);
}

/// The most entries that are written: the fuzzer should try other things than long files.
const WRITTEN: usize = 8;

fn check_exports(data: &[u8], how: &Reading) {
    let mut entries = Vec::new();
    if read_entries(data, how, |entry| entries.push(entry)).is_err() {
        return;
    }
    entries.truncate(WRITTEN);
    let addresses = |entries: &[TimedEntry]| -> DisjointRanges {
        let mut ranges = xdpgate::feeds::AddressRanges::default();
        for timed in entries {
            match timed.entry {
                Entry::Ipv4(range) => ranges.ipv4.push(range),
                Entry::Ipv6(range) => ranges.ipv6.push(range),
            }
        }
        ranges.into()
    };
    for format in ExportFormat::ALL {
        let mut text = Vec::new();
        let written = write_entries(&mut text, format, entries.iter().cloned());
        assert!(written.is_ok(), "memory takes everything");
        let mut back = Vec::new();
        let read = read_entries(&text[..], &Reading::default(), |entry| back.push(entry));
        assert!(read.is_ok(), "{format}: {read:?}: {}", String::from_utf8_lossy(&text));
        assert_eq!(addresses(&back), addresses(&entries), "{format}: {}", String::from_utf8_lossy(&text));
    }
}
