//! Every mistake that is known to happen, and what its author reads.

use super::*;

#[test]
fn numbers_out_of_range() {
    for (text, expected) in [
        (
            "[tables]\nbans = 1023",
            "2: tables.bans: 1023 is out of range; allowed: 1,024 to 16,777,216; choose a number in that range",
        ),
        (
            "[tables]\nsources = 16777217",
            "2: tables.sources: 16777217 is out of range; allowed: 1,024 to 16,777,216; choose a number in that range",
        ),
        (
            "[tables]\nprefixes = 99999999999999999999",
            "2: tables.prefixes: 99999999999999999999 is out of range; allowed: 1,024 to 16,777,216; choose a number in that range",
        ),
        (
            "[limits.source]\nipv4_prefix = 7",
            "2: limits.source.ipv4_prefix: 7 is out of range; allowed: 8 to 32; choose a number in that range",
        ),
        (
            "[limits.source]\nipv6_prefix = 65",
            "2: limits.source.ipv6_prefix: 65 is out of range; allowed: 16 to 64; choose a number in that range",
        ),
        (
            "[limits.source]\nipv4_prefix = -1",
            "2: limits.source.ipv4_prefix: -1 is out of range; allowed: 8 to 32; choose a number in that range",
        ),
        (
            "[events]\nper_second = 100001",
            "2: events.per_second: 100001 is out of range; allowed: 0 to 100,000; choose a number in that range",
        ),
        (
            "[safety]\nmanagement_ports = [22,\n0]",
            "3: safety.management_ports: 0 is out of range; allowed: at most 8 ports of 1 to 65,535; choose a number in that range",
        ),
        (
            "[country]\nudp_services = [65536]",
            "2: country.udp_services: 65536 is out of range; allowed: at most 16 ports of 1 to 65,535; choose a number in that range",
        ),
    ] {
        assert_eq!(problems(text), [expected]);
    }
}

#[test]
fn too_many() {
    let ports = |count: u16| (1..=count).map(|port| port.to_string()).collect::<Vec<_>>().join(", ");
    checked(&format!("[safety]\nmanagement_ports = [{}]", ports(8)));
    checked(&format!("[country]\nudp_services = [{}]", ports(16)));
    for (text, expected) in [
        (
            format!("[safety]\nmanagement_ports = [{}]", ports(9)),
            "2: safety.management_ports: 9 entries are too many; allowed: at most 8 ports of 1 to 65,535; remove some",
        ),
        (
            format!("[country]\nudp_services = [{}]", ports(17)),
            "2: country.udp_services: 17 entries are too many; allowed: at most 16 ports of 1 to 65,535; remove some",
        ),
    ] {
        assert_eq!(problems(&text), [expected]);
    }

    let names = |count: u32| (0..count).map(|name| format!("\"eth{name}\"")).collect::<Vec<_>>().join(", ");
    checked(&format!("interfaces = [{}]", names(64)));
    assert_eq!(
        problems(&format!("interfaces = [{}]", names(65))),
        [
            "1: interfaces: 65 entries are too many; allowed: at most 64 names of 1 to 15 bytes, no name twice; remove some"
        ]
    );

    let lists = |count: u32| {
        (0..count).map(|n| format!("[[list]]\nname = \"l{n}\"\npath = \"l\"\n")).collect::<Vec<_>>().concat()
    };
    assert_eq!(checked(&lists(64)).lists.len(), 64);
    assert_eq!(
        problems(&lists(65)),
        ["193: list: 65 lists are too many; allowed: at most 64; join some of them"]
    );
}

