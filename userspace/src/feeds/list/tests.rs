use super::*;
use crate::feeds::parse_list;
use crate::feeds::range::Range;

#[test]
fn a_list_is_read_with_its_comments() {
    let text = b"\xEF\xBB\xBF192.0.2.1\r\n# comment\r\n\r\n192.0.2.0/24 ; SBL1\n2001:db8::/32\n192.0.2.1";
    let list = parse_list(text, &BadLines::Refuse.into()).unwrap();
    assert_eq!(list.entries, 4);
    assert_eq!(list.ranges.ipv4.len(), 3, "duplicates stay: {:?}", list.ranges.ipv4);
    assert_eq!(list.ranges.ipv6, [Range::prefix(0x2001_0db8 << 96, 32)]);
    assert_eq!(list.skipped, BadLineReport::default());
}

#[test]
fn nothing_is_a_list_without_entries() {
    for (text, blank) in
        [("", true), ("\n\n", true), ("\u{feff} \r\n", true), ("# only a comment", false), ("[]", false)]
    {
        let list = parse_list(text.as_bytes(), &BadLines::Refuse.into()).unwrap();
        assert_eq!((list.entries, list.blank), (0, blank), "{text:?}");
    }
}

#[test]
fn all_bad_lines_are_told_at_once() {
    let error = parse_list(b"10.0.0.5/8\n192.0.2.1\nexample.com\n", &BadLines::Refuse.into()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "2 bad lines:\n  \
         line 1: \"10.0.0.5/8\": host bits are set; write 10.0.0.0/8 for the network, or 10.0.0.5 for the one address\n  \
         line 3: \"example.com\": a host name; lists hold addresses only, and names are never looked up\n\
         Correct the list, or leave such lines out with --skip-bad (skip_bad = true in the policy)"
    );
}

#[test]
fn a_long_report_is_cut() {
    let text = "x\n".repeat(25);
    let ListError::BadLines(report) = parse_list(text.as_bytes(), &BadLines::Refuse.into()).unwrap_err()
    else {
        panic!("bad lines");
    };
    assert_eq!((report.total, report.first.len()), (25, 20));
    assert!(report.to_string().ends_with("\n  and 5 more"), "{report}");
}

#[test]
fn bad_lines_can_be_skipped() {
    let list = parse_list(b"192.0.2.1\nnonsense\n", &BadLines::Skip.into()).unwrap();
    assert_eq!((list.entries, list.skipped.total), (1, 1));
    assert_eq!(list.skipped.first[0].line, 2);
    assert!(
        list.skipped.to_string().starts_with("1 bad line:\n  line 2: \"nonsense\": "),
        "{}",
        list.skipped
    );
}

#[test]
fn skipping_everything_is_not_an_empty_list() {
    let error = parse_list(b"Not found.\nTry later.\n", &BadLines::Skip.into()).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("not one line of it can be read, so it was not taken as an empty list\n2 bad")
    );
}

#[test]
fn other_formats_are_named() {
    let refused = |bytes: &[u8]| parse_list(bytes, &BadLines::Skip.into()).unwrap_err().to_string();
    assert_eq!(
        refused(b"\x1F\x8B\x08"),
        "it is compressed with gzip, unpack it first; a list is plain text with one entry on a line"
    );
    assert_eq!(
        refused(b"PK\x03\x04"),
        "it is a zip archive, unpack it first; a list is plain text with one entry on a line"
    );
    for bom in [b"\xFF\xFE", b"\xFE\xFF"] {
        assert_eq!(
            refused(bom),
            "it is UTF-16, save it as UTF-8; a list is plain text with one entry on a line"
        );
    }
}

#[test]
fn what_servers_send_in_place_of_a_list_is_named() {
    let refused = |text: &str| parse_list(text.as_bytes(), &BadLines::Skip.into()).unwrap_err().to_string();
    for page in ["<html>\n<p>Not found</p>\n", "\n <!DOCTYPE html>\n192.0.2.1\n", "<Head><title>403</title>"]
    {
        assert_eq!(
            refused(page),
            "it is an HTML page, not a list; a server sends one with an error or a login: open the address in a browser"
        );
    }
    let others = [
        ("<?xml version=\"1.0\"?>", "it is XML, not a list; look for the same list as text, CSV or JSON"),
        ("\u{1}\0\u{2}", "it is binary, not a list; look what the file is"),
        (
            "Name: blocked\nType: hash:ip\n",
            "it is what `ipset list` prints, not a list; take what `ipset save` prints",
        ),
        (
            "# ads\n0.0.0.0 ads.example.com\n",
            "it is a hosts file, in which an address stands for a name and is no source, not a list; \
             look for a list of addresses",
        ),
        ("||example.com^", "it is a filter list of names for browsers, not a list; xdpgate takes addresses"),
        (
            "{\"errors\":[{\"detail\":\"Invalid key\",\"status\":401}]}",
            "it is JSON, but holds no address; it begins with \
             \"{\"errors\":[{\"detail\":\"Invalid key\",\"status\":401}]}\"",
        ),
    ];
    for (text, message) in others {
        assert_eq!(refused(text), message);
    }
}

#[test]
fn a_message_shows_little_of_a_long_line_and_steers_no_terminal() {
    let report =
        parse_list(format!("\x1B[2J{}", "é".repeat(5000)).as_bytes(), &BadLines::Refuse.into()).unwrap_err();
    let ListError::BadLines(report) = report else { panic!("bad lines") };
    let text = &report.first[0].text;
    assert_eq!(text.chars().count(), 81);
    assert!(text.starts_with("\u{FFFD}[2Jéé") && text.ends_with("é…"), "{text}");
}
