//! Who may reach which service: country rules and lists of their own, over TCP and UDP and both address families. Each test
//! states all that is counted.

use std::net::{IpAddr, TcpListener};
use std::time::Duration;

use anyhow::{Context, Result};
use xdpgate_tests::senders::UdpSink;
use xdpgate_tests::veth::{GUARDED as INTERFACE, GUARDED_IPV4, GUARDED_IPV6};
use xdpgate_tests::{kernel_or_skip, senders};

use crate::metrics::Endpoint;
use crate::stage::{PORT, Stage, hosts};
use crate::tally::Tally;

const GUARDED: [IpAddr; 2] = [IpAddr::V4(GUARDED_IPV4), IpAddr::V6(GUARDED_IPV6)];
const PATIENCE: Duration = Duration::from_secs(10);
/// For a connection that must not come about: less than until a SYN is sent again.
const KNOCK: Duration = Duration::from_millis(200);
/// Datagrams of one host to one port in one family.
const DATAGRAMS: u64 = 4;
const SHOP: u16 = 8000;
const FEED: u16 = 8001;
/// Of no service.
const OTHER: u16 = 9000;

/// `login` keeps a country out and what is labelled as anonymous, `shop` is for one country and does not ask the list of
/// clouds, `feed` says nothing.
const POLICY: &str = r#"
[geo]
database = "countries.csv"
asn_database = "asn.csv"

[[list]]
name = "exits"
path = "exits.txt"
label = "anonymous"
applies = "services"
[[list]]
name = "cloud"
asn = [64500]
label = "hosting"

[[service]]
name = "login"
protocol = "tcp+udp"
ports = [443]
[service.country]
deny = ["KP"]
[service.lists]
deny = ["anonymous"]

[[service]]
name = "shop"
protocol = "tcp+udp"
ports = [8000]
[service.country]
allow_only = ["DE"]
unknown = "drop"
[service.lists]
skip = ["hosting"]

[[service]]
name = "feed"
protocol = "tcp+udp"
ports = [8001]
"#;

/// Host 1 is in North Korea, hosts 2 and 4 are in Germany, and nobody knows where host 3 is. Host 2 is an exit, and host 4
/// in a cloud.
fn stage() -> Result<(Stage, Vec<UdpSink>)> {
    let mut stage = Stage::prepare()?;
    let line = |host: u8, family: usize, rest: &str| {
        let address = hosts(host)[family];
        format!("{address},{address},{rest}\n")
    };
    let of_both = |host, rest| line(host, 0, rest) + &line(host, 1, rest);
    stage.write("countries.csv", of_both(1, "KP") + &of_both(2, "DE") + &of_both(4, "DE"))?;
    stage.write("asn.csv", of_both(4, "64500,\"Example, Inc.\"") + &of_both(1, "64501"))?;
    let [exit, exit6] = hosts(2);
    stage.write("exits.txt", format!("{exit}\n{exit6}\n"))?;
    let policy = stage.write_policy(POLICY)?;
    let policy = policy.to_str().context("a path that is no text")?;
    let metrics = Endpoint::default().address();
    stage.daemon.start_with(&["--config", policy, "--interface", INTERFACE, "--metrics", &metrics])?;
    stage.at_rest()?;
    // Somebody listens, so that nobody is told that nobody does.
    let ports = [SHOP, FEED, OTHER].into_iter().flat_map(|port| GUARDED.map(|address| (address, port)));
    let sinks = ports.map(|to| UdpSink::start(&stage.wire.guarded, to.into()));
    let sinks = sinks.collect::<Result<_>>()?;
    Ok((stage, sinks))
}

fn send(stage: &Stage, host: u8, port: u16) -> Result<()> {
    hosts(host).into_iter().zip(GUARDED).try_for_each(|(source, to)| {
        senders::send_datagrams(&stage.wire.outside, source, (to, port).into(), DATAGRAMS)
    })
}