#[test]
fn rates_and_bursts() {
    for (text, expected) in [
        (
            "packets = \"0/s\"",
            "2: limits.source.packets: a rate of zero is not allowed; allowed: 1 packet/h to 100,000,000 packets/s; to switch the limit off, remove the key",
        ),
        (
            "packets = \"99999999999999999999/s\"",
            "2: limits.source.packets: `99999999999999999999/s` is too fast; allowed: 1 packet/h to 100,000,000 packets/s; the nearest is `100000000 packets/s`",
        ),
        (
            "packets = 2000",
            "2: limits.source.packets: a whole number is not a rate in quotes; allowed: 1 packet/h to 100,000,000 packets/s; write it like \"2000/s\"",
        ),
        (
            "packets = \"1/h\"\npackets_burst = 25",
            "3: limits.source.packets_burst: 25 is too large; allowed: 1 to 24 packets at this rate; the nearest is 24, or remove the key",
        ),
        (
            "packets = \"1/s\"\npackets_burst = 0",
            "3: limits.source.packets_burst: 0 is too small; allowed: 1 to 86,400 packets at this rate; the nearest is 1, or remove the key",
        ),
        (
            "packets_burst = 10",
            "2: limits.source.packets_burst: has no effect without limits.source.packets; allowed: 1 to 1,000,000,000 packets, and at most one day of the rate; add limits.source.packets, or remove this key",
        ),
        (
            "bytes = \"100 Mb/s\"",
            "2: limits.source.bytes: `100 Mb/s` is not a rate; allowed: 1 kB/s to 100 Gbit/s; write it like `50 Mbit/s`, `10 MB/s` or `1 MiB/s`",
        ),
        (
            "bytes = \"101 Gbit/s\"",
            "2: limits.source.bytes: `101 Gbit/s` is too fast; allowed: 1 kB/s to 100 Gbit/s; the nearest is `100 Gbit/s`",
        ),
        (
            "bytes = \"1 MB/s\"\nbytes_burst = \"1500 B\"",
            "3: limits.source.bytes_burst: 1,500 is too small; allowed: 65,536 to 86,400,000,000 bytes at this rate; the nearest is 65536, or remove the key",
        ),
        (
            "bytes = \"1 MB/s\"\nbytes_burst = \"1 mb\"",
            "3: limits.source.bytes_burst: `1 mb` is not a size; allowed: bytes with B, kB, MB, GB, KiB, MiB or GiB; write it like `4 MiB`",
        ),
    ] {
        assert_eq!(problems(&format!("[limits.source]\n{text}")), [expected]);
    }
}

#[test]
fn fragments_and_events() {
    for (text, expected) in [
        (
            "[fragments]\nrule = \"limit\"",
            "1: fragments.rate: is missing; allowed: 1 packet/h to 100,000,000 packets/s; add a line like rate = \"2000/s\"",
        ),
        (
            "[fragments]\nrate = \"5/s\"",
            "2: fragments.rate: has no effect with rule = \"pass\"; allowed: only with rule = \"limit\"; write that rule, or remove this key",
        ),
        (
            "[fragments]\nrule = \"reject\"",
            "2: fragments.rule: `reject` is not known; allowed: \"pass\", \"drop\", \"limit\"; write one of these",
        ),
        (
            "[events]\nper_second = 0\nburst = 5",
            "3: events.burst: has no effect while events.per_second is 0; allowed: 1 to 100,000; remove this key, or raise per_second",
        ),
    ] {
        assert_eq!(problems(text), [expected]);
    }
}

#[test]
fn prefixes() {
    for (text, expected) in [
        (
            "[allow]\nprefixes = [\n  \"192.0.2.1/24\",\n]",
            "3: allow.prefixes: 192.0.2.1/24 has host bits set; did you mean 192.0.2.0/24?",
        ),
        (
            "[safety]\nmanagement_prefixes = [\"home\"]",
            "2: safety.management_prefixes: `home` is not a prefix; allowed: an IPv4 prefix of 0 to 32 bits, an IPv6 prefix of 0 to 128 bits, or an address; write it like 192.0.2.0/24 or 2001:db8::/32",
        ),
        (
            "[allow]\nprefixes = [1]",
            "2: allow.prefixes: a whole number is not a prefix in quotes; allowed: IPv4 and IPv6 prefixes without host bits, and addresses; write it like [\"192.0.2.0/24\", \"2001:db8::1\"]",
        ),
        (
            "allow = [\"192.0.2.1\"]",
            "1: allow: is not a table; allowed: [allow]; write the line [allow] and its keys below it",
        ),
    ] {
        assert_eq!(problems(text), [expected]);
    }
}

