use super::*;

#[test]
fn plain_lists_of_publishers() {
    let firehol = "#\n# firehol_level1\n#\n# Maintainer URL : https://iplists.firehol.org/\n1.10.16.0/20\n1.19.0.0/16\n";
    assert_eq!(found(firehol), (Format::Plain, entries(&[(5, "1.10.16.0/20"), (6, "1.19.0.0/16")])));
    let drop = "; Spamhaus DROP List 2026/01/31\n; Expires: soon\n1.10.16.0/20 ; SBL256894\n1.19.0.0/16 ; SBL434604\n";
    assert_eq!(found(drop), (Format::Plain, entries(&[(3, "1.10.16.0/20"), (4, "1.19.0.0/16")])));
    assert_eq!(
        found("192.0.2.1\n2001:db8::1\n"),
        (Format::Plain, entries(&[(1, "192.0.2.1"), (2, "2001:db8::1")]))
    );
    assert_eq!(
        timed("192.0.2.1 # scans\n192.0.2.2\n198.51.100.0/24 ; SBL1\n"),
        [
            ("192.0.2.1".to_owned(), None, Some("scans".to_owned())),
            ("192.0.2.2".to_owned(), None, None),
            ("198.51.100.0/24".to_owned(), None, Some("SBL1".to_owned())),
        ]
    );
    let list = read("AS64500 # a name\nas64501\n", &Reading::default()).unwrap();
    assert_eq!((list.systems.as_slice(), list.entries), (&[64_500, 64_501][..], 2));
    assert_eq!(
        list.addresses_only().unwrap_err().to_string(),
        "it names 2 autonomous systems (the first is AS64500), and only addresses can be used here"
    );
}

#[test]
fn ipsum_counts_after_a_tab() {
    let text = "# IPsum Threat Intelligence Feed\n# (https://github.com/stamparm/ipsum)\n#\n192.0.2.1\t10\n192.0.2.2\t9\n";
    assert_eq!(found(text), (Format::Csv, entries(&[(4, "192.0.2.1"), (5, "192.0.2.2")])));
}

const DROP_JSON: &str = "{\"cidr\":\"1.10.16.0/20\",\"sblid\":\"SBL256894\",\"rir\":\"apnic\"}\n\
    {\"cidr\":\"2001:db8::/32\",\"sblid\":\"SBL1\",\"rir\":\"ripencc\"}\n";
const METADATA: &str = "{\"type\":\"metadata\",\"timestamp\":1700000000,\"size\":200,\"records\":2,\"copyright\":\"(c)\",\"terms\":\"x\"}\n";

#[test]
fn spamhaus_json_is_counted() {
    let whole = format!("{DROP_JSON}{METADATA}");
    assert_eq!(found(&whole), (Format::SpamhausJson, entries(&[(1, "1.10.16.0/20"), (2, "2001:db8::/32")])));
    let systems =
        format!("{{\"asn\":64500,\"rir\":\"arin\",\"domain\":\"x\"}}\n{{\"asn\":64501}}\n{METADATA}");
    let list = read(&systems, &Reading::default()).unwrap();
    assert_eq!(
        (list.format, list.systems.as_slice(), list.entries),
        (Format::SpamhausJson, &[64_500, 64_501][..], 2)
    );
    assert_eq!(
        refused(DROP_JSON),
        "the last record, with the number of all records, is missing: it is cut short; get it again, or read it as what it \
         is: format = \"json\", field = \"cidr\""
    );
    let one_less = format!("{}{METADATA}", DROP_JSON.lines().next().unwrap().to_owned() + "\n");
    assert_eq!(
        refused(&one_less),
        "it says that it has 2 records, but 1 can be read: it is cut short or damaged; get it again"
    );
    let bad = whole.replace("1.10.16.0/20", "1.10.16.1/20");
    assert!(
        refused(&bad).starts_with("1 bad line:\n  line 1: \"{\"cidr\":\"1.10.16.1/20\""),
        "{}",
        refused(&bad)
    );
    assert_eq!(numbered(&read(&bad, &skipping()).unwrap()), entries(&[(2, "2001:db8::/32")]));
    let bad = systems.replace("64500", "0");
    assert!(refused(&bad).contains("the number of an autonomous system goes from 1 to"), "{}", refused(&bad));
}

