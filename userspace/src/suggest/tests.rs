use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::captures::tests::build::{Packet, Writer, ethernet, ipv4_tcp, ipv4_udp};
use crate::config::{Located, PortRange, ServiceConfig, ServiceProtocol};

const START: u64 = 1_700_000_000_000_000_000;
const MILLISECOND: u64 = 1_000_000;
const SYN: u8 = 2;
const ACK: u8 = 16;

fn at(millisecond: u64, packet: &[u8]) -> Packet {
    Packet::whole(START + millisecond * MILLISECOND, ethernet(packet))
}

fn suggestions(config: &Config, services: &[Selector], packets: &mut [Packet]) -> Suggestions {
    packets.sort_by_key(|packet| packet.time_ns);
    let file = Writer { big: false }.pcap(true, 1, packets);
    let wish = Wish { config, services, touch_percent: 0.1 };
    suggest(&wish, || Ok(Capture::open(&file[..]).unwrap())).unwrap()
}

/// Fifty visitors with ten packets a second each, one with a hundred, for three seconds; all from the same moment on.
fn visitors() -> Vec<Packet> {
    let mut packets = Vec::new();
    for visitor in 0..51_u8 {
        let every = if visitor == 50 { 10 } else { 100 };
        for time in (0..3_000_u64).step_by(every) {
            let flags = if time == 0 { SYN } else { ACK };
            packets.push(at(time, &ipv4_tcp([198, 51, 100, visitor], 443, flags)));
        }
    }
    packets
}

#[test]
fn the_distribution_and_the_limits_of_a_service() {
    let found = suggestions(&Config::default(), &[], &mut visitors());
    assert_eq!(found.services.len(), 1);
    let https = &found.services[0];
    assert_eq!((https.name.as_str(), https.sources, https.packets), ("https", 51, 50 * 30 + 300));
    assert_eq!(https.connections, 51);
    let expected = Percentiles { p50: 10, p90: 10, p99: 100, p999: 100, max: 100 };
    assert_eq!(https.peaks.packets_per_second, expected);
    assert_eq!(https.peaks.connections_per_minute.max, 1);
    let rates: Vec<_> = https.candidates.iter().map(|candidate| candidate.packets_per_second).collect();
    assert_eq!(rates, [10, 30, 100, 200]);
    let lowest = https.candidates[0];
    // A burst of 20, and 29 more come back in the 2.99 s to the last packet.
    assert_eq!((lowest.sources_touched, lowest.packets_rejected), (1, 300 - 20 - 29));
    assert_eq!(https.candidates[1].packets_rejected, 300 - 60 - 89);
    assert_eq!((https.candidates[2].sources_touched, https.candidates[2].packets_rejected), (0, 0));
    let suggested: Vec<_> = https.candidates.iter().map(|candidate| candidate.suggested).collect();
    assert_eq!(suggested, [false, false, true, false]);
}

#[test]
fn the_suggestion_is_a_piece_of_a_policy() {
    let found = suggestions(&Config::default(), &[], &mut visitors());
    let table: ::toml::Table = found.toml.parse().unwrap();
    let (limit, service) = (&table["limit"][0], &table["service"][0]);
    assert_eq!(limit["name"].as_str(), Some("https-per-source"));
    assert_eq!((limit["rate"].as_str(), limit["burst"].as_integer()), (Some("100 packets/s"), Some(200)));
    assert_eq!((service["protocol"].as_str(), service["ports"][0].as_integer()), (Some("tcp"), Some(443)));
    assert_eq!(service["limits"][0].as_str(), Some("https-per-source"));
    assert!(found.toml.contains("99 % of the\n# sources sent at most 100 packets"), "{}", found.toml);
}

#[test]
fn ports_of_clients_are_no_services() {
    let mut packets: Vec<_> = (0..2_000).map(|n| at(n, &ipv4_udp([9, 9, 9, 9], 50_000, 0))).collect();
    packets.extend((0..2_000).map(|n| at(n, &ipv4_tcp([9, 9, 9, 9], 50_001, ACK))));
    packets.extend((0..2_000).map(|n| at(n, &ipv4_tcp([9, 9, 9, 9], 50_002, SYN))));
    let found = suggestions(&Config::default(), &[], &mut packets);
    assert_eq!(found.services.iter().map(|service| &service.name).collect::<Vec<_>>(), ["tcp-50002"]);
    let named = suggestions(&Config::default(), &["udp/50000".parse().unwrap()], &mut packets);
    assert_eq!(named.services.iter().map(|service| &service.name).collect::<Vec<_>>(), ["udp-50000"]);
}

#[test]
fn services_of_the_policy_keep_their_names_and_destinations() {
    let service = |name: &str, protocol, destination: Option<&str>| ServiceConfig {
        country: None,
        lists: BTreeMap::new(),
        name: name.parse().unwrap(),
        protocol,
        ports: vec![PortRange { first: 440, last: 450 }],
        destinations: destination
            .iter()
            .map(|net| Located { value: net.parse().unwrap(), line: 1 })
            .collect(),
        limits: Vec::new(),
        plans: Vec::new(),
        line: 1,
    };
    let config = Config {
        services: vec![
            ServiceConfig { ports: Vec::new(), ..service("rest", ServiceProtocol::Any, None) },
            service("elsewhere", ServiceProtocol::TcpUdp, Some("203.0.113.0/24")),
            service("web", ServiceProtocol::TcpUdp, Some("192.0.2.0/24")),
        ],
        ..Config::default()
    };
    let mut packets = visitors();
    packets.push(at(5, &ipv4_udp([1, 1, 1, 1], 53, 0)));
    let found = suggestions(&config, &[], &mut packets);
    let counted: Vec<_> =
        found.services.iter().map(|service| (service.name.as_str(), service.packets)).collect();
    assert_eq!(counted, [("web", 1_800), ("rest", 1)]);
    assert_eq!(found.services[0].ports, ["440-450"]);
    assert!(found.toml.contains("# In the [[service]] web: limits = [\"web-per-source\"]"), "{}", found.toml);
    assert!(!found.toml.contains("\n[[service]]"));
}

#[test]
fn an_empty_capture_suggests_nothing() {
    let found = suggestions(&Config::default(), &["tcp/443".parse().unwrap()], &mut []);
    assert!(found.services.is_empty() && found.toml.is_empty() && found.end.is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn higher_limits_touch_less_and_the_highest_nobody(
        sent in prop::collection::vec((0..5_u8, 0..20_000_u64), 1..400),
    ) {
        let mut packets: Vec<_> =
            sent.iter().map(|(source, time)| at(*time, &ipv4_tcp([10, 0, 0, *source], 443, ACK))).collect();
        let found = suggestions(&Config::default(), &["tcp/443".parse().unwrap()], &mut packets);
        let candidates = &found.services[0].candidates;
        for pair in candidates.windows(2) {
            prop_assert!(pair[0].packets_per_second < pair[1].packets_per_second);
            prop_assert!(pair[0].packets_rejected >= pair[1].packets_rejected);
            prop_assert!(pair[0].sources_touched >= pair[1].sources_touched);
        }
        let highest = candidates.last().unwrap();
        prop_assert_eq!((highest.sources_touched, highest.packets_rejected), (0, 0));
        prop_assert_eq!(candidates.iter().filter(|candidate| candidate.suggested).count(), 1);
    }
}
