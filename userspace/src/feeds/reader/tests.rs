use std::io::ErrorKind;

use proptest::prelude::*;

use super::*;
use crate::feeds::blocks::{BLOCK, LONGEST, whole_lines};
use crate::feeds::lines::parse_line;
use crate::feeds::list::{UTF8_BOM, foreign_format};

/// Line by line, with the careful parser alone.
fn careful(text: &[u8], bad: BadLines) -> Result<ParsedList, ListError> {
    if let Some(what) = foreign_format(text) {
        return Err(ListError::NotText(what));
    }
    let mut list = ParsedList { blank: is_blank(text), ..ParsedList::default() };
    let mut lines = vec![Vec::new()];
    let mut bytes = text.strip_prefix(UTF8_BOM).unwrap_or(text).iter().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' => {
                bytes.next_if(|next| **next == b'\n');
                lines.push(Vec::new());
            }
            b'\n' => lines.push(Vec::new()),
            byte => lines.last_mut().unwrap().push(*byte),
        }
    }
    for (number, line) in (1..).zip(&lines) {
        match parse_line(line) {
            Ok(None) => {}
            Ok(Some(entry)) => list.push_entry(number, entry),
            Err(problem) => list.skipped.push(number, line, problem),
        }
    }
    list.count();
    if list.skipped.total > 0 && bad == BadLines::Refuse {
        return Err(ListError::BadLines(list.skipped));
    }
    if list.skipped.total > 0 && list.entries == 0 {
        return Err(ListError::NothingReadable(list.skipped));
    }
    Ok(list)
}

/// A file that gives a few bytes at a time, and is interrupted in between.
struct Slow<'a> {
    rest: &'a [u8],
    most: usize,
    interrupted: bool,
}

impl Read for Slow<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(ErrorKind::Interrupted.into());
        }
        let most = self.most.min(room.len());
        self.rest.read(&mut room[..most])
    }
}

fn check(text: &[u8], size: usize, most: usize) {
    for bad in [BadLines::Refuse, BadLines::Skip] {
        let how = Reading { format: Some(Format::Plain), ..bad.into() };
        let wanted = careful(text, bad);
        if !matches!(wanted, Err(ListError::NotText(_))) && recognise(text).is_err() {
            // What is known to be no list is told before its lines are read.
            return;
        }
        assert_eq!(parse_list(text, &how), wanted, "{:?}", String::from_utf8_lossy(text));
        let read = read_list(Slow { rest: text, most, interrupted: false }, &how);
        let read = read.map_err(|error| match error {
            ReadListError::List(error) => error,
            ReadListError::Read(error) => panic!("{error}"),
        });
        assert_eq!(read, wanted, "{:?}", String::from_utf8_lossy(text));
        // Blocks of any size are the same lines.
        if let Ok(wanted) = wanted {
            let (mut list, mut lines) = (ParsedList::default(), Lines::default());
            let file = Slow { rest: text, most, interrupted: false };
            whole_lines(file, size, |text| lines.collect(text, &mut list).map_err(ReadListError::from))
                .unwrap();
            list.count();
            list.blank = wanted.blank;
            assert_eq!(list, wanted, "{:?}", String::from_utf8_lossy(text));
        }
    }
}

#[test]
fn a_line_may_be_longer_than_a_block() {
    let comment = "x".repeat(3 * BLOCK);
    check(format!("192.0.2.1 # {comment}\n192.0.2.2").as_bytes(), BLOCK, usize::MAX);
    check(format!("\n#{comment}\n192.0.2.2\n").as_bytes(), BLOCK, usize::MAX);
    check(&vec![b'\n'; 2 * BLOCK], BLOCK, usize::MAX);
    check(&b"192.0.2.1\r".repeat(BLOCK / 4), BLOCK, usize::MAX);
}