#[test]
fn names_twice() {
    assert_eq!(
        problems("interfaces = [\n\"eth0\",\n\"eth0\"]"),
        [
            "3: interfaces: `eth0` is already on line 2; allowed: at most 64 names of 1 to 15 bytes, no name twice; remove one of the two"
        ]
    );
    let list = "[[list]]\nname = \"a\"\npath = \"a.txt\"\n";
    assert_eq!(
        problems(&format!("{list}{list}")),
        [
            "5: list.name: `a` is already the name of the list on line 2; allowed: each name once; choose another name"
        ]
    );
}

#[test]
fn lists() {
    for (text, expected) in [
        (
            "[[list]]\npath = \"a\"",
            "1: list.name: is missing; allowed: 1 to 63 letters, digits, `-`, `_` and `.`, beginning with a letter or a digit; add a line like name = \"drop\"",
        ),
        (
            "[[list]]\nname = \"a\"",
            "1: list.path: is missing; allowed: one of `path`, `folder`, `url`, `union` or `asn`; add a line like path = \"/etc/xdpgate/file\"",
        ),
        (
            "[list]\nname = \"a\"\npath = \"b\"",
            "1: list: is not a list of tables; allowed: [[list]]; write the line [[list]] above each of them",
        ),
        (
            "[[list]]\nname = \"a b\"\npath = \"b\"",
            "2: list.name: \"a b\" is not a name; allowed: 1 to 63 letters, digits, `-`, `_` and `.`, beginning with a letter or a digit; choose another name",
        ),
        (
            "[[list]]\nname = \"a\"\npath = \"\"",
            "3: list.path: an empty path, or one with a zero byte; allowed: a path; a relative one begins at the policy's folder; write the path",
        ),
    ] {
        assert_eq!(problems(text), [expected]);
    }
}

#[test]
fn countries() {
    let geo = "[geo]\ndatabase = \"geo.mmdb\"\n[country]\n";
    for (text, expected) in [
        (
            "deny = [\"RU\"]\nallow_only = [\"DE\"]",
            "5: country.allow_only: cannot stand beside country.deny (line 4); allowed: one of the two; remove one of them",
        ),
        ("deny = [\"RUS\"]", "4: country.deny: `RUS` is not a country code; write two letters, such as `DE`"),
        (
            "allow_only = []",
            "4: country.allow_only: names no country, which would drop the world; allowed: codes of two letters; name the countries that may pass",
        ),
    ] {
        assert_eq!(problems(&format!("{geo}{text}")), [expected]);
    }
    assert_eq!(
        problems("[country]\ndeny = [\"RU\"]"),
        [
            "2: country.deny: needs a geo database; allowed: only with geo.database; add [geo] with database = \"FILE\", or remove this key"
        ]
    );
    assert_eq!(checked("[country]\ndeny = []").country.rule, CountrySelection::Off);
}

#[test]
fn the_daemon() {
    let long = format!("/run/{}", "a".repeat(103));
    for (text, expected) in [
        ("metrics = \"127.0.0.1\"".to_owned(), "2: daemon.metrics: `127.0.0.1` is not an address with a port; allowed: an IPv4 or IPv6 address and a port of 1 to 65,535; write it like \"127.0.0.1:9919\" or \"[::1]:9919\"".to_owned()),
        ("metrics = \"127.0.0.1:0\"".to_owned(), "2: daemon.metrics: `127.0.0.1:0` is not an address with a port; allowed: an IPv4 or IPv6 address and a port of 1 to 65,535; write it like \"127.0.0.1:9919\" or \"[::1]:9919\"".to_owned()),
        (format!("socket = \"{long}\""), format!("2: daemon.socket: {long} has 108 bytes; allowed: a path of at most 107 bytes; a relative one begins at the policy's folder; choose a shorter path, such as one in /run")),
        ("attach = \"skb\"".to_owned(), "2: daemon.attach: `skb` is not known; allowed: \"auto\", \"native\", \"generic\"; write one of these".to_owned()),
    ] {
        assert_eq!(problems(&format!("[daemon]\n{text}")), [expected]);
    }
}