#[test]
fn tor_exits() {
    let text = "ExitNode 0011BD2485AD45D984EC4159C88FC066E5E3300E\nPublished 2026-01-31 03:40:26\n\
        LastStatus 2026-01-31 05:00:00\nExitAddress 162.247.74.201 2026-01-31 05:31:10\n\
        ExitNode AABB\nExitAddress 192.0.2.1 2026-01-31 05:31:10\nExitAddress 192.0.2.2 2026-01-31 05:31:10\n";
    assert_eq!(
        found(text),
        (Format::TorExits, entries(&[(4, "162.247.74.201"), (6, "192.0.2.1"), (7, "192.0.2.2")]))
    );
    let odd = format!("{text}Exit 192.0.2.3\nExitAddress\n");
    assert_eq!(
        refused(&odd),
        "2 bad lines:\n  line 8: \"Exit 192.0.2.3\": not a line of exit-addresses, such as: ExitAddress 192.0.2.1 \
         2026-01-31 12:00:00\n  line 9: \"ExitAddress\": not a line of exit-addresses, such as: ExitAddress 192.0.2.1 \
         2026-01-31 12:00:00\nCorrect the list, or leave such lines out with --skip-bad (skip_bad = true in the policy)"
    );
}

#[test]
fn csv_with_and_without_names() {
    let header = "ip,countryCode,\"abuse, score\"\n192.0.2.1,US,100\n\"2001:db8::/32\",\"D,E\",90\n";
    assert_eq!(found(header), (Format::Csv, entries(&[(2, "192.0.2.1"), (3, "2001:db8::/32")])));
    let bare = "# comment\nUS,192.0.2.1,7\nDE,192.0.2.0/24,8\n";
    assert_eq!(found(bare), (Format::Csv, entries(&[(2, "192.0.2.1"), (3, "192.0.2.0/24")])));
    assert_eq!(found("ip;score\n192.0.2.1;5\n"), (Format::Csv, entries(&[(2, "192.0.2.1")])));
    assert_eq!(found("address,why\n"), (Format::Csv, Vec::new()), "only names");
    let ranges = "start,end,cc\n192.0.2.1,192.0.2.9,US\n2001:db8::,2001:db8::f,DE\n";
    assert_eq!(
        refused(ranges),
        "it has addresses in several columns: start, end, start..end; say which are meant, such as field = \"start\""
    );
    let wanted = entries(&[(2, "192.0.2.1-192.0.2.9"), (3, "2001:db8::/124")]);
    for field in ["start..end", "START .. End", "1..2"] {
        assert_eq!(numbered(&read(ranges, &with_field(field)).unwrap()), wanted, "{field}");
    }
    assert_eq!(numbered(&read(ranges, &with_field("end")).unwrap())[0].1, "192.0.2.9");
    assert_eq!(
        read(ranges, &with_field("ip")).unwrap_err(),
        "it has no column \"ip\"; it has start, end, cc"
    );
    assert_eq!(numbered(&read("1,192.0.2.1,192.0.2.7\n", &with_field("3")).unwrap())[0].1, "192.0.2.7");
}

