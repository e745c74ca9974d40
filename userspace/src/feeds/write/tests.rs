use proptest::prelude::*;

use super::*;
use crate::feeds::{AddressRanges, DisjointRanges, Format, Reading, read_entries};

fn written(format: ExportFormat, entries: &[TimedEntry]) -> String {
    let mut out = Vec::new();
    write_entries(&mut out, format, entries.iter().cloned()).unwrap();
    String::from_utf8(out).unwrap()
}

fn read_back(text: &str) -> (Vec<TimedEntry>, Format) {
    let mut found = Vec::new();
    let read = read_entries(text.as_bytes(), &Reading::default(), |entry| found.push(entry));
    let read = read.unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(read.entries, found.len());
    (found, read.format)
}

fn timed(entry: &str, timeout: Option<u64>, comment: Option<&str>) -> TimedEntry {
    let entry = crate::feeds::parse_line(entry.as_bytes()).unwrap().unwrap();
    TimedEntry { entry, timeout: timeout.map(Duration::from_secs), comment: comment.map(str::to_owned) }
}

#[test]
fn each_format_is_as_its_tools_have_it() {
    let entries = [
        timed("192.0.2.1", Some(60), Some("ssh \"brute\" force")),
        timed("198.51.100.0/24", None, None),
        timed("10.0.0.1-10.0.0.2", Some(90), None),
        timed("2001:db8::/32", None, Some("scan")),
    ];
    let wanted = [
        (
            ExportFormat::Plain,
            "192.0.2.1 # ssh \"brute\" force\n198.51.100.0/24\n10.0.0.1-10.0.0.2\n2001:db8::/32 # scan\n",
        ),
        (
            ExportFormat::Ipset,
            "create xdpgate4 hash:net family inet maxelem 4294967295 timeout 0 comment\n\
             create xdpgate6 hash:net family inet6 maxelem 4294967295 timeout 0 comment\n\
             add xdpgate4 192.0.2.1 timeout 60 comment \"ssh 'brute' force\"\n\
             add xdpgate4 198.51.100.0/24 timeout 0\n\
             add xdpgate4 10.0.0.1 timeout 90\n\
             add xdpgate4 10.0.0.2 timeout 90\n\
             add xdpgate6 2001:db8::/32 timeout 0 comment \"scan\"\n",
        ),
        (
            ExportFormat::Nft,
            "add table inet xdpgate\n\
             add set inet xdpgate xdpgate4 { type ipv4_addr; flags interval, timeout; auto-merge; }\n\
             add set inet xdpgate xdpgate6 { type ipv6_addr; flags interval, timeout; auto-merge; }\n\
             add element inet xdpgate xdpgate4 {\n\
             \t192.0.2.1 timeout 60s comment \"ssh 'brute' force\",\n\
             \t198.51.100.0/24,\n\
             \t10.0.0.1-10.0.0.2 timeout 90s\n\
             }\n\
             add element inet xdpgate xdpgate6 {\n\
             \t2001:db8::/32 comment \"scan\"\n\
             }\n",
        ),
        (
            ExportFormat::Json,
            "[\n{\"address\":\"192.0.2.1\",\"timeout\":60,\"comment\":\"ssh \\\"brute\\\" force\"},\n\
             {\"address\":\"198.51.100.0/24\"},\n\
             {\"address\":\"10.0.0.1-10.0.0.2\",\"timeout\":90},\n\
             {\"address\":\"2001:db8::/32\",\"comment\":\"scan\"}\n]\n",
        ),
        (
            ExportFormat::Csv,
            "address,timeout,comment\n192.0.2.1,60,\"ssh \"\"brute\"\" force\"\n198.51.100.0/24,,\n\
             10.0.0.1-10.0.0.2,90,\n2001:db8::/32,,scan\n",
        ),
    ];
    for (format, text) in wanted {
        assert_eq!(written(format, &entries), text, "{format}");
    }
    let json = written(ExportFormat::NftJson, &entries);
    assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{json}");
    assert!(
        json.contains("{\"elem\":{\"comment\":\"ssh 'brute' force\",\"timeout\":60,\"val\":\"192.0.2.1\"}}"),
        "{json}"
    );
    assert!(json.contains("{\"prefix\":{\"addr\":\"198.51.100.0\",\"len\":24}}"), "{json}");
}

#[test]
fn nothing_is_written_as_nothing() {
    for format in ExportFormat::ALL {
        assert_eq!(read_back(&written(format, &[])).0, [], "{format}");
        assert_eq!(format.to_string().parse(), Ok(format));
    }
    assert_eq!(
        "rir".parse::<ExportFormat>().unwrap_err().to_string(),
        "`rir` is no format of exports; there are plain, ipset, nft, nft-json, json, csv"
    );
}