/// Whether a host can connect, in each family.
fn connects(stage: &Stage, host: u8, port: u16, patience: Duration) -> Result<[bool; 2]> {
    let [ipv4, ipv6] = hosts(host);
    let [to4, to6] = GUARDED;
    let connect = |from, to: IpAddr| {
        stage.wire.outside.within(|| Ok(senders::connect(from, (to, port).into(), patience).is_ok()))
    };
    Ok([connect(ipv4, to4)?, connect(ipv6, to6)?])
}

#[test]
fn each_service_keeps_its_own_countries_and_lists_out() -> Result<()> {
    if !kernel_or_skip("each_service_keeps_its_own_countries_and_lists_out") {
        return Ok(());
    }
    let (stage, _sinks) = stage()?;
    let each = 2 * DATAGRAMS;
    let change = Tally::change(&stage, 16 * each, || {
        let everywhere =
            |host| [PORT, SHOP, FEED, OTHER].into_iter().try_for_each(|port| send(&stage, host, port));
        (1..=4).try_for_each(everywhere)
    })?;
    let expected = Tally::of(
        // Host 3 at login; hosts 2 and 4 at the shop; all but host 4 at the feed and elsewhere.
        &[("default-pass", (1 + 2 + 3 + 3) * each)],
        &[("blocklisted", 4 * each), ("country-denied", 2 * each), ("country-unknown", each)],
        &[],
    );
    let expected = expected.with_list("exits", (each, 0)).with_list("cloud", (3 * each, 0));
    assert_eq!(change, expected.with_country("KP", (2 * each, 0)).with_country("unknown", (each, 0)));

    let metrics = Endpoint::default().get(&stage, "/metrics")?.body;
    for line in [
        format!("xdpgate_country_dropped_packets_total{{country=\"KP\"}} {}", 2 * each),
        format!("xdpgate_country_dropped_packets_total{{country=\"unknown\"}} {each}"),
        "xdpgate_country_monitored_packets_total{country=\"KP\"} 0".to_owned(),
        "xdpgate_geo_database_info{database=\"geo\",name=\"countries.csv\"} 1".to_owned(),
        "xdpgate_geo_database_ranges{database=\"asn\"} 4".to_owned(),
        format!("xdpgate_list_packets_total{{list=\"cloud\",mode=\"enforce\"}} {}", 3 * each),
    ] {
        assert!(metrics.lines().any(|served| served == line), "{line}\n{metrics}");
    }
    let shown = stage.cli("geo show")?;
    assert!(shown.contains("login: deny KP") && shown.contains("shop: allow-only DE"), "{shown}");
    let counted = stage.json("geo show")?["counted"].clone();
    assert_eq!(counted[0]["country"], "KP", "{counted}");
    assert_eq!(counted[0]["dropped"]["packets"], 2 * each, "{counted}");
    Ok(())
}

#[test]
fn connections_meet_the_rules_of_their_service() -> Result<()> {
    if !kernel_or_skip("connections_meet_the_rules_of_their_service") {
        return Ok(());
    }
    let (stage, _sinks) = stage()?;
    let _listeners = stage.wire.guarded.within(|| {
        let listen =
            |port| Ok([TcpListener::bind((GUARDED_IPV4, port))?, TcpListener::bind((GUARDED_IPV6, port))?]);
        [PORT, SHOP, FEED].map(listen).into_iter().collect::<Result<Vec<_>>>()
    })?;
    let change = Tally::change(&stage, 10, || {
        for (host, port) in [(1, PORT), (2, PORT), (4, PORT), (1, SHOP), (3, SHOP)] {
            assert_eq!(connects(&stage, host, port, KNOCK)?, [false; 2], "host {host} to {port}");
        }
        Ok(())
    })?;
    let expected = Tally::of(&[], &[("blocklisted", 4), ("country-denied", 4), ("country-unknown", 2)], &[]);
    let expected = expected.with_list("exits", (2, 0)).with_list("cloud", (2, 0));
    assert_eq!(change, expected.with_country("KP", (4, 0)).with_country("unknown", (2, 0)));
    for (host, port) in [(3, PORT), (2, SHOP), (4, SHOP), (1, FEED), (2, FEED), (3, FEED)] {
        assert_eq!(connects(&stage, host, port, PATIENCE)?, [true; 2], "host {host} to {port}");
    }
    Ok(())
}