#[test]
fn csv_rows_are_told() {
    let text = "ip,score\n192.0.2.1,1\n,2\n10.0.0.1:80,3\n192.0.2.5/24,4\n10.0.0.2 # x,5\n\n";
    assert_eq!(
        refused(text),
        "4 bad lines:\n  line 3: \",2\": the field with the address is empty\n  \
         line 4: \"10.0.0.1:80,3\": an address with a port or brackets; write the address alone: 10.0.0.1\n  \
         line 5: \"192.0.2.5/24,4\": host bits are set; write 192.0.2.0/24 for the network, or 192.0.2.5 for the one \
         address\n  \
         line 6: \"10.0.0.2 # x,5\": text follows the entry; write one entry on a line, and start a comment with #\n\
         Correct the list, or leave such lines out with --skip-bad (skip_bad = true in the policy)"
    );
    let short = read("n,ip\n1,192.0.2.1\n2\n", &skipping()).unwrap();
    assert_eq!(short.skipped.to_string(), "1 bad line:\n  line 3: \"2\": has no column 2");
    assert_eq!(
        timed("address,timeout,comment\n192.0.2.1,60,\"a, b\"\n192.0.2.2,,\n"),
        [("192.0.2.1".to_owned(), Some(60), Some("a, b".to_owned())), ("192.0.2.2".to_owned(), None, None),]
    );
    let error =
        read_entries("ip,timeout\n192.0.2.1,never\n".as_bytes(), &Reading::default(), |_| ()).unwrap_err();
    assert!(
        error.to_string().contains("line 2: \"192.0.2.1,never\": the timeout is not a number"),
        "{error}"
    );
}

#[test]
fn json_arrays_and_objects() {
    assert_eq!(
        found("[\"192.0.2.1\", \"2001:db8::/32\"]"),
        (Format::Json, entries(&[(1, "192.0.2.1"), (2, "2001:db8::/32")]))
    );
    let abuseipdb = "{\"meta\":{\"generatedAt\":\"2026-01-31T00:00:00+00:00\"},\"data\":[\
        {\"ipAddress\":\"192.0.2.1\",\"countryCode\":\"US\",\"abuseConfidenceScore\":100,\"lastReportedAt\":\"2026-01-31T00:00:00+00:00\"},\
        {\"ipAddress\":\"2001:db8::1\",\"countryCode\":null,\"abuseConfidenceScore\":100}]}";
    let wanted = entries(&[(1, "192.0.2.1"), (2, "2001:db8::1")]);
    assert_eq!(found(abuseipdb), (Format::Json, wanted.clone()));
    assert_eq!(numbered(&read(abuseipdb, &with_field("data.ipAddress")).unwrap()), wanted);
    assert_eq!(covering(abuseipdb, &Reading::default(), "2001:db8::1"), entries(&[(2, "2001:db8::1")]));
    assert_eq!(
        read(abuseipdb, &with_field("data.ip")).unwrap_err(),
        "2 bad elements:\n  element 1: \"{...}\": has no data.ip\n  element 2: \"{...}\": has no data.ip\n\
         Correct the list, or leave such lines out with --skip-bad (skip_bad = true in the policy)"
    );
    assert_eq!(read(abuseipdb, &with_field("results.ip")).unwrap_err(), "it has no field \"results.ip\"");
    let lines =
        "{\"ip\":\"192.0.2.1\",\"n\":1}\n{\"ip\":\"192.0.2.2\"}\n\n{\"n\":3}\n{\"ip\":\"192.0.2.4\"\n";
    assert_eq!(
        refused(lines),
        "2 bad lines:\n  line 4: \"{\"n\":3}\": has no ip\n  \
         line 5: \"{\"ip\":\"192.0.2.4\"\": not a JSON document, as the first line is\n\
         Correct the list, or leave such lines out with --skip-bad (skip_bad = true in the policy)"
    );
    let list = read(lines, &skipping()).unwrap();
    assert_eq!((numbered(&list), list.skipped.total), (entries(&[(1, "192.0.2.1"), (2, "192.0.2.2")]), 2));
}

