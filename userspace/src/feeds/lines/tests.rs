use proptest::prelude::*;

use super::*;

fn parsed(line: &str) -> Option<Entry> {
    parse_line(line.as_bytes()).unwrap_or_else(|problem| panic!("{line:?}: {problem}"))
}

fn message(line: &str) -> String {
    parse_line(line.as_bytes()).expect_err(line).to_string()
}

fn ipv4(first: [u8; 4], last: [u8; 4]) -> Entry {
    Entry::Ipv4(Range { first: u32::from_be_bytes(first), last: u32::from_be_bytes(last) })
}

#[test]
fn each_form_is_read() {
    assert_eq!(parsed("192.0.2.1"), Some(ipv4([192, 0, 2, 1], [192, 0, 2, 1])));
    assert_eq!(parsed("192.0.2.0/24"), Some(ipv4([192, 0, 2, 0], [192, 0, 2, 255])));
    assert_eq!(parsed("192.0.2.1/32"), Some(ipv4([192, 0, 2, 1], [192, 0, 2, 1])));
    assert_eq!(parsed("128.0.0.0/1"), Some(ipv4([128, 0, 0, 0], [255; 4])));
    assert_eq!(parsed("192.0.2.1-192.0.2.9"), Some(ipv4([192, 0, 2, 1], [192, 0, 2, 9])));
    assert_eq!(parsed("192.0.2.1 - 192.0.2.9"), Some(ipv4([192, 0, 2, 1], [192, 0, 2, 9])));
    assert_eq!(parsed("0.0.0.0-255.255.255.254"), Some(ipv4([0; 4], [255, 255, 255, 254])));
    assert_eq!(parsed("::1"), Some(Entry::Ipv6(Range::single(1))));
    assert_eq!(parsed("2001:DB8::/32"), Some(Entry::Ipv6(Range::prefix(0x2001_0db8 << 96, 32))));
    assert_eq!(parsed("::-::ff"), Some(Entry::Ipv6(Range { first: 0, last: 255 })));
}

#[test]
fn comments_blanks_and_line_ends_are_no_entries() {
    for line in ["", " \t", "\r", "# 192.0.2.1", "; DROP list", "  # x", "\u{c}"] {
        assert_eq!(parsed(line), None, "{line:?}");
    }
    for line in
        ["192.0.2.1\r", "\t192.0.2.1 ", "192.0.2.1#x", "192.0.2.1 ; SBL1 # y", "192.0.2.1 # caf\u{e9}"]
    {
        assert_eq!(parsed(line), Some(ipv4([192, 0, 2, 1], [192, 0, 2, 1])), "{line:?}");
    }
    assert_eq!(parse_line(b"192.0.2.1 # latin-1: \xE9"), Ok(Some(ipv4([192, 0, 2, 1], [192, 0, 2, 1]))));
}