#[test]
fn the_rule_of_a_service_has_a_mode_of_its_own() -> Result<()> {
    if !kernel_or_skip("the_rule_of_a_service_has_a_mode_of_its_own") {
        return Ok(());
    }
    let (stage, _sinks) = stage()?;
    let each = 2 * DATAGRAMS;
    stage.cli("monitor login.country")?;
    let change = Tally::change(&stage, 2 * each, || {
        send(&stage, 1, PORT)?;
        send(&stage, 1, SHOP)
    })?;
    let expected = Tally::of(&[("default-pass", each)], &[("country-denied", each)], &[]);
    assert_eq!(change, expected.with_monitored("country-denied", each).with_country("KP", (each, each)));
    stage.cli("monitor exits")?;
    let change = Tally::change(&stage, each, || send(&stage, 2, PORT))?;
    let expected = Tally::of(&[("default-pass", each)], &[], &[]);
    assert_eq!(change, expected.with_monitored("blocklisted", each).with_list("exits", (0, each)));
    stage.cli("enforce login.country")?;
    let change = Tally::change(&stage, each, || send(&stage, 1, PORT))?;
    assert_eq!(change, Tally::of(&[], &[("country-denied", each)], &[]).with_country("KP", (each, 0)));
    Ok(())
}

#[test]
fn an_explanation_names_whose_rule_it_is() -> Result<()> {
    if !kernel_or_skip("an_explanation_names_whose_rule_it_is") {
        return Ok(());
    }
    let (stage, _sinks) = stage()?;
    let explain =
        |host: u8, port: u16| stage.json(&format!("explain {} --proto udp --port {port}", hosts(host)[0]));
    let denied = explain(1, PORT)?;
    assert_eq!(
        (&denied["reason"], &denied["service"]),
        (&"country-denied".into(), &"login".into()),
        "{denied}"
    );
    assert_eq!(denied["country"]["service"], "login", "{denied}");
    assert_eq!(denied["country"]["rule"], "deny KP (unknown passes, initiating, enforce)", "{denied}");
    assert_eq!(denied["country"]["database"], "countries.csv", "{denied}");
    assert_eq!(denied["system"]["system"]["number"], 64_501, "{denied}");
    let general = explain(1, FEED)?;
    assert_eq!(
        (&general["action"], &general["country"]["rule"]),
        (&"pass".into(), &"off".into()),
        "{general}"
    );
    assert!(general["country"]["service"].is_null(), "{general}");

    let exit = explain(2, PORT)?;
    assert_eq!(
        (&exit["list"], &exit["lists"][0]["lines"][0]["line"]),
        (&"exits".into(), &1.into()),
        "{exit}"
    );
    assert!(explain(2, SHOP)?["lists"][0]["mode"].is_null(), "no rule of this service");
    let cloud = explain(4, FEED)?;
    assert_eq!((&cloud["list"], &cloud["lists"][0]["mode"]), (&"cloud".into(), &"enforce".into()), "{cloud}");
    assert_eq!(cloud["system"]["system"]["name"], "Example, Inc.", "{cloud}");

    let lookup = stage.cli(&format!("geo lookup {}", hosts(4)[1]))?;
    assert!(lookup.contains("DE") && lookup.contains("AS64500 Example, Inc."), "{lookup}");
    let refused = stage.refused("monitor nothing")?;
    assert!(
        refused.message.contains("login.country") && refused.message.contains("shop.country"),
        "{refused:?}"
    );
    let text = stage.cli(&format!("explain {} --proto udp --port {PORT}", hosts(1)[0]))?;
    let line = text.lines().find(|line| line.starts_with("country")).context("no country")?;
    assert!(line.contains("rule of service login: deny KP"), "{line}");
    Ok(())
}