#[test]
fn json_with_several_places_asks() {
    let aws = "{\"syncToken\":\"1\",\"prefixes\":[{\"ip_prefix\":\"192.0.2.0/24\",\"region\":\"x\"}],\
        \"ipv6_prefixes\":[{\"ipv6_prefix\":\"2001:db8::/32\"}]}";
    assert_eq!(
        refused(aws),
        "it has addresses in several fields: ipv6_prefixes.ipv6_prefix, prefixes.ip_prefix; say which are meant, such as \
         field = \"ipv6_prefixes.ipv6_prefix\""
    );
    let both = with_field("prefixes.ip_prefix,ipv6_prefixes.ipv6_prefix");
    assert_eq!(numbered(&read(aws, &both).unwrap()), entries(&[(1, "192.0.2.0/24"), (1, "2001:db8::/32")]));
    let google = "{\"prefixes\":[{\"ipv4Prefix\":\"192.0.2.0/24\"},{\"ipv6Prefix\":\"2001:db8::/32\"}]}";
    let both = with_field("prefixes.ipv4Prefix, prefixes.ipv6Prefix");
    assert_eq!(
        numbered(&read(google, &both).unwrap()),
        entries(&[(1, "192.0.2.0/24"), (2, "2001:db8::/32")])
    );
    // The other place comes only after the part that tells the place.
    let many = "{\"ip\":\"192.0.2.1\"},".repeat(20_000);
    let late = format!("{{\"bad\":[{}],\"good\":[\"192.0.2.2\"]}}", many.trim_end_matches(','));
    assert_eq!(
        refused(&late),
        "it has addresses in several fields: bad.ip, good; say which are meant, such as field = \"bad.ip\""
    );
    assert_eq!(read(&late, &with_field("bad.ip")).unwrap().entries, 20_000);
    assert_eq!(read(&late, &with_field("good")).unwrap().entries, 1);
}

#[test]
fn json_that_is_broken_is_told() {
    let cut = "{\"data\":[{\"ip\":\"192.0.2.1\"},{\"ip\":\"192.0.2.2\"";
    assert!(
        refused(cut).starts_with("the JSON can't be read: it is cut short: EOF while parsing"),
        "{}",
        refused(cut)
    );
    let two = "[\"192.0.2.1\"] [\"192.0.2.2\"]";
    assert_eq!(refused(two), "the JSON can't be read: trailing characters at line 1 column 15; get it again");
    let numbers = read("[{\"ip\":\"192.0.2.1\"},{\"ip\":3232235777}]", &skipping()).unwrap();
    assert_eq!(
        numbers.skipped.to_string(),
        "1 bad element:\n  element 2: \"3232235777\": a number; addresses are strings"
    );
    assert_eq!(read("{\"data\":[]}", &Reading::default()).unwrap().entries, 0);
    let deep = "[".repeat(200_000);
    assert!(refused(&deep).contains("JSON"), "{}", refused(&deep));
}

const IPSET: &str = "create blocked hash:net family inet hashsize 1024 maxelem 65536 timeout 600 comment counters\n\
    add blocked 192.0.2.0/24 timeout 599 packets 0 bytes 0 comment \"a \\ b\"\n\
    add blocked 198.51.100.7 timeout 0\n";

#[test]
fn ipset_exports() {
    assert_eq!(found(IPSET), (Format::IpsetSave, entries(&[(2, "192.0.2.0/24"), (3, "198.51.100.7")])));
    assert_eq!(
        timed(IPSET),
        [
            ("192.0.2.0/24".to_owned(), Some(599), Some("a \\ b".to_owned())),
            ("198.51.100.7".to_owned(), None, None),
        ]
    );
    let masked = "create nets hash:ip family inet netmask 24\nadd nets 192.0.2.0\n";
    assert_eq!(found(masked).1, entries(&[(2, "192.0.2.0/24")]));
    let twins = "create b4 hash:ip family inet\ncreate b6 hash:ip family inet6\nadd b4 192.0.2.1\nadd b6 2001:db8::1\n";
    assert_eq!(found(twins).1, entries(&[(3, "192.0.2.1"), (4, "2001:db8::1")]));
    let several = "create bad hash:ip\ncreate good hash:ip\nadd bad 192.0.2.1\nadd good 192.0.2.2\n";
    assert_eq!(
        refused(several),
        "it has addresses in several sets: bad, good; say which are meant, such as field = \"bad\""
    );
    assert_eq!(numbered(&read(several, &with_field("bad")).unwrap()), entries(&[(3, "192.0.2.1")]));
    assert_eq!(covering(several, &with_field("bad"), "192.0.2.2"), []);
}