#[test]
fn every_problem_says_what_to_write() {
    let problems = [
        (
            "10.0.0.5/8",
            "host bits are set; write 10.0.0.0/8 for the network, or 10.0.0.5 for the one address",
        ),
        (
            "2001:db8::1/32",
            "host bits are set; write 2001:db8::/32 for the network, or 2001:db8::1 for the one address",
        ),
        ("10.0.0.9-10.0.0.1", "the range ends before it starts; write 10.0.0.1-10.0.0.9 if that is meant"),
        (
            "10.0.0.9-::1",
            "a range from one address family to the other; both ends must be IPv4, or both IPv6",
        ),
        ("10.0.0.1:80", "an address with a port or brackets; write the address alone: 10.0.0.1"),
        ("[2001:db8::1]:443", "an address with a port or brackets; write the address alone: 2001:db8::1"),
        ("[2001:db8::1]", "an address with a port or brackets; write the address alone: 2001:db8::1"),
        ("fe80::1%eth0", "an address with a zone; write it without the % and what follows"),
        (
            "::ffff:192.0.2.1",
            "an IPv4-mapped IPv6 address, which no packet carries as its source; write 192.0.2.1",
        ),
        (
            "::ffff:192.0.2.0/120",
            "an IPv4-mapped IPv6 address, which no packet carries as its source; write 192.0.2.0/24",
        ),
        (
            "::1-::ffff:192.0.2.1",
            "an IPv4-mapped IPv6 address, which no packet carries as its source; write 192.0.2.1",
        ),
        (
            "10.0.0.010",
            "a number with a leading zero, which some programs read as octal; write it without the zero",
        ),
        ("10.0.0.256", "a number of an IPv4 address goes up to 255"),
        ("10.0.0", "an IPv4 address has four numbers; write all of them"),
        ("10.0.0./24", "an IPv4 address has four numbers; write all of them"),
        ("10.0.0.0/33", "the prefix length goes up to 32"),
        ("10.0.0.0/999", "the prefix length goes up to 32"),
        ("2001:db8::/129", "the prefix length goes up to 128"),
        ("10.0.0.0/", "the prefix length after the / is not a plain number"),
        ("10.0.0.0/08", "the prefix length after the / is not a plain number"),
        ("10.0.0.0/+8", "the prefix length after the / is not a plain number"),
        ("10.0.0.0/8/8", "the prefix length after the / is not a plain number"),
        ("10.0.0.0/255.0.255.0", "the prefix length after the / is not a plain number"),
        ("10.0.0.0/255.255.0.0", "a netmask; write the prefix length: /16"),
        ("0.0.0.0/0", "covers every IPv4 address, and would shut out the whole IPv4 internet; remove it"),
        ("10.0.0.0/0", "covers every IPv4 address, and would shut out the whole IPv4 internet; remove it"),
        (
            "0.0.0.0-255.255.255.255",
            "covers every IPv4 address, and would shut out the whole IPv4 internet; remove it",
        ),
        ("::/0", "covers every IPv6 address, and would shut out the whole IPv6 internet; remove it"),
        ("\u{661}0.0.0.1", "holds characters beyond plain ASCII; retype the address by hand"),
        ("10.0.0.1\u{a0}", "holds characters beyond plain ASCII; retype the address by hand"),
        ("10.0.0.1 3", "text follows the entry; write one entry on a line, and start a comment with #"),
        ("bad.example.com", "a host name; lists hold addresses only, and names are never looked up"),
        ("localhost", "a host name; lists hold addresses only, and names are never looked up"),
        ("10.0.0.1,", "not an address, a prefix (10.0.0.0/8) or a range (10.0.0.1-10.0.0.9)"),
        ("3232235777", "not an address, a prefix (10.0.0.0/8) or a range (10.0.0.1-10.0.0.9)"),
        ("1.2.3.4.5", "not an address, a prefix (10.0.0.0/8) or a range (10.0.0.1-10.0.0.9)"),
        ("::g", "not an address, a prefix (10.0.0.0/8) or a range (10.0.0.1-10.0.0.9)"),
        ("-", "not an address, a prefix (10.0.0.0/8) or a range (10.0.0.1-10.0.0.9)"),
    ];
    for (line, expected) in problems {
        assert_eq!(message(line), expected, "{line:?}");
    }
    assert_eq!(parse_line(b"10.0.0.\xFF"), Err(LineProblem::NotAscii));
}

proptest! {
    #[test]
    fn what_is_written_is_read4(a: u32, b: u32, length in 1_u8..=32) {
        let (first, last) = (a.min(b), a.max(b));
        prop_assume!(last - first < u32::MAX);
        let range = Range { first, last };
        prop_assert_eq!(parsed(&range.to_string()), Some(Entry::Ipv4(range)));
        let prefix = Range::prefix(a, length);
        prop_assert_eq!(parsed(&format!("{}/{length}", prefix.first.to_ip())), Some(Entry::Ipv4(prefix)));
        prop_assert_eq!(parsed(&a.to_ip().to_string()), Some(Entry::Ipv4(Range::single(a))));
    }

    #[test]
    fn what_is_written_is_read6(a in 1_u128 << 64.., b in 1_u128 << 64.., length in 1_u8..=128) {
        let range = Range { first: a.min(b), last: a.max(b) };
        prop_assert_eq!(parsed(&range.to_string()), Some(Entry::Ipv6(range)));
        let prefix = Range::prefix(a, length);
        prop_assert_eq!(parsed(&format!("{}/{length}", prefix.first.to_ip())), Some(Entry::Ipv6(prefix)));
        prop_assert_eq!(parsed(&a.to_ip().to_string()), Some(Entry::Ipv6(Range::single(a))));
    }

    #[test]
    fn no_line_panics(line: Vec<u8>) {
        let _ = parse_line(&line);
    }

    #[test]
    fn no_text_near_an_entry_panics(line in "[0-9a-f:./ %\\[\\]#-]{0,40}") {
        let _ = parse_line(line.as_bytes());
    }
}
