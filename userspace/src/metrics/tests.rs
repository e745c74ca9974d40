use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use prometheus::{Encoder, TextEncoder};

use super::families::{Snapshot, failed, families};
use super::*;
use crate::api::types::{
    AsnDatabaseInfo, ChecksStatus, Count, CountryStats, CrowdsecStatus, EventCounts, Geo, GeoDatabaseInfo,
    GeoRule, InterfaceStats, InterfaceStatus, KernelInfo, LastReload, LimitStats, ListInfo, ListState,
    ListStatus, ListUpdates, Origin, OriginDecisions, PolicyStatus, Sizes, Stats, Status, TableDrift,
    TableStatus, Verified, XdpMode,
};
use crate::config::{CountryRule, Mode};
use crate::policy::LimitUse;

fn crowdsec() -> CrowdsecStatus {
    CrowdsecStatus {
        url: "http://127.0.0.1:8080/".to_owned(),
        mode: Mode::Enforce,
        reachable: true,
        last_answer: Some(Timestamp::from_second(1_700_000_100).unwrap()),
        decisions: vec![OriginDecisions { origin: "CAPI".to_owned(), decisions: 3 }],
        errors: 2,
        error: None,
        unenforced: Vec::new(),
    }
}

fn snapshot() -> Snapshot {
    let time = "2030-01-02T03:04:05Z".parse().unwrap();
    let count = Count { packets: 3, bytes: 180 };
    let rule = GeoRule::from(&CountryRule::default());
    Snapshot {
        status: Status {
            version: "1.2.3".to_owned(),
            pid: 1,
            started: time,
            ready: true,
            problems: Vec::new(),
            paused: false,
            generation: 7,
            policy: PolicyStatus {
                file: None,
                loaded: time,
                number: 3,
                differs_from_file: false,
                pending: None,
                modes: Vec::new(),
                last_reload: LastReload { successful: false, time, error: Some("no".to_owned()) },
                sizes: Sizes::default(),
            },
            interfaces: vec![InterfaceStatus {
                name: "eth0".parse().unwrap(),
                ifindex: 2,
                mode: XdpMode::Generic,
                adopted: false,
                enforcing: true,
            }],
            bans: 4,
            allow: 5,
            lists: 1,
            audit_failures: 2,
            checks: ChecksStatus {
                last: Some(Verified {
                    time,
                    milliseconds: 3,
                    tables: vec![TableDrift { table: "bans".to_owned(), entries: 4 }],
                }),
                failed: None,
                mended: 5,
            },
            country: "off".to_owned(),
            crowdsec: Some(crowdsec()),
            geo_database: None,
            asn_database: None,
            tables: vec![TableStatus { name: "bans-ipv4".to_owned(), used: 4, capacity: 10 }],
            kernel: KernelInfo { release: "6.18".to_owned(), fragments: true },
        },
        stats: Stats {
            time,
            paused: false,
            generation: 7,
            bans: 4,
            interfaces: vec![InterfaceStats {
                name: "eth0".parse().unwrap(),
                mode: XdpMode::Generic,
                enforcing: true,
                seen: count,
                passed: BTreeMap::from([("within-limit".to_owned(), Count { packets: 2, bytes: 120 })]),
                dropped: BTreeMap::from([("banned".to_owned(), Count { packets: 1, bytes: 60 })]),
                monitored: BTreeMap::from([("packet-limit".to_owned(), Count::default())]),
            }],
            lists: Vec::new(),
            limits: vec![LimitStats {
                of: LimitUse {
                    service: "api".parse().unwrap(),
                    plan: None,
                    limit: "per-client".parse().unwrap(),
                },
                mode: Mode::Enforce,
                charged: Count { packets: 3, bytes: 180 },
                dropped: Count { packets: 1, bytes: 60 },
                monitored: Count { packets: 0, bytes: 0 },
            }],
            countries: vec![CountryStats { country: None, dropped: count, monitored: Count::default() }],
            events: EventCounts { written: 1, skipped: 2, lost: 3 },
        },
        lists: vec![ListInfo {
            name: "scanners".parse().unwrap(),
            mode: Mode::Enforce,
            written_mode: None,
            origin: Origin::Policy,
            path: "/x".into(),
            source: "/x".to_owned(),
            label: None,
            entries: 9,
            skipped: 0,
            loaded: time,
            dropped: count,
            monitored: Count::default(),
        }],
        feeds: vec![feed(time)],
        geo: geo(rule, time),
    }
}

