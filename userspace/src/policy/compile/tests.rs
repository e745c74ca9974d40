use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use proptest::prelude::*;
use xdpgate_ebpf::abi::{Access, Limit, MAX_LISTS, access_flag, action, fragments, mode};

use super::*;
use crate::config::{
    Config, CountryRule, CountryScope, CountrySelection, DefaultAction, FragmentRule, Located, Mode, Rate,
    Safety, ServiceConfig, ServiceProtocol, UdpServices,
};
use crate::country::CountryCode;
use crate::feeds::{GeoDatabase, Range, Reading, parse_list};
use crate::policy::{AllowedBy, CountryChange, LoadedList, OperatorChanges, countries_without_ranges, known};

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn located(text: &str, line: u32) -> Located<IpNet> {
    Located { value: net(text), line }
}

fn countries(text: &str) -> BTreeSet<CountryCode> {
    text.split_whitespace().map(|code| code.parse().unwrap()).collect()
}

fn list(name: &str, mode: Mode, text: &str) -> LoadedList {
    let parsed = parse_list(text.as_bytes(), &Reading::default()).unwrap();
    LoadedList {
        name: name.parse().unwrap(),
        mode,
        ranges: Arc::new(parsed.ranges.into()),
        entries: parsed.entries,
    }
}

fn geo(text: &str) -> GeoDatabase {
    GeoDatabase::parse(text.as_bytes().to_vec(), Path::new("test.csv")).unwrap()
}

/// Nothing but what a test adds.
fn bare() -> Config {
    Config { safety: Safety { management_ports: vec![], management_prefixes: vec![] }, ..Config::default() }
}

fn flags(flags: u16) -> AttributeSet {
    AttributeSet { flags, ..AttributeSet::EMPTY }
}

/// Denied by the only country rule.
fn denied(country: [u8; 2]) -> AttributeSet {
    AttributeSet { denied: 1, country, ..AttributeSet::EMPTY }
}

/// Likewise, for being of no known country.
const UNKNOWN_DENIED: AttributeSet = AttributeSet { denied: 1, ..AttributeSet::EMPTY };

/// The image of a country rule over a small world.
fn world(rule: CountrySelection, unknown: DefaultAction) -> Image {
    let database = geo(
        "1.0.0.0,1.255.255.255,DE\n2.0.0.0,2.255.255.255,FR\n3.0.0.0,3.255.255.255,US\n2001::,2001:ffff::,FR",
    );
    let config = Config { country: CountryRule { rule, unknown, ..CountryRule::default() }, ..bare() };
    let changes = OperatorChanges::default();
    compile(&Sources { geo: Some(&database), ..Sources::of(&config, &changes) }, 1).unwrap()
}

