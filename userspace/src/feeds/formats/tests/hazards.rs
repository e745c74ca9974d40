use proptest::prelude::*;

use super::*;
use crate::feeds::reader::ReadListError;

/// A file of the format with these entries, and nothing else that matters.
fn file(format: Format, entries: &[&str]) -> String {
    let each = |line: fn(&str) -> String| entries.iter().map(|entry| line(entry)).collect::<String>();
    let quoted = || entries.iter().map(|entry| serde_json::to_string(entry).unwrap()).collect::<Vec<_>>();
    match format {
        Format::Plain => format!("# a list\n{}", each(|entry| format!("{entry}\n"))),
        Format::SpamhausJson => {
            let cidr = |entry: &String| format!("{{\"cidr\":{entry},\"sblid\":\"SBL1\"}}\n");
            let lines: String = quoted().iter().map(cidr).collect();
            format!("{lines}{{\"type\":\"metadata\",\"records\":{}}}\n", entries.len())
        }
        Format::TorExits => each(|entry| format!("ExitNode AB\nExitAddress {entry} 2026-01-31 05:31:10\n")),
        Format::Csv => format!("ip,score\n{}", each(|entry| format!("{entry},7\n"))),
        Format::Json => format!("[\n{}\n]\n", quoted().join(",\n")),
        Format::IpsetSave => {
            format!("create s hash:net\n{}", each(|entry| format!("add s {entry} timeout 5\n")))
        }
        Format::NftText => {
            format!(
                "table ip t {{\n\tset s {{\n\t\telements = {{ {} }}\n\t}}\n}}\n",
                entries.join(",\n\t\t\t")
            )
        }
        Format::NftJson => {
            format!(
                "{{\"nftables\":[{{\"set\":{{\"name\":\"s\",\"elem\":[\n{}]}}}}]}}\n",
                quoted().join(",\n")
            )
        }
        Format::RirDelegated => unreachable!("its entries are no prefixes"),
    }
}

/// The formats that write an address as the plain one does.
const ORDINARY: [Format; 8] = [
    Format::Plain,
    Format::SpamhausJson,
    Format::TorExits,
    Format::Csv,
    Format::Json,
    Format::IpsetSave,
    Format::NftText,
    Format::NftJson,
];

const GOOD: [&str; 5] = ["192.0.2.1", "2001:db8::/32", "10.0.0.0/8", "10.1.0.0/16", "192.0.2.1"];

fn strings(list: &ParsedList) -> Vec<String> {
    numbered(list).into_iter().map(|(_, entry)| entry).collect()
}

#[test]
fn duplicated_and_nested_prefixes_stay() {
    for format in ORDINARY {
        let list = read(&file(format, &GOOD), &Reading::default()).unwrap();
        assert_eq!(list.format, format, "recognised by what it holds");
        assert_eq!(
            strings(&list),
            ["192.0.2.1", "10.0.0.0/8", "10.1.0.0/16", "192.0.2.1", "2001:db8::/32"],
            "{format}"
        );
        assert_eq!(list.entries, 5);
    }
}

#[test]
fn every_line_end_and_a_mark_are_read() {
    for format in ORDINARY {
        let text = file(format, &GOOD);
        let wanted = read(&text, &Reading::default()).unwrap();
        let mixed: String = text
            .split_inclusive('\n')
            .zip(["\r\n", "\n", "\r"].iter().cycle())
            .map(|(line, end)| line.trim_end_matches('\n').to_owned() + end)
            .collect();
        for text in [text.replace('\n', "\r\n"), text.replace('\n', "\r"), mixed, text.trim_end().to_owned()]
        {
            for text in [text.clone(), format!("\u{feff}{text}")] {
                let list = read(&text, &Reading::default())
                    .unwrap_or_else(|error| panic!("{format}: {error}\n{text:?}"));
                assert_eq!(numbered(&list), numbered(&wanted), "{format}: {text:?}");
            }
        }
    }
}

