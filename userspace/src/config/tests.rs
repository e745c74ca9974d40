use super::*;
use crate::feeds::BadLines;

mod bad_input;
mod files;
mod lists;
mod properties;
mod services;

fn checked(text: &str) -> Config {
    parse(text, Path::new("policy.toml")).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn problems(text: &str) -> Vec<String> {
    let error = parse(text, Path::new("policy.toml")).expect_err(text);
    error.problems().iter().map(ToString::to_string).collect()
}

#[test]
fn an_empty_policy_limits_and_blocks_nothing() {
    let config = checked("");
    assert_eq!(config, Config::default());
    assert_eq!((config.source_limits.packets, config.source_limits.bytes), (None, None));
    assert_eq!(config.country.rule, CountrySelection::Off);
    assert_eq!(config.fragments.rule, FragmentRule::Pass);
}

#[test]
fn a_whole_policy_is_read() {
    let config = checked(
        r#"
interfaces = ["eth0", "eth1"]
default_action = "drop"
[daemon]
metrics = "[::1]:9919"
attach = "generic"
[tables]
bans = 1_024
[allow]
prefixes = [
    "192.0.2.0/24",
    "2001:db8::1",
]
[[list]]
name = "drop"
path = "lists/drop.txt"
[[list]]
name = "extra"
path = "/srv/extra.txt"
mode = "monitor"
skip_bad = true
[geo]
database = "geo.mmdb"
[country]
allow_only = ["de", "FR", "DE"]
unknown = "drop"
scope = "all"
[fragments]
rule = "limit"
rate = "60/min"
[limits.source]
packets = "120/min"
bytes = "50 Mbit/s"
bytes_burst = "1 MiB"
ipv6_prefix = 56
[events]
per_second = 0
"#,
    );
    let names: Vec<_> = config.interfaces.iter().map(InterfaceName::as_str).collect();
    assert_eq!(names, ["eth0", "eth1"]);
    assert_eq!(config.default_action, DefaultAction::Drop);
    assert_eq!(config.daemon.metrics.unwrap().to_string(), "[::1]:9919");
    assert_eq!(config.tables, TableSizes { bans: 1024, ..TableSizes::default() });
    let allowed: Vec<_> = config.allow.iter().map(|entry| (entry.value.to_string(), entry.line)).collect();
    assert_eq!(allowed, [("192.0.2.0/24".into(), 11), ("2001:db8::1/128".into(), 12)]);
    let lists: Vec<_> = config.lists.iter().map(|list| (list.name.as_str(), list.mode, list.line)).collect();
    assert_eq!(lists, [("drop", Mode::Enforce, 14), ("extra", Mode::Monitor, 17)]);
    let bad: Vec<_> = config.lists.iter().map(|list| list.reading.bad).collect();
    assert_eq!(bad, [BadLines::Refuse, BadLines::Skip]);
    let countries = ["DE", "FR"].map(|code| code.parse().unwrap()).into();
    assert_eq!(config.country.rule, CountrySelection::AllowOnly(countries));
    assert_eq!((config.country.unknown, config.country.scope), (DefaultAction::Drop, CountryScope::All));
    let rate = Rate { units: 60, per: std::time::Duration::from_mins(1), burst: 1 };
    assert_eq!(config.fragments.rule, FragmentRule::Limit(rate));
    assert_eq!(config.source_limits.packets.map(|rate| (rate.units, rate.burst)), Some((120, 2)));
    assert_eq!(config.source_limits.bytes.map(|rate| (rate.units, rate.burst)), Some((6_250_000, 1 << 20)));
    assert_eq!((config.source_limits.ipv4_prefix, config.source_limits.ipv6_prefix), (32, 56));
    assert_eq!(config.events, EventConfig { per_second: 0, burst: 0 });
}

#[test]
fn an_empty_list_switches_the_management_exception_off() {
    let safety = checked("[safety]\nmanagement_ports = []\nmanagement_prefixes = []").safety;
    assert_eq!(safety, Safety { management_ports: vec![], management_prefixes: vec![] });
}

#[test]
fn dotted_keys_and_inline_tables_are_the_same_policy() {
    let with_tables = checked("[limits.source]\npackets = \"5/s\"\n[events]\nper_second = 7");
    assert_eq!(checked("limits.source.packets = \"5/s\"\nevents = { per_second = 7 }"), with_tables);
}