/// What would fill the memory: a line without end, of which only a little may be read.
#[test]
fn a_line_without_end_is_refused() {
    struct Endless {
        given: usize,
    }
    impl Read for &mut Endless {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            room.fill(b'x');
            self.given += room.len();
            assert!(self.given < 8 * LONGEST, "it reads on and on");
            Ok(room.len())
        }
    }
    let begin = [
        (
            Format::Plain,
            "192.0.2.1\n#",
            "line 2 is longer than 1 MiB, which no list has; look what the file is",
        ),
        (Format::SpamhausJson, "{\"cidr\":\"", "line 1 is longer"),
        (Format::TorExits, "ExitNode ", "line 1 is longer"),
        (Format::Csv, "a,b\n192.0.2.1,", "line 2 is longer"),
        (Format::Json, "[\"192.0.2.1\",\"", "element 2 is longer"),
        (Format::IpsetSave, "create a hash:ip\nadd a 192.0.2.1\nadd ", "line 3 is longer"),
        (Format::NftText, "table ip t {\nset s {\nelements = { 192.0.2.1, ", "line 3 is longer"),
        (
            Format::NftJson,
            "{\"nftables\":[{\"set\":{\"name\":\"s\",\"elem\":[\"192.0.2.1\",\"",
            "element 2 is longer",
        ),
        (Format::RirDelegated, "2|ripencc|1|1|1|1|1\nripencc|DE|ipv4|", "line 2 is longer"),
    ];
    for (format, begin, message) in begin {
        for bad in [BadLines::Refuse, BadLines::Skip] {
            let how = Reading {
                format: Some(format),
                country: (format == Format::RirDelegated).then(|| "DE".parse().unwrap()),
                field: (format == Format::Json).then(|| ".".to_owned()),
                ..bad.into()
            };
            let mut rest = Endless { given: 0 };
            let error = read_list(begin.as_bytes().chain(&mut rest), &how).unwrap_err().to_string();
            assert!(error.starts_with(message), "{format}: {error}");
        }
    }
}

#[test]
fn a_file_that_fails_is_no_list() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken"))
        }
    }
    let error = read_list(Broken, &BadLines::Skip.into()).unwrap_err();
    assert_eq!(error.to_string(), "can't be read: broken");
}

#[test]
fn the_lines_that_cover_an_address_are_found() {
    let text = b"10.0.0.0/8\nbad\n10.1.2.3 # him\r\n10.1.2.4\n10.1.0.0-10.2.0.0\n::/1";
    assert_eq!(
        lines_covering(&text[..], &Reading::default(), [10, 1, 2, 3].into()).unwrap(),
        [(1, "10.0.0.0/8".to_owned()), (3, "10.1.2.3 # him".to_owned()), (5, "10.1.0.0-10.2.0.0".to_owned()),]
    );
    assert_eq!(
        lines_covering(&text[..], &Reading::default(), "::1".parse().unwrap()).unwrap(),
        [(6, "::/1".to_owned())]
    );
}

/// Lines of every kind, good and bad.
fn line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(|[a, b, c, d]| format!("{a}.{b}.{c}.{d}").into_bytes()),
        (any::<[u8; 2]>(), 16_u8..34)
            .prop_map(|([a, b], length)| format!("{a}.{b}.0.0/{length}").into_bytes()),
        "(0|25[0-9]|10|01).0.0.[0-9]{1,3}(/[0-9]{1,2})?[ \t\r]?(#|;)?[a-z]{0,3}".prop_map(String::into_bytes),
        "[0-9]{1,3}\\.0\\.0\\.1 ?- ?1[0-9]{1,2}\\.0\\.0\\.2".prop_map(String::into_bytes),
        any::<u128>().prop_map(|bits| std::net::Ipv6Addr::from_bits(bits).to_string().into_bytes()),
        "(::ffff:)?[0-9a-f]{0,4}:[0-9A-F]{0,5}::(/[0-9]{1,3})?\r?".prop_map(String::into_bytes),
        "(::ffff:|::)192\\.0\\.2\\.[0-9](/1[12][0-9])?".prop_map(String::into_bytes),
        "[#;]?[ -~]{0,12}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..6),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_list_is_what_its_lines_are(
        mark in prop_oneof![4 => Just(&b""[..]), 1 => Just(UTF8_BOM), 1 => Just(&b"\xFF\xFE"[..])],
        lines in prop::collection::vec(line(), 0..40),
        ending in prop_oneof![Just(&b"\n"[..]), Just(&b"\r\n"[..])],
        ended: bool,
        size in 1_usize..200,
        most in 1_usize..200,
    ) {
        let mut text = mark.to_vec();
        text.extend(lines.join(ending));
        text.extend(if ended { ending } else { b"" });
        check(&text, size, most);
    }
}