#[test]
fn a_bad_address_is_told_in_every_format() {
    let bad = [
        ("192.0.2.1:80", "an address with a port or brackets; write the address alone: 192.0.2.1"),
        ("[2001:db8::1]:443", "an address with a port or brackets; write the address alone: 2001:db8::1"),
        (
            "::ffff:192.0.2.1",
            "an IPv4-mapped IPv6 address, which no packet carries as its source; write 192.0.2.1",
        ),
        (
            "192.0.2.1/24",
            "host bits are set; write 192.0.2.0/24 for the network, or 192.0.2.1 for the one address",
        ),
        (
            "192.0.2.9-192.0.2.1",
            "the range ends before it starts; write 192.0.2.1-192.0.2.9 if that is meant",
        ),
        ("19\u{662}.0.2.1", "holds characters beyond plain ASCII; retype the address by hand"),
        ("0.0.0.0/0", "covers every IPv4 address, and would shut out the whole IPv4 internet; remove it"),
        ("192.0.2.\u{0}1", "not an address"),
        ("192.0.2.256", "a number of an IPv4 address goes up to 255"),
    ];
    for format in ORDINARY {
        for (entry, problem) in bad {
            let text = file(format, &["192.0.2.1", entry, "192.0.2.3"]);
            let how = Reading { format: Some(format), ..Reading::default() };
            let error = read(&text, &how).unwrap_err();
            assert!(error.starts_with("1 bad ") && error.contains(problem), "{format}: {entry}: {error}");
            assert!(!error.contains('\0'), "{format}: a message steers no terminal");
            let list = read(&text, &Reading { bad: BadLines::Skip, ..how.clone() }).unwrap();
            assert_eq!(
                (strings(&list).join(" ").as_str(), list.skipped.total),
                ("192.0.2.1 192.0.2.3", 1),
                "{format}"
            );
            // The number is the one that a good entry would have there.
            let good = read(&file(format, &["192.0.2.1", "192.0.2.2", "192.0.2.3"]), &how).unwrap();
            assert_eq!(list.skipped.first[0].line, numbered(&good)[1].0, "{format}: {entry}");
            let lines = |text: &str| {
                covering(text, &how, "192.0.2.3").into_iter().map(|(line, _)| line).collect::<Vec<_>>()
            };
            assert_eq!(lines(&text), [numbered(&good)[2].0], "{format}: explain finds what follows");
        }
    }
}

#[test]
fn nothing_is_told_apart_from_no_entries() {
    for format in Format::ALL {
        let country = (format == Format::RirDelegated).then(|| "DE".parse().unwrap());
        for how in [Reading { format: Some(format), country, ..Reading::default() }, Reading::default()] {
            for text in ["", " \r\n\t\n", "\u{feff}"] {
                let list = read(text, &how).unwrap();
                assert_eq!((list.entries, list.blank), (0, true), "{format}: {text:?}");
            }
        }
    }
    for format in [Format::Plain, Format::Csv, Format::Json, Format::IpsetSave] {
        let list = read(&file(format, &[]), &Reading::default()).unwrap();
        assert_eq!((list.entries, list.blank), (0, false), "{format}");
    }
}

#[test]
fn what_is_no_list_is_refused_in_every_format() {
    for format in Format::ALL {
        let country = (format == Format::RirDelegated).then(|| "DE".parse().unwrap());
        for bad in [BadLines::Refuse, BadLines::Skip] {
            let how = Reading { format: Some(format), country, bad, field: None };
            for (text, start) in [
                (
                    &b"<!DOCTYPE html><html><body>192.0.2.1</body></html>"[..],
                    "it is an HTML page, not a list",
                ),
                (b"\x1f\x8b\x08\0\0\0", "it is compressed with gzip"),
                (b"PK\x03\x04", "it is a zip archive"),
                (b"\xff\xfe1\x009\x002\0", "it is UTF-16"),
                (b"\x7fELF\x02\x01\x01\0\0", "it is binary, not a list"),
                (b"\x93\xfa junk \x80 junk", ""),
            ] {
                let error = parse_list(text, &how).expect_err("no list").to_string();
                assert!(error.starts_with(start), "{format}: {error}");
            }
        }
    }
}

