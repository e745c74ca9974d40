use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::config::reference::KeyKind;
use crate::config::{EMBEDDED_DEFAULT, LimitUnit, Rate, parse, parse_amount, parse_duration, parse_size};
use validator::validate;

mod validator;

fn json_of(policy: &str) -> Value {
    toml::from_str(policy).unwrap_or_else(|error| panic!("{error}\n{policy}"))
}

/// What the schema says of a policy.
fn judged(policy: &str) -> Result<(), String> {
    validate(&schema(), &json_of(policy), "")
}

#[test]
fn the_schema_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/policy.schema.json");
    let text = format!("{:#}\n", schema());
    if std::env::var_os("XDPGATE_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, &text).unwrap();
    }
    let current = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        current == text,
        "docs/policy.schema.json is not current: run XDPGATE_BLESS=1 cargo test -p xdpgate schema_is_current"
    );
}

#[test]
fn every_key_is_in_the_schema_with_its_default() {
    let schema = schema();
    for key in KEYS {
        let mut at = &schema;
        for step in key.table.split('.').filter(|step| !step.is_empty()) {
            at = &at["properties"][step];
            at = at.get("items").unwrap_or(at);
        }
        let found = if key.is_any_name() { &at["additionalProperties"] } else { &at["properties"][key.name] };
        assert!(found["description"].is_string(), "{}", key.path());
        assert_eq!(found.get("default").is_some(), matches!(key.default, Absent::Value(_)), "{}", key.path());
        assert_eq!(validate(found, &from_toml(&key.kind.example()).unwrap(), ""), Ok(()), "{}", key.path());
        if let Some(default) = found.get("default") {
            assert_eq!(validate(found, default, ""), Ok(()), "{}", key.path());
        }
    }
}

#[test]
fn policies_that_are_right_keep_to_the_schema() {
    assert_eq!(judged(EMBEDDED_DEFAULT), Ok(()));
    let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging");
    let examples = std::fs::read_dir(packaging.join("examples")).unwrap().map(|entry| entry.unwrap().path());
    let policies = examples.chain([packaging.join("xdpgate.toml")]);
    for path in policies.filter(|path| path.extension().is_some_and(|extension| extension == "toml")) {
        assert_eq!(judged(&std::fs::read_to_string(&path).unwrap()), Ok(()), "{}", path.display());
    }
}

#[test]
fn every_notation_keeps_to_the_schema() {
    let rates = [
        "1/s",
        "2_000 packets/min",
        "1 packet / hour",
        "24 connections/day",
        "1.5 Gbit/s",
        "1 GBIT/s",
        "10 MiB/h",
    ];
    let limits = |key: &str, values: &[&str]| -> Vec<String> {
        values.iter().map(|value| format!("[[limit]]\nname = \"l\"\n{}", key.replace('@', value))).collect()
    };
    let policies = [
        limits("rate = \"@\"", &rates),
        limits("rate = \"1 MB/s\"\nburst = @", &["65536", "\"4 MiB\"", "\"128 kB\"", "\"100000 bytes\""]),
        limits(
            "algorithm = \"fixed-window\"\ncount = \"9 packets\"\nwindow = \"@\"",
            &["1 ms", "90s", "1h30m", "1 h 30 min", "1 day", "2 minutes"],
        ),
    ];
    for policy in policies.concat() {
        let service = format!("[[service]]\nname = \"s\"\nports = [1, \"2-3\"]\nlimits = [\"l\"]\n{policy}");
        parse(&service, Path::new("p")).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(judged(&service), Ok(()), "{service}");
    }
}

proptest! {
    #[test]
    fn what_is_read_keeps_to_the_pattern(
        number in "[0-9_.]{1,6}",
        space in " {0,2}",
        word in select(vec!["", "packet", "packets", "connections", "bit", "KBIT", "Mbit", "gibit", "B", "kB", "KiB", "Mb"]),
        period in select(vec!["ms", "s", "sec", "m", "min", "h", "hour", "d", "days", "w", "y"]),
    ) {
        let keeps = |kind: KeyKind, text: &str| validate(&Value::Object(value::of(kind)), &json!(text), "").is_ok();
        let amount = format!("{space}{number}{space}{word}{space}");
        let rate = format!("{amount}/{space}{period}{space}");
        let duration = format!("{number}{space}{period}{space}{number}{period}");
        prop_assert!(Rate::parse_any(&rate).is_err() || keeps(KeyKind::AnyRate, &rate), "{}", rate);
        for (unit, kind) in [(LimitUnit::Packets, KeyKind::PacketRate), (LimitUnit::Bytes, KeyKind::ByteRate)] {
            prop_assert!(Rate::parse(&rate, unit).is_err() || keeps(kind, &rate), "{}", rate);
        }
        prop_assert!(parse_amount(&amount).is_err() || keeps(KeyKind::Amount, &amount), "{}", amount);
        prop_assert!(parse_size(&amount).is_err() || keeps(KeyKind::ByteBurst, &amount), "{}", amount);
        let day = KeyKind::Duration { min: Duration::ZERO, max: Duration::MAX, example: "" };
        prop_assert!(parse_duration(&duration).is_err() || keeps(day, &duration), "{}", duration);
    }
}