#[test]
fn what_is_no_source_in_a_set_is_told() {
    let text = "create ports hash:ip,port family inet\nadd ports 192.0.2.1,tcp:80\n";
    assert_eq!(
        refused(text),
        "1 bad line:\n  line 2: \"add ports 192.0.2.1,tcp:80\": an element of a hash:ip,port set: no source alone; xdpgate \
         takes sets of addresses and prefixes only\n\
         Correct the list, or leave such lines out with --skip-bad (skip_bad = true in the policy)"
    );
    let exception = "create nets hash:net\nadd nets 10.0.0.0/8\nadd nets 10.1.0.0/16 nomatch\n";
    assert!(
        refused(exception).contains("line 3: \"add nets 10.1.0.0/16 nomatch\": an exception"),
        "{}",
        refused(exception)
    );
    let parts = "add ports 192.0.2.1,80\n";
    assert!(refused(parts).contains("an element of several parts"), "{}", refused(parts));
}

const NFT: &str = "table inet filter {\n\tset blocked {\n\t\ttype ipv4_addr\n\t\tflags interval,timeout\n\t\tauto-merge\n\
    \t\tcomment \"not { an element }\"\n\
    \t\telements = { 10.0.0.0/8, 192.0.2.1-192.0.2.9 timeout 1h expires 59m30s comment \"x, y }\",\n\
    \t\t\t     198.51.100.7 counter packets 0 bytes 0 timeout 1d }\n\t}\n\
    \tchain input {\n\t\tip saddr { 203.0.113.1, 203.0.113.2 } drop\n\t\tip saddr @blocked drop\n\t}\n}\n";

#[test]
fn nft_text() {
    let wanted = entries(&[(7, "10.0.0.0/8"), (7, "192.0.2.1-192.0.2.9"), (8, "198.51.100.7")]);
    assert_eq!(found(NFT), (Format::NftText, wanted.clone()));
    assert_eq!(
        timed(NFT),
        [
            ("10.0.0.0/8".to_owned(), None, None),
            ("192.0.2.1-192.0.2.9".to_owned(), Some(59 * 60 + 30), Some("x, y }".to_owned())),
            ("198.51.100.7".to_owned(), Some(86_400), None),
        ]
    );
    assert_eq!(covering(NFT, &Reading::default(), "198.51.100.7")[0].0, 8);
    for field in ["blocked", "filter/blocked"] {
        assert_eq!(numbered(&read(NFT, &with_field(field)).unwrap()), wanted, "{field}");
    }
    assert_eq!(
        read(NFT, &with_field("other")).unwrap_err(),
        "it has no set \"other\"; it has filter/blocked"
    );
    let script =
        "add table ip t\nadd set ip t b { type ipv4_addr; }\nadd element ip t b { 192.0.2.1, 192.0.2.2 }\n";
    assert_eq!(found(script), (Format::NftText, entries(&[(3, "192.0.2.1"), (3, "192.0.2.2")])));
    let cut = NFT.get(..NFT.len() - 3).unwrap();
    assert_eq!(refused(cut), "it is cut short: a brace is open at its end; get it again");
    let none = "table inet filter {\n\tchain input {\n\t}\n}\n";
    assert_eq!(
        refused(none),
        "it is of nftables, but without a set, not a list; export one with `nft list set`, or all with `nft list ruleset`"
    );
}

#[test]
fn nft_elements_that_are_no_sources() {
    let text = "table ip t {\n\tset p {\n\t\ttype ipv4_addr . inet_service\n\t\telements = { 192.0.2.1 . 80 }\n\t}\n}\n";
    assert!(
        refused(text).contains("line 4: \"192.0.2.1 . 80\": an element of several parts: no source"),
        "{}",
        refused(text)
    );
    let map = "table ip t {\n\tmap m {\n\t\ttype ipv4_addr : verdict\n\t\telements = { 192.0.2.1 : drop }\n\t}\n}\n";
    assert!(refused(map).contains("an element of a map"), "{}", refused(map));
}