#[test]
fn times_are_never_cut_and_as_long_as_a_format_takes() {
    let mut entry = timed("192.0.2.1", None, None);
    entry.timeout = Some(Duration::from_millis(1_001));
    assert!(written(ExportFormat::Csv, std::slice::from_ref(&entry)).contains(",2,"));
    entry.timeout = Some(Duration::from_hours(800));
    assert!(written(ExportFormat::Ipset, &[entry]).contains("timeout 2147483\n"));
}

#[test]
fn a_comment_breaks_no_script() {
    let comment = "a\nadd xdpgate4 10.0.0.1\r\"; # } é";
    let entries = [timed("192.0.2.1", None, Some(comment))];
    for format in ExportFormat::ALL {
        let (found, _) = read_back(&written(format, &entries));
        assert_eq!(found.len(), 1, "{format}");
        let read = found[0].comment.as_deref().unwrap();
        assert!(read.contains("add xdpgate4 10.0.0.1") && !read.contains(['\n', '\r']), "{format}: {read}");
    }
    let long = "é".repeat(300);
    let entries = [timed("192.0.2.1", None, Some(&long))];
    assert_eq!(read_back(&written(ExportFormat::Ipset, &entries)).0[0].comment.as_ref().unwrap().len(), 254);
    assert_eq!(read_back(&written(ExportFormat::Nft, &entries)).0[0].comment.as_ref().unwrap().len(), 126);
}

fn entries() -> impl Strategy<Value = Vec<TimedEntry>> {
    let ipv4 = (any::<u32>(), 0_u32..5000)
        .prop_map(|(first, more)| Entry::Ipv4(Range { first, last: first.saturating_add(more) }));
    // Above the addresses that stand for IPv4.
    let ipv6 = (1_u128 << 64.., 0_u128..5000)
        .prop_map(|(first, more)| Entry::Ipv6(Range { first, last: first.saturating_add(more) }));
    let single = any::<u32>().prop_map(|address| Entry::Ipv4(Range::single(address)));
    let comment = prop_oneof![Just(None), "[ -~é]{0,40}".prop_map(Some), Just(Some("10.1.1.1".to_owned()))];
    let timeout = prop::option::of(1_u64..2_000_000).prop_map(|seconds| seconds.map(Duration::from_secs));
    let entry = (prop_oneof![ipv4, ipv6, single], timeout, comment);
    let entry = entry.prop_map(|(entry, timeout, comment)| TimedEntry { entry, timeout, comment });
    prop::collection::vec(entry, 0..30)
}

fn addresses<'a>(entries: impl IntoIterator<Item = &'a TimedEntry>) -> DisjointRanges {
    let mut ranges = AddressRanges::default();
    for timed in entries {
        match timed.entry {
            Entry::Ipv4(range) => ranges.ipv4.push(range),
            Entry::Ipv6(range) => ranges.ipv6.push(range),
        }
    }
    ranges.into()
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(entries in entries()) {
        for format in ExportFormat::ALL {
            let (found, read_as) = read_back(&written(format, &entries));
            if !entries.is_empty() {
                prop_assert_eq!(read_as.word(), format.word());
            }
            prop_assert_eq!(addresses(&found), addresses(&entries), "{}", format);
            if matches!(format, ExportFormat::Csv | ExportFormat::Json) {
                let known = entries.iter().map(|entry| TimedEntry {
                    comment: entry.comment.as_deref().map(one_line).filter(|comment| !comment.is_empty()),
                    ..entry.clone()
                });
                prop_assert_eq!(&found, &known.collect::<Vec<_>>(), "{}", format);
            }
            if format == ExportFormat::Ipset {
                let all: Vec<_> = entries.iter().flat_map(|entry| {
                    prefixes(entry.entry).into_iter().map(|prefix| (prefix, entry.timeout))
                }).collect();
                let read: Vec<_> = found.iter().map(|entry| (entry.entry.to_string(), entry.timeout)).collect();
                prop_assert_eq!(read, all);
            }
            if matches!(format, ExportFormat::Nft | ExportFormat::NftJson) {
                // IPv4 and IPv6 are written apart.
                let timeouts = |entries: &[TimedEntry]| {
                    let mut all: Vec<_> = entries.iter().map(|e| (e.entry.to_string(), e.timeout)).collect();
                    all.sort();
                    all
                };
                prop_assert_eq!(timeouts(&found), timeouts(&entries), "{}", format);
            }
        }
    }
}
