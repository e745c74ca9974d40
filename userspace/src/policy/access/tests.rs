use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::config::{self, Config};
use crate::feeds::GeoDatabase;
use crate::policy::{OperatorChanges, compile, countries_without_ranges};

const GEO: &str = "[geo]\ndatabase = \"geo.csv\"\n";
/// The lists of the policy; an operator has brought one more.
const LISTS: &str = r#"
[[list]]
name = "drop"
path = "drop.txt"
[[list]]
name = "vpn-a"
path = "a.txt"
label = "vpn"
applies = "services"
[[list]]
name = "vpn-b"
path = "b.txt"
label = "vpn"
mode = "monitor"
"#;

fn policy(text: &str) -> Config {
    config::parse(&format!("{GEO}{text}"), Path::new("policy.toml")).unwrap()
}

fn lists(config: &Config) -> Vec<LoadedList> {
    let list =
        |name: &Name, mode| LoadedList { name: name.clone(), mode, ranges: Arc::default(), entries: 0 };
    let own = config.lists.iter().map(|written| list(&written.name, written.mode));
    own.chain([list(&"extra".parse().unwrap(), Mode::Enforce)]).collect()
}

fn geo() -> GeoDatabase {
    GeoDatabase::parse(b"1.0.0.0,1.255.255.255,DE".to_vec(), Path::new("geo.csv")).unwrap()
}

/// The rows of no service and of each one.
fn rows_of(text: &str) -> Vec<Access> {
    let (config, geo, changes) = (policy(text), geo(), OperatorChanges::default());
    let lists = lists(&config);
    let sources = Sources { lists: &lists, geo: Some(&geo), ..Sources::of(&config, &changes) };
    let rows = compile(&sources, 1).unwrap().settings.access;
    rows[..=config.services.len()].to_vec()
}

/// Enforced and monitored.
fn bits(row: &Access) -> (u64, u64) {
    (row.lists_enforced, row.lists_monitored)
}

fn service(number: u16, tables: &str) -> String {
    format!("[[service]]\nname = \"s{number}\"\nports = [{number}]\n{tables}\n")
}

#[test]
fn a_list_applies_where_it_says_and_where_a_service_wants_it() {
    let uses = |tables| {
        format!(
            "{LISTS}{}{}",
            service(1, "[service.lists]\nskip = [\"drop\"]\ndeny = [\"vpn\"]"),
            service(2, tables)
        )
    };
    let rows = rows_of(&uses("[service.lists]\nmonitor = [\"drop\", \"vpn-a\"]"));
    assert_eq!(bits(&rows[0]), (0b1001, 0b0100), "of no service: what applies everywhere");
    assert_eq!(
        bits(&rows[1]),
        (0b1010, 0b0100),
        "a label stands for all lists that have it, each in its mode"
    );
    assert_eq!(bits(&rows[2]), (0b1000, 0b0111), "what is not named is as the list says");
    let rows = rows_of(&uses("[service.lists]\ndeny = [\"vpn\"]\nskip = [\"vpn-b\"]"));
    assert_eq!(bits(&rows[2]), (0b1011, 0), "a name counts more than a label");
}

#[test]
fn a_service_has_its_country_rule_or_that_of_the_policy() {
    let own = |number, tables| service(number, &format!("[service.country]\n{tables}"));
    let services = [
        service(1, ""),
        own(2, "deny = []"),
        own(3, "allow_only = [\"DE\"]\nunknown = \"drop\"\nscope = \"all\""),
        own(4, "deny = [\"KP\"]\nmode = \"monitor\""),
        "[[service]]\nname = \"u\"\nprotocol = \"udp\"\nports = [9]\n[service.country]\ndeny = [\"KP\", \"CU\"]\n".to_owned(),
    ];
    let rows = rows_of(&format!("[country]\ndeny = [\"KP\"]\nscope = \"all\"\n{}", services.concat()));
    let country = |row: &Access| (row.country, row.flags);
    assert_eq!(country(&rows[0]), (0b001, access_flag::COUNTRY_ALL));
    assert_eq!(rows[1], rows[0]);
    assert_eq!(country(&rows[2]), (0, 0), "switched off");
    assert_eq!(country(&rows[3]), (0b010, access_flag::COUNTRY_ALL));
    assert_eq!(
        country(&rows[4]),
        (0b001, access_flag::COUNTRY_MONITOR),
        "the same countries, in another mode"
    );
    assert_eq!(country(&rows[5]), (0b100, access_flag::UDP_STARTS));
}

#[test]
fn rules_that_are_equal_count_once() {
    let countries =
        ["AA", "AB", "AC", "AD", "AE", "AF", "AG", "AH", "AI", "AJ", "AK", "AL", "AM", "AN", "AO", "AP"];
    let denies = |(number, country): (u16, &&str)| {
        service(number, &format!("[service.country]\ndeny = [\"{country}\"]"))
    };
    let text = |most: usize| {
        let twice = countries[..most].iter().chain(&countries[..most]);
        (1..).zip(twice).map(denies).collect::<String>()
    };
    let rows = rows_of(&text(16));
    assert_eq!((rows[16].country, rows[32].country), (1 << 15, 1 << 15));

    let config = policy(&format!("[country]\nallow_only = [\"DE\"]\n{}", text(16)));
    let (geo, changes) = (geo(), OperatorChanges::default());
    let sources = Sources { geo: Some(&geo), ..Sources::of(&config, &changes) };
    assert_eq!(countries_without_ranges(&sources).len(), 16, "of every rule");
    assert_eq!(
        compile(&sources, 1).unwrap_err().to_string(),
        "17 different country rules, and the kernel's tables hold 16; let services share some: those with the same \
         countries and the same `unknown` count once"
    );
}