#[test]
fn nft_json() {
    let text = r#"{"nftables":[{"metainfo":{"version":"1.0.6","json_schema_version":1}},{"set":{"family":"inet","name":"blocked",
        "table":"filter","type":"ipv4_addr","handle":1,"flags":["interval","timeout"],"elem":["192.0.2.1",
        {"prefix":{"addr":"10.0.0.0","len":8}},{"range":["192.0.2.5","192.0.2.9"]},
        {"elem":{"val":"198.51.100.7","timeout":600,"expires":599,"comment":"x"}},
        {"elem":{"val":{"prefix":{"addr":"2001:db8::","len":32}},"counter":{"packets":0,"bytes":0}}}]}}]}"#;
    assert_eq!(
        found(text),
        (
            Format::NftJson,
            entries(&[
                (1, "192.0.2.1"),
                (2, "10.0.0.0/8"),
                (3, "192.0.2.5-192.0.2.9"),
                (4, "198.51.100.7"),
                (5, "2001:db8::/32")
            ])
        )
    );
    assert_eq!(timed(text)[3], ("198.51.100.7".to_owned(), Some(599), Some("x".to_owned())));
    assert_eq!(
        covering(text, &Reading::default(), "10.1.1.1"),
        entries(&[(2, r#"{"prefix":{"addr":"10.0.0.0","len":8}}"#)])
    );
    let concat = r#"{"nftables":[{"set":{"table":"t","name":"s","elem":[{"concat":["192.0.2.1",80]},80,["192.0.2.1","x"]]}}]}"#;
    let report = refused(concat);
    for part in ["element 1: ", "an element of several parts", "element 2: \"80\"", "an element of a map"] {
        assert!(report.contains(part), "{part}: {report}");
    }
    assert!(refused(r#"{"nftables":[{"metainfo":{}}]}"#).contains("without a set"));
}

const RIR: &str = "2|ripencc|1700000000|5|19830705|20260131|+0100\nripencc|*|ipv4|*|2|summary\nripencc|*|asn|*|1|summary\n\
    ripencc|*|ipv6|*|1|summary\nripencc|DE|asn|64500|1|20260131|allocated|x\nripencc|DE|ipv4|192.0.2.0|768|20260131|allocated|x\n\
    ripencc|FR|ipv4|198.51.100.0|256|20260131|assigned|y\nripencc|DE|ipv6|2001:db8::|32|20260131|allocated|x\n";

fn of_country(code: &str) -> Reading {
    Reading { country: Some(code.parse().unwrap()), ..Reading::default() }
}

#[test]
fn registries_by_country() {
    let list = read(RIR, &of_country("DE")).unwrap();
    assert_eq!(
        (list.format, numbered(&list)),
        (Format::RirDelegated, entries(&[(6, "192.0.2.0-192.0.4.255"), (8, "2001:db8::/32")]))
    );
    assert_eq!(read(RIR, &of_country("US")).unwrap().entries, 0);
    assert_eq!(covering(RIR, &of_country("FR"), "198.51.100.9")[0].0, 7);
    assert_eq!(
        refused(RIR),
        "it has the addresses of many countries; say which one is meant, such as country = \"DE\""
    );
    let cut: String = RIR.split_inclusive('\n').take(6).collect();
    assert_eq!(
        read(&cut, &of_country("DE")).unwrap_err(),
        "it says that it has 2 IPv4 records, but 1 can be read: it is cut short or damaged; get it again"
    );
    let odd = RIR.replace("|768|", "|4294967295|").replace("2001:db8::|32", "2001:db8::|16");
    let report = read(&odd, &of_country("DE")).unwrap_err();
    assert!(
        report.contains("line 6: ") && report.contains("the count goes beyond the last address"),
        "{report}"
    );
    assert!(report.contains("line 8: ") && report.contains("host bits are set"), "{report}");
}

#[test]
fn settings_for_another_file_are_refused() {
    assert_eq!(
        read("192.0.2.1\n", &with_field("ip")).unwrap_err(),
        "field is given, but it is plain, which has no columns, fields or sets to choose from; remove it, or name the right \
         format"
    );
    assert_eq!(
        read("192.0.2.1\n", &of_country("DE")).unwrap_err(),
        "country is given, but it is plain, which does not say of which country an address is; remove it, or name the \
         right format"
    );
}