fn geo(rule: GeoRule, time: Timestamp) -> Geo {
    Geo {
        rule,
        rule_origin: Origin::Policy,
        database: Some(GeoDatabaseInfo {
            path: "/g".into(),
            origin: Origin::Policy,
            name: "g".to_owned(),
            built: Some(time),
            loaded: time,
            ranges: 5,
            countries: 1,
        }),
        asn_database: Some(AsnDatabaseInfo {
            path: "/a".into(),
            name: "a".to_owned(),
            built: Some(time),
            loaded: time,
            ranges: 6,
            systems: 2,
        }),
        countries: Vec::new(),
        services: Vec::new(),
        counted: Vec::new(),
        changed: None,
    }
}

fn feed(time: jiff::Timestamp) -> ListStatus {
    ListStatus {
        name: "scanners".parse().unwrap(),
        mode: Mode::Enforce,
        origin: Origin::Policy,
        kind: "url".to_owned(),
        source: "https://lists.example/x".to_owned(),
        format: None,
        label: None,
        state: ListState::Failing,
        fetching: None,
        entries: 9,
        bytes: 99,
        skipped: 0,
        first_skipped: Vec::new(),
        left_out: 1,
        first_left_out: Vec::new(),
        loaded: Some(time),
        every_seconds: Some(60),
        next_seconds: Some(6),
        last_attempt: Some(time),
        last_success: Some(time),
        failures: 2,
        trouble: None,
        updates: ListUpdates {
            attempts: 7,
            changed: 1,
            unchanged: 4,
            failed: 2,
            errors: BTreeMap::from([("timeout".to_owned(), 2)]),
            milliseconds: 1500,
        },
    }
}

fn text(families: &[prometheus::proto::MetricFamily]) -> String {
    let mut text = Vec::new();
    TextEncoder::new().encode(families, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn every_metric_of_the_table_is_served_and_no_other() {
    let served: BTreeSet<_> = families(&snapshot()).iter().map(|family| family.name().to_owned()).collect();
    let declared: BTreeSet<_> = METRICS.iter().map(|metric| metric.name.to_owned()).collect();
    assert_eq!(served, declared);
}

#[test]
fn names_follow_the_conventions() {
    for metric in METRICS {
        assert!(metric.name.starts_with("xdpgate_"), "{}", metric.name);
        assert_eq!(metric.name.ends_with("_total"), metric.kind == Kind::Counter, "{}", metric.name);
        assert!(metric.help.ends_with('.'), "{}: the help is a sentence", metric.name);
        assert!(!metric.labels.contains(&"source"), "{}: no label holds an address", metric.name);
    }
}

#[test]
fn samples_are_as_a_scraper_reads_them() {
    let text = text(&families(&snapshot()));
    for line in [
        "# TYPE xdpgate_packets_total counter",
        "xdpgate_packets_seen_total{interface=\"eth0\"} 3",
        "xdpgate_packets_total{interface=\"eth0\",reason=\"within-limit\",action=\"pass\"} 2",
        "xdpgate_packets_total{interface=\"eth0\",reason=\"banned\",action=\"drop\"} 1",
        "xdpgate_list_packets_total{list=\"scanners\",mode=\"enforce\"} 3",
        "xdpgate_list_errors_total{list=\"scanners\",kind=\"timeout\"} 2",
        "xdpgate_list_updates_total{list=\"scanners\",result=\"unchanged\"} 4",
        "xdpgate_list_update_seconds_total{list=\"scanners\"} 1.5",
        "xdpgate_xdp_mode{interface=\"eth0\",mode=\"generic\"} 1",
        "xdpgate_xdp_mode{interface=\"eth0\",mode=\"native\"} 0",
        "xdpgate_config_last_reload_successful 0",
        "xdpgate_config_last_reload_success_timestamp_seconds 1893553445",
        "xdpgate_table_capacity{table=\"bans-ipv4\"} 10",
        "xdpgate_confirm_pending 0",
        "xdpgate_audit_write_failures_total 2",
        "xdpgate_build_info{version=\"1.2.3\"} 1",
    ] {
        assert!(text.lines().any(|served| served == line), "{line}\n{text}");
    }
}

#[test]
fn a_scrape_that_fails_says_so() {
    assert!(text(&failed()).contains("xdpgate_scrape_successful 0"));
}

#[test]
fn the_reference_is_in_step() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
    if std::env::var_os("XDPGATE_BLESS").is_some() {
        fs::write(&path, reference()).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, reference(), "run `XDPGATE_BLESS=1 cargo test -p xdpgate metrics`");
}