#[test]
fn unknown_keys_and_tables() {
    for (text, expected) in [
        (
            "[limits.source]\npacket = \"1/s\"",
            "2: limits.source.packet: unknown key; allowed here: `bytes`, `bytes_burst`, `ipv4_prefix`, `ipv6_prefix`, `mode`, `packets`, `packets_burst`; did you mean `packets`?",
        ),
        (
            "[[list]]\nname = \"a\"\npath = \"b\"\nskipbad = true",
            "4: list.skipbad: unknown key; allowed here: `applies`, `asn`, `ca`, `country`, `dangerous`, `every`, `except`, `field`, \
             `folder`, `format`, `header_file`, `label`, `max_size`, `mode`, `name`, `path`, `ratio`, `skip_bad`, `timeout`, \
             `union`, `url`, `widest_ipv4`, `widest_ipv6`; did you mean `skip_bad`?",
        ),
        ("[[limits]]\nname = \"a\"", "1: limits: is not a table; allowed: [limits]; did you mean [[limit]]?"),
        (
            "\n[limits.sources]",
            "2: limits.sources: unknown key; allowed here: `source`; did you mean `source`?",
        ),
        (
            "[events]\n\"a\\nb\" = 1",
            "2: events.a\\nb: unknown key; allowed here: `burst`, `per_second`; remove it, or write one of these",
        ),
    ] {
        assert_eq!(problems(text), [expected]);
    }
}

#[test]
fn what_is_not_toml() {
    let both = problems("interfaces = [\n\ndefault_action = pass\n");
    assert!(both.iter().all(|problem| problem.contains(": syntax: ")), "{both:?}");
    let twice = problems("[events]\nburst = 1\nburst = 2");
    assert_eq!(twice, ["3: syntax: duplicate key; allowed: TOML; correct this line"]);
}

#[test]
fn all_problems_are_told_at_once() {
    let text = "default_action = \"reject\"\nfoo = 1\n[events]\nper_second = -1\n[limits.source]\npackets = \"0/s\"\n";
    let error = parse(text, Path::new("/etc/xdpgate/policy.toml")).unwrap_err();
    let places: Vec<_> =
        error.problems().iter().map(|problem| (problem.line, problem.key.as_str())).collect();
    assert_eq!(
        places,
        [(1, "default_action"), (2, "foo"), (4, "events.per_second"), (6, "limits.source.packets")]
    );
    let shown = error.to_string();
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(lines.len(), 5);
    assert!(
        lines[0].starts_with("/etc/xdpgate/policy.toml:1: default_action: `reject` is not known; allowed: ")
    );
    assert_eq!(lines[4], "4 problems; docs/policy.md describes every key.");
}

#[test]
fn one_problem_causes_no_others() {
    for text in [
        "[fragments]\nrule = \"limt\"\nrate = \"5/s\"",
        "[geo]\ndatabase = 1\n[country]\nallow_only = [\"DE\"]",
        "[geo]\ndatabase = \"g\"\n[country]\nallow_only = [\"DEU\"]",
        "[limits.source]\npackets = \"0/s\"\npackets_burst = 4000",
        "[events]\nper_second = -1\nburst = 5",
        "[[list]]\nname = 5\npath = \"a\"",
        "[limits]\nsource = 5",
        "[geo]\ndatabase = \"g\"\n[country]\nallow_only = 5",
    ] {
        assert_eq!(problems(text).len(), 1, "{text}");
    }
}

#[test]
fn thousands_of_problems_fit_a_terminal() {
    let text = format!("[allow]\nprefixes = [{}]", "\"x\", ".repeat(5000));
    let error = parse(&text, Path::new("p")).unwrap_err();
    assert_eq!(error.problems().len(), 5000);
    let shown = error.to_string();
    assert_eq!(shown.lines().count(), 52);
    assert!(shown.ends_with("and 4950 more like these\n5000 problems; docs/policy.md describes every key."));
}