#[test]
fn policies_that_are_wrong_do_not() {
    for (policy, at) in [
        ("interface = [\"eth0\"]", "/interface"),
        ("interfaces = \"eth0\"", "/interfaces"),
        ("default_action = \"reject\"", "/default_action"),
        ("[tables]\nbans = 5", "/tables/bans"),
        ("[safety]\nmanagement_ports = [0]", "/safety/management_ports/0"),
        ("[allow]\nprefixes = [\"home\"]", "/allow/prefixes/0"),
        ("[limits.source]\nbytes = \"50 Mb/s\"", "/limits/source/bytes"),
        ("[fragments]\nrule = \"limit\"", "/fragments"),
        ("[fragments]\nrate = \"5/s\"", "/fragments/rate"),
        ("[country]\ndeny = [\"DE\"]\nallow_only = [\"FR\"]", "/country"),
        ("[[list]]\nname = \"a\"", "/list/0"),
        ("[[list]]\nname = \"a\"\npath = \"b\"\nurl = \"http://c/\"", "/list/0"),
        ("[[list]]\nname = \"a\"\nurl = \"ftp://c/\"", "/list/0/url"),
        ("[[list]]\nname = \"a\"\npath = \"b\"\ntimeout = \"5 s\"", "/list/0/timeout"),
        ("[[list]]\nname = \"a\"\nunion = []\nevery = \"5 s\"", "/list/0/every"),
        ("[[list]]\nname = \"a\"\npath = \"b\"\nformat = \"yaml\"", "/list/0/format"),
        ("[[list]]\nname = \"a\"\npath = \"b\"\nexcept = [\"a b\"]", "/list/0/except/0"),
        ("[[list]]\nname = \"a\"\nurl = \"http://c/\"\nmax_size = \"1 Mb\"", "/list/0/max_size"),
        ("[[list]]\nname = \"a\"\npath = \"b\"\nasn = [1]", "/list/0"),
        ("[[list]]\nname = \"a\"\nasn = []", "/list/0/asn"),
        ("[[list]]\nname = \"a\"\nasn = [0]", "/list/0/asn/0"),
        ("[list]\nname = \"a\"\npath = \"b\"", "/list"),
        ("[[plan]]\nname = \"gold\"", "/plan/0"),
        ("[[limit]]\nname = \"-l\"\nrate = \"1/s\"", "/limit/0/name"),
        ("[[limit]]\nname = \"l\"", "/limit/0"),
        ("[[limit]]\nname = \"l\"\nrate = \"1 requests/s\"", "/limit/0/rate"),
        ("[[limit]]\nname = \"l\"\nrate = \"1/s\"\ndepth = 1", "/limit/0/depth"),
        ("[[limit]]\nname = \"l\"\nalgorithm = \"fixed-window\"\ncount = \"9 packets\"", "/limit/0"),
        (
            "[[limit]]\nname = \"l\"\nalgorithm = \"fixed-window\"\ncount = \"9 packets\"\nwindow = \"5\"",
            "/limit/0/window",
        ),
        ("[[limit]]\nname = \"l\"\nrate = \"1/s\"\nban = \"1 h\"", "/limit/0/ban"),
        ("[[service]]\nname = \"s\"", "/service/0"),
        ("[[service]]\nname = \"s\"\nprotocol = \"icmp\"\nports = [1]", "/service/0/ports"),
        ("[[service]]\nname = \"s\"\nports = [\"80\"]", "/service/0/ports/0"),
        ("[[service]]\nname = \"s\"\nports = [1]\nlimits = [\"a\", \"a\"]", "/service/0/limits"),
        ("[[service]]\nname = \"s\"\nports = [1]\n[service.plans]\ngold = \"a\"", "/service/0/plans/gold"),
        ("[[service]]\nname = \"s\"\nports = [1]\n[service.plans]\n\"a b\" = []", "/service/0/plans"),
        (
            "[[service]]\nname = \"s\"\nports = [1]\n[service.country]\nmode = \"monitor\"",
            "/service/0/country",
        ),
        ("[[service]]\nname = \"s\"\nports = [1]\n[service.lists]\ndeny = \"a\"", "/service/0/lists/deny"),
    ] {
        let found = judged(policy).expect_err(policy);
        assert!(found.starts_with(&format!("{at}: ")), "{policy}: {found}");
        assert!(parse(policy, Path::new("p")).is_err(), "{policy}");
    }
}