/// Another error while a file is read is no end of it.
#[test]
fn a_file_that_breaks_off_is_no_list() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("broken"))
        }
    }
    for format in ORDINARY {
        // More than what is read to tell the format.
        let text = file(format, &vec!["192.0.2.1"; 50_000]);
        let error =
            read_list(std::io::Read::chain(text.as_bytes(), Broken), &Reading::default()).unwrap_err();
        assert!(
            matches!(&error, ReadListError::Read(error) if error.to_string().contains("broken")),
            "{format}: {error}"
        );
    }
}

#[test]
fn large_files_are_read_whole() {
    let entries: Vec<String> =
        (0..100_000_u32).map(|n| std::net::Ipv4Addr::from_bits(n << 8).to_string()).collect();
    let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
    for format in ORDINARY {
        let list = read(&file(format, &entries), &Reading::default()).unwrap();
        assert_eq!(strings(&list), entries, "{format}");
    }
}

/// Pieces of all formats, so that random files go deep.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "192.0.2.1",
        "10.0.0.0/8",
        "2001:db8::",
        "1.2.3.4-1.2.3.9",
        "\n",
        "\r",
        "\r\n",
        ",",
        ";",
        "\t",
        " ",
        "\"",
        "{",
        "}",
        "[",
        "]",
        ":",
        "|",
        "#",
        "\\",
        "table ip t {\n",
        "set s {\n",
        "elements = {",
        "add element ip t s {",
        "timeout 5s ",
        "create s hash:net\n",
        "add s ",
        "comment \"x\"",
        "timeout 9",
        "ExitNode x\n",
        "ExitAddress ",
        "{\"cidr\":\"",
        "\"sblid\":\"x\"}",
        "{\"type\":\"metadata\",\"records\":1}",
        "{\"nftables\":[",
        "{\"set\":{\"name\":\"s\",\"elem\":[",
        "{\"prefix\":{\"addr\":\"",
        "{\"data\":[{\"ip\":\"",
        "2|ripencc|1|1|1|1|1\n",
        "ripencc|DE|ipv4|192.0.2.0|256|1|x|y\n",
        "ripencc|*|ipv4|*|1|summary\n",
        "\u{feff}",
        "\0",
        "<html>",
        "AS64500\n",
        "ip,score\n",
    ];
    prop_oneof![
        6 => prop::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever a file holds: no panic, the same from memory and from a file, and what is read covers what is told.
    #[test]
    fn any_file_is_read_or_refused(
        pieces in prop::collection::vec(piece(), 0..30),
        format in prop::option::of(prop::sample::select(Format::ALL.to_vec())),
        field in prop::option::of(prop::sample::select(vec!["ip", "1", "s", "data.ip", "."])),
        skip: bool,
    ) {
        let text = pieces.concat();
        let how = Reading {
            format,
            field: field.map(str::to_owned),
            country: (format == Some(Format::RirDelegated)).then(|| "DE".parse().unwrap()),
            bad: if skip { BadLines::Skip } else { BadLines::Refuse },
        };
        let list = parse_list(&text, &how);
        let streamed = read_list(&text[..], &how).map_err(|error| error.to_string());
        prop_assert_eq!(&streamed, &list.clone().map_err(|error| error.to_string()));
        let Ok(list) = list else { return Ok(()) };
        prop_assert_eq!(list.entries, list.numbered().count() + list.systems.len());
        for (line, entry) in list.numbered() {
            let first = match entry {
                crate::feeds::Entry::Ipv4(range) => std::net::Ipv4Addr::from_bits(range.first).into(),
                crate::feeds::Entry::Ipv6(range) => std::net::Ipv6Addr::from_bits(range.first).into(),
            };
            let lines = lines_covering(&text[..], &how, first).unwrap();
            prop_assert!(lines.iter().any(|(found, _)| *found == line), "line {} of {:?}", line, lines);
        }
    }
}