#[test]
fn everything_known_of_a_source_is_in_one_set() {
    let config = Config {
        allow: vec![located("10.1.0.0/16", 3)],
        safety: Safety { management_ports: vec![22], management_prefixes: vec![located("10.0.0.0/8", 5)] },
        ..bare()
    };
    let changes = OperatorChanges { allow: vec![net("2001:db8::/32")], country: None };
    let lists =
        [list("a", Mode::Enforce, "10.1.2.0/24\n10.1.2.3"), list("b", Mode::Monitor, "10.1.2.3-10.1.2.9")];
    let sources = Sources { lists: &lists, ..Sources::of(&config, &changes) };
    let image = compile(&sources, 7).unwrap();
    let both = attribute::ALLOWED | attribute::MANAGEMENT;
    assert_eq!(image.attributes_of(ip("10.1.2.3")), AttributeSet { lists: 0b11, ..flags(both) });
    assert_eq!(image.attributes_of(ip("10.1.2.10")), AttributeSet { lists: 0b01, ..flags(both) });
    assert_eq!(image.attributes_of(ip("10.2.0.0")), flags(attribute::MANAGEMENT));
    assert_eq!(image.attributes_of(ip("2001:db8::1")), flags(attribute::ALLOWED));
    assert_eq!(image.attributes_of(ip("::10.1.2.3")), AttributeSet::EMPTY, "families are apart");
    assert_eq!(image.attributes[0], AttributeSet::EMPTY);
    assert_eq!(image.settings.generation, 7);
    let expected = Access { lists_enforced: 0b01, lists_monitored: 0b10, ..Access::OPEN };
    assert!(image.settings.access.iter().all(|row| *row == expected), "no service says otherwise");
    assert_eq!(image.lists, [lists[0].name.clone(), lists[1].name.clone()]);

    let known = known(&sources, ip("10.1.2.3"));
    assert_eq!(known.allowed, [AllowedBy::Policy(located("10.1.0.0/16", 3))]);
    assert_eq!(known.management, [located("10.0.0.0/8", 5)]);
    assert_eq!(known.lists.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(
        super::super::known(&sources, ip("2001:db8::1")).allowed,
        [AllowedBy::Operator(net("2001:db8::/32"))]
    );
}

#[test]
fn no_country_rule_needs_no_database_and_no_ranges() {
    let image = world(CountrySelection::Off, DefaultAction::Drop);
    assert_eq!((image.ipv4.len(), image.ipv6.len()), (0, 0));
    assert_eq!(image.attributes, [AttributeSet::EMPTY]);
}

#[test]
fn denied_countries_only_are_in_the_tables() {
    let image = world(CountrySelection::Deny(countries("DE US")), DefaultAction::Pass);
    assert_eq!(image.attributes_of(ip("1.2.3.4")), denied(*b"DE"));
    assert_eq!(image.attributes_of(ip("3.2.3.4")), denied(*b"US"));
    assert_eq!(image.ipv4.len(), 2);
    assert_eq!(image.ipv6.len(), 0);
}

#[test]
fn unknown_countries_are_told_from_known_ones() {
    let image = world(CountrySelection::Deny(countries("DE")), DefaultAction::Drop);
    assert_eq!(image.attributes[0], UNKNOWN_DENIED);
    assert_eq!(image.attributes_of(ip("1.2.3.4")), denied(*b"DE"));
    assert_eq!(image.attributes_of(ip("2.2.3.4")), AttributeSet::EMPTY);
    assert_eq!(image.attributes_of(ip("4.0.0.0")), UNKNOWN_DENIED);
    assert_eq!(image.ipv4.len(), 2, "welcome neighbours merge: {:?}", image.ipv4);
}

#[test]
fn allow_only_denies_every_other_known_country() {
    let image = world(CountrySelection::AllowOnly(countries("FR")), DefaultAction::Pass);
    assert_eq!(image.attributes_of(ip("1.2.3.4")), denied(*b"DE"));
    assert_eq!(image.attributes_of(ip("2.2.3.4")), AttributeSet::EMPTY);
    assert_eq!(image.attributes_of(ip("4.0.0.0")), AttributeSet::EMPTY);
    let image = world(CountrySelection::AllowOnly(countries("FR")), DefaultAction::Drop);
    assert_eq!(image.attributes_of(ip("2001::1")), AttributeSet::EMPTY);
    assert_eq!(image.attributes_of(ip("3.0.0.0")), denied(*b"US"));
    assert_eq!(image.attributes_of(ip("0.0.0.0")), UNKNOWN_DENIED);
}

#[test]
fn the_operators_country_rule_replaces_the_policys() {
    let database = geo("1.0.0.0,1.255.255.255,DE\n2.0.0.0,2.255.255.255,FR");
    let rule = CountryRule { rule: CountrySelection::Deny(countries("DE")), ..CountryRule::default() };
    let config = Config { country: rule, ..bare() };
    let selection = CountrySelection::Deny(countries("FR XX"));
    let change = CountryChange { rule: selection, unknown: Some(DefaultAction::Drop) };
    let changes = OperatorChanges { country: Some(change), ..OperatorChanges::default() };
    let sources = Sources { geo: Some(&database), ..Sources::of(&config, &changes) };
    let image = compile(&sources, 1).unwrap();
    assert_eq!(image.attributes_of(ip("1.2.3.4")), AttributeSet::EMPTY);
    assert_eq!(image.attributes_of(ip("2.2.3.4")), denied(*b"FR"));
    assert_eq!(image.attributes_of(ip("3.2.3.4")), UNKNOWN_DENIED);
    assert_eq!(countries_without_ranges(&sources), ["XX".parse().unwrap()]);
    assert_eq!(known(&sources, ip("1.2.3.4")).country, "DE".parse().ok());
}

#[test]
fn settings_are_in_the_kernels_terms() {
    let per_second = |units, burst| Rate { units, per: Duration::from_secs(1), burst };
    let mut config = Config {
        default_action: DefaultAction::Drop,
        country: CountryRule {
            rule: CountrySelection::Deny(countries("DE")),
            scope: CountryScope::All,
            mode: Mode::Monitor,
            ..CountryRule::default()
        },
        safety: Safety { management_ports: vec![22, 2222], management_prefixes: vec![] },
        ..bare()
    };
    config.fragments.rule = FragmentRule::Limit(per_second(10, 2));
    config.source_limits.packets = Some(per_second(1000, 10));
    config.source_limits.ipv4_prefix = 24;
    config.source_limits.ipv6_prefix = 0;
    config.source_limits.mode = Mode::Monitor;
    let changes = OperatorChanges::default();
    let database = geo("1.0.0.0,1.255.255.255,DE");
    let sources = Sources { geo: Some(&database), ..Sources::of(&config, &changes) };
    let settings = compile(&sources, 9).unwrap().settings;
    assert_eq!(settings.default_action, action::DROP);
    assert_eq!(settings.fragments, fragments::LIMIT);
    assert_eq!(settings.modes, mode::MONITOR_LIMITS);
    let flags = access_flag::COUNTRY_MONITOR | access_flag::COUNTRY_ALL;
    assert_eq!(settings.access[0], Access { country: 1, flags, ..Access::OPEN });
    assert_eq!(settings.management_ports[..3], [[0, 22], [8, 174], [0, 0]]);
    assert_eq!(settings.udp_services[..3], [[0, 53], [1, 187], [0, 0]]);
    assert_eq!(settings.ipv4_key, [255, 255, 255, 0]);
    assert_eq!(settings.ipv6_key, [0; 16]);
    assert!(settings.source.packets.is_set());
    assert_eq!(settings.source.bytes, Limit::NONE);
}

#[test]
fn what_does_not_fit_is_refused_with_the_way_out() {
    let refused = |config: &Config, lists: &[LoadedList]| {
        let changes = OperatorChanges::default();
        compile(&Sources { lists, ..Sources::of(config, &changes) }, 1).unwrap_err().to_string()
    };
    let rule = CountryRule { rule: CountrySelection::Deny(countries("DE")), ..CountryRule::default() };
    assert_eq!(
        refused(&Config { country: rule, ..bare() }, &[]),
        "the country rule needs a geo database; name one in the policy ([geo] database), or switch the rule off"
    );
    let lists = vec![list("x", Mode::Monitor, "10.0.0.1"); MAX_LISTS + 1];
    assert_eq!(
        refused(&bare(), &lists),
        "65 lists, and the kernel's tables hold 64; merge some of them into one file"
    );
    let safety = Safety { management_ports: vec![22; 9], management_prefixes: vec![] };
    assert_eq!(
        refused(&Config { safety, ..bare() }, &[]),
        "safety.management_ports: 9 ports, and the kernel's settings hold 8; name fewer"
    );
    let udp_services = UdpServices(vec![53; 17]);
    assert_eq!(
        refused(&Config { udp_services, ..bare() }, &[]),
        "country.udp_services: 17 ports, and the kernel's settings hold 16; name fewer"
    );
    let mut config = bare();
    config.source_limits.bytes = Some(Rate { units: 0, per: Duration::from_secs(1), burst: 1 });
    assert_eq!(
        refused(&config, &[]),
        "limits.source.bytes: a rate of zero would drop everything; leave the limit out, or name a rate"
    );
    let mut config = bare();
    config.source_limits.ipv4_prefix = 33;
    assert_eq!(
        refused(&config, &[]),
        "limits.source.ipv4_prefix: a prefix of 33 bits, and an address of this family has 32; name a length up to that"
    );
    assert_eq!(
        CompileError::TooManySets.to_string(),
        "sources fall into more than 65536 different combinations of lists and countries; merge lists that overlap, \
         or name fewer countries"
    );
}

#[test]
fn all_bits_of_the_lists_can_be_used() {
    let lists = vec![list("x", Mode::Enforce, "10.0.0.1"); MAX_LISTS];
    let (config, changes) = (bare(), OperatorChanges::default());
    let image = compile(&Sources { lists: &lists, ..Sources::of(&config, &changes) }, 1).unwrap();
    assert_eq!(image.attributes_of(ip("10.0.0.1")).lists, u64::MAX);
    assert_eq!(image.settings.access[0].lists_enforced, u64::MAX);
}

/// Addresses close to each other, so that sets overlap.
fn address4() -> impl Strategy<Value = u32> {
    prop_oneof![0_u32..64, (0_u32..64).prop_map(|n| u32::MAX - n), any::<u32>()]
}

fn address6() -> impl Strategy<Value = u128> {
    prop_oneof![0_u128..64, (0_u128..64).prop_map(|n| u128::MAX - n), any::<u128>()]
}

fn prefixes() -> impl Strategy<Value = Vec<IpNet>> {
    let prefix = prop_oneof![
        (address4(), 0_u8..=32).prop_map(|(address, length)| {
            IpNet::V4(Ipv4Net::new(Ipv4Addr::from_bits(address), length).unwrap().trunc())
        }),
        (address6(), 0_u8..=128).prop_map(|(address, length)| {
            IpNet::V6(Ipv6Net::new(Ipv6Addr::from_bits(address), length).unwrap().trunc())
        }),
    ];
    prop::collection::vec(prefix, 0..6)
}

/// A world of a few countries, cut at random borders; every fourth piece is of no country.
fn worlds() -> impl Strategy<Value = GeoDatabase> {
    (prop::collection::btree_set(address4(), 2..12), prop::collection::btree_set(address6(), 2..12)).prop_map(
        |(v4, v6)| {
            let codes = ["DE", "FR", "", "US"];
            let mut text = "0.0.0.0,0.0.0.0,DE\n".to_owned();
            let mut write =
                |first: IpAddr, last: IpAddr, code| writeln!(text, "{first},{last},{code}").unwrap();
            let v4: Vec<_> = v4.into_iter().filter(|address| *address > 0).collect();
            for (pair, code) in v4.windows(2).zip(codes.iter().cycle()) {
                write(Ipv4Addr::from_bits(pair[0]).into(), Ipv4Addr::from_bits(pair[1] - 1).into(), code);
            }
            let v6: Vec<_> = v6.into_iter().collect();
            for (pair, code) in v6.windows(2).zip(codes.iter().cycle()) {
                write(Ipv6Addr::from_bits(pair[0]).into(), Ipv6Addr::from_bits(pair[1] - 1).into(), code);
            }
            geo(&text)
        },
    )
}

fn selections() -> impl Strategy<Value = CountrySelection> {
    prop_oneof![
        Just(CountrySelection::Off),
        Just(CountrySelection::Deny(countries("DE US"))),
        Just(CountrySelection::AllowOnly(countries("FR"))),
    ]
}

fn rules() -> impl Strategy<Value = CountryRule> {
    (selections(), any::<bool>()).prop_map(|(rule, drop_unknown)| CountryRule {
        rule,
        unknown: if drop_unknown { DefaultAction::Drop } else { DefaultAction::Pass },
        ..CountryRule::default()
    })
}

/// A service with a country rule of its own.
fn service(country: CountryRule) -> ServiceConfig {
    ServiceConfig {
        name: "web".parse().unwrap(),
        protocol: ServiceProtocol::Any,
        ports: Vec::new(),
        destinations: Vec::new(),
        limits: Vec::new(),
        plans: Vec::new(),
        country: Some(country),
        lists: BTreeMap::new(),
        line: 1,
    }
}

/// What the policy says of an address, asked rule by rule.
fn naive(sources: &Sources<'_>, address: IpAddr) -> AttributeSet {
    let mut set = AttributeSet::EMPTY;
    let found = known(sources, address);
    if !found.allowed.is_empty() {
        set.flags |= attribute::ALLOWED;
    }
    if !found.management.is_empty() {
        set.flags |= attribute::MANAGEMENT;
    }
    for (bit, list) in sources.lists.iter().enumerate() {
        set.lists |= u64::from(list.ranges.contains(address)) << bit;
    }
    let mut seen: Vec<CountryRule> = Vec::new();
    for rule in sources.country_rules() {
        if rule.rule == CountrySelection::Off || seen.contains(&rule) {
            continue;
        }
        let denied = match found.country {
            None => rule.unknown == DefaultAction::Drop,
            Some(country) => rule.rule.denies(country),
        };
        set.denied |= u16::from(denied) << seen.len();
        seen.push(rule);
    }
    set.country = found.country.filter(|_| set.denied != 0).map_or([0; 2], |country| country.as_bytes());
    set
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_image_knows_what_every_rule_says(
        allow in prefixes(),
        operator in prefixes(),
        management in prefixes(),
        entries in prop::collection::vec(prefixes(), 0..4),
        database in worlds(),
        rule in rules(),
        probes4 in prop::collection::vec(address4(), 16),
        probes6 in prop::collection::vec(address6(), 16),
    ) {
        let unlocated = |prefixes: Vec<IpNet>| prefixes.into_iter().map(|value| Located { value, line: 0 }).collect();
        let config = Config {
            allow: unlocated(allow),
            safety: Safety { management_ports: vec![22], management_prefixes: unlocated(management) },
            country: rule,
            ..bare()
        };
        let changes = OperatorChanges { allow: operator, country: None };
        let lists: Vec<_> = entries.into_iter().map(|prefixes| LoadedList {
            name: "x".parse().unwrap(), mode: Mode::Enforce, entries: prefixes.len(), ranges: Arc::new(prefixes.into_iter().collect()),
        }).collect();
        let sources = Sources { lists: &lists, geo: Some(&database), ..Sources::of(&config, &changes) };
        let image = compile(&sources, 1).unwrap();

        let borders4 = image.ipv4.iter().flat_map(|segment| [segment.first, segment.last]);
        for address in borders4.chain(probes4).chain([0, u32::MAX]) {
            let address = IpAddr::V4(Ipv4Addr::from_bits(address));
            prop_assert_eq!(image.attributes_of(address), naive(&sources, address), "{}", address);
            let alone = compile_for(&sources, 1, address).unwrap();
            prop_assert_eq!(alone.attributes_of(address), image.attributes_of(address), "{}", address);
            prop_assert_eq!((alone.settings, alone.lists), (image.settings, image.lists.clone()));
        }
        let borders6 = image.ipv6.iter().flat_map(|segment| [segment.first, segment.last]);
        for address in borders6.chain(probes6).chain([0, u128::MAX]) {
            let address = Ipv6Addr::from_bits(address);
            if address.to_ipv4_mapped().is_none() {
                let alone = compile_for(&sources, 1, address.into()).unwrap();
                prop_assert_eq!(alone.attributes_of(address.into()), image.attributes_of(address.into()), "{}", address);
                prop_assert_eq!(image.attributes_of(address.into()), naive(&sources, address.into()), "{}", address);
            }
        }

        let mut rest4 = image.ipv4.iter().flat_map(|segment| Range { first: segment.first, last: segment.last }.prefixes().map(|(a, l)| (a, l, segment.set)));
        prop_assert!(image.prefixes4().all(|prefix| rest4.next() == Some(prefix)) && rest4.next().is_none());
        for (address, length, set) in image.prefixes6() {
            let range = Range::prefix(address, length);
            let segment = image.ipv6.iter().find(|segment| segment.first <= range.first && range.last <= segment.last);
            prop_assert_eq!(segment.map(|segment| segment.set), Some(set));
        }
    }
}

proptest! {
    // The tables of services are large, and made anew for each policy.
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn every_service_denies_whom_its_rule_denies(
        database in worlds(),
        general in rules(),
        own in prop::collection::vec(rules(), 1..6),
        probes in prop::collection::vec(address4(), 8),
    ) {
        let services = own.iter().cloned().map(service).collect();
        let config = Config { country: general, services, ..bare() };
        let changes = OperatorChanges::default();
        let sources = Sources { geo: Some(&database), ..Sources::of(&config, &changes) };
        let image = compile(&sources, 1).unwrap();
        let borders = image.ipv4.iter().flat_map(|segment| [segment.first, segment.last]);
        for address in borders.chain(probes) {
            let address = IpAddr::V4(Ipv4Addr::from_bits(address));
            let known = image.attributes_of(address);
            prop_assert_eq!(known, naive(&sources, address), "{}", address);
            for (row, rule) in image.settings.access.iter().skip(1).zip(&own) {
                let denied = match database.lookup(address) {
                    None => rule.rule != CountrySelection::Off && rule.unknown == DefaultAction::Drop,
                    Some(country) => rule.rule.denies(country),
                };
                prop_assert_eq!(known.denied & row.country != 0, denied, "{} {:?}", address, rule);
            }
        }
        let alone = compile_for(&sources, 1, IpAddr::V4(Ipv4Addr::from_bits(7))).unwrap();
        prop_assert_eq!(alone.attributes_of(IpAddr::V4(Ipv4Addr::from_bits(7))), image.attributes_of(IpAddr::V4(Ipv4Addr::from_bits(7))));
        prop_assert_eq!(alone.settings, image.settings);
    }
}
