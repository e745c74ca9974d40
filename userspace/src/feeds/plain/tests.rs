use proptest::prelude::*;

use super::*;
use crate::feeds::lines::{Entry, parse_line};

/// Both families, each entry as [`parse_line`] would give it.
fn plain(text: &[u8]) -> Option<(Entry, usize)> {
    let four = ipv4(text).map(|(range, taken)| (Entry::Ipv4(range), taken));
    let six = ipv6(text).map(|(range, taken)| (Entry::Ipv6(range), taken));
    assert!(four.is_none() || six.is_none(), "both families take {text:?}");
    four.or(six)
}

/// What is taken as plain is what the careful parser reads from the same line.
fn agrees(text: &[u8]) -> Option<Entry> {
    let (entry, taken) = plain(text)?;
    let end = text.iter().position(|byte| *byte == b'\n');
    assert_eq!(Some(taken), end.map(|end| end + 1), "one whole line of {text:?}");
    assert_eq!(parse_line(&text[..taken]), Ok(Some(entry)), "{text:?}");
    Some(entry)
}

/// What large lists have after an entry, so that numbers can be read in whole words.
const NEXT: &str = "\n192.0.2.1";

#[test]
fn plain_entries_are_taken() {
    let lines = [
        "0.0.0.0",
        "255.255.255.255/32",
        "10.0.0.0/8",
        "128.0.0.0/1",
        "1.2.3.4\r",
        "1.2.3.0/24\r",
        "::",
        "::1",
        "1::",
        "2001:db8::/32",
        "2001:DB8:0:000:1:22:333:abCD/128\r",
        "::2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7::",
        "1:2:3:4:5:6:7:8",
        "1:2::7:8/127",
        "8000::/1",
        "::ffff:0:0:0",
    ];
    for line in lines {
        assert!(agrees(format!("{line}{NEXT}").as_bytes()).is_some(), "{line}");
    }
}

#[test]
fn what_needs_care_is_left() {
    let lines = [
        "",
        " 1.2.3.4",
        "1.2.3.4 ",
        "1.2.3.4#",
        "1.2.3.4-1.2.3.5",
        "1.2.3.04",
        "1.2.3.00",
        "1.2.3.256",
        "1.2.3.1000",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.",
        "1..3.4",
        "1.2.3.4/33",
        "1.2.3.4/08",
        "1.2.3.4/",
        "1.2.3.4/24",
        "0.0.0.0/0",
        "1.2.3.4\r\r",
        "\u{feff}1.2.3.4",
        ":",
        ":::",
        "1:",
        ":1",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7",
        "1::2::3",
        "1:2:3:4::5:6:7:8",
        "1:2:3:4:5:6:7:8::",
        "12345::",
        "::g",
        "fe80::1%eth0",
        "::ffff:192.0.2.1",
        "::ffff:c000:201",
        "::ffff:c000:200/120",
        "2001:db8::1/32",
        "2001:db8::/129",
        "::/0",
    ];
    for line in lines {
        assert_eq!(plain(format!("{line}{NEXT}").as_bytes()), None, "{line:?}");
    }
    assert_eq!(plain(b"1.2.3.4"), None, "the last line, without its end");
}

/// Characters of entries, and some that are near them in ASCII or that lists have between entries.
const NEAR_ENTRIES: &str = "[0-9a-gA-G:./ \t\r\n#;%+,\\-@`\u{b2}\u{7f}]{0,48}";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn any_bytes(text: Vec<u8>) {
        agrees(&text);
    }

    #[test]
    fn any_text_near_an_entry(text in NEAR_ENTRIES) {
        agrees(text.as_bytes());
    }

    #[test]
    fn any_dotted_text(numbers in prop::collection::vec("[0-9]{0,4}", 1..6), end in "(/[0-9]{0,3})?[ \r#]?") {
        let text = format!("{}{end}{NEXT}", numbers.join("."));
        let taken = agrees(text.as_bytes()).is_some();
        let good = matches!(parse_line(text.lines().next().unwrap().as_bytes()), Ok(Some(_)));
        prop_assert_eq!(taken, good && !end.contains([' ', '#']), "{}", text);
    }

    #[test]
    fn any_groups(groups in prop::collection::vec("[0-9a-fA-F]{0,5}", 1..10), end in "(/[0-9]{0,3})?[ \r#]?") {
        agrees(format!("{}{end}{NEXT}", groups.join(":")).as_bytes());
    }

    #[test]
    fn what_is_written_is_taken4(bits: u32, length in 1_u8..=32, ending in "\r?\n") {
        let range = Range::prefix(bits, length);
        let text = format!("{}/{length}{ending}and so on", range.first.to_ip());
        prop_assert_eq!(agrees(text.as_bytes()), Some(Entry::Ipv4(range)));
    }

    #[test]
    fn what_is_written_is_taken6(bits in 1_u128 << 64.., length in 1_u8..=128, ending in "\r?\n") {
        let range = Range::prefix(bits, length);
        let text = format!("{}/{length}{ending}and so on", range.first.to_ip());
        prop_assert_eq!(agrees(text.as_bytes()), Some(Entry::Ipv6(range)));
    }
}
