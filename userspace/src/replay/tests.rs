use std::path::Path;

use proptest::prelude::*;
use xdpgate_ebpf::reason::Reason;

use super::*;
use crate::api::types::Count;
use crate::captures::tests::build::{Packet, Writer, ethernet, ipv4_tcp, ipv4_udp, ipv6_udp};
use crate::captures::{Capture, End};
use crate::config::{self, Config};
use crate::feeds::{Reading, parse_list};
use crate::policy::{Image, LoadedList, OperatorChanges, compile};

const START: u64 = 1_700_000_000_000_000_000;
const MILLISECOND: u64 = 1_000_000;
const ONE: [u8; 4] = [198, 51, 100, 1];
const OTHER: [u8; 4] = [203, 0, 113, 9];
const LITTLE: Writer = Writer { big: false };

fn policy(text: &str) -> Config {
    config::parse(text, Path::new("test.toml")).unwrap()
}

fn image(config: &Config, lists: &[LoadedList]) -> Image {
    let changes = OperatorChanges { allow: Vec::new(), country: None };
    compile(&crate::policy::Sources { lists, ..crate::policy::Sources::of(config, &changes) }, 1).unwrap()
}

fn list(name: &str, mode: config::Mode, text: &str) -> LoadedList {
    let parsed = parse_list(text.as_bytes(), &Reading::default()).unwrap();
    LoadedList {
        name: name.parse().unwrap(),
        mode,
        entries: parsed.entries,
        ranges: std::sync::Arc::new(parsed.ranges.into()),
    }
}

fn replay_with(config: &Config, lists: &[LoadedList], file: &[u8]) -> (Vec<Fate>, Findings, Replay) {
    let tables = Model::for_traffic(image(config, lists), 1_024).unwrap();
    let mut replay = Replay::new(tables, &config.source_limits);
    let mut capture = Capture::open(file).unwrap();
    let mut fates = Vec::new();
    let end = loop {
        match capture.next_packet() {
            Ok(record) => fates.push(replay.packet(&record)),
            Err(end) => break end,
        }
    };
    let findings = replay.findings(&capture, &end, 10);
    (fates, findings, replay)
}

fn replay(policy_text: &str, packets: &[Packet]) -> (Vec<Fate>, Findings) {
    let (fates, findings, _) = replay_with(&policy(policy_text), &[], &LITTLE.pcap(true, 1, packets));
    (fates, findings)
}

fn at(millisecond: u64, packet: &[u8]) -> Packet {
    Packet::whole(START + millisecond * MILLISECOND, ethernet(packet))
}

#[test]
fn limits_run_at_the_times_of_the_capture() {
    let packet = ipv4_udp(ONE, 53, 0);
    // Two at once, then one each 500 ms.
    let times = [0, 0, 0, 499, 501, 502, 1_002, 5_000, 5_000, 5_000];
    let packets = times.map(|time| at(time, &packet));
    let (fates, findings) = replay("[limits.source]\npackets = \"2/s\"\npackets_burst = 2", &packets);
    let passed: Vec<_> = fates.iter().map(|fate| fate.action() == "pass").collect();
    assert_eq!(passed, [true, true, false, false, true, false, true, true, true, false]);
    assert_eq!(findings.dropped["packet-limit"], Count { packets: 4, bytes: 4 * 42 });
    assert_eq!(findings.passed["within-limit"].packets, 6);
    assert_eq!((findings.seen.packets, findings.seconds), (10, 5.0));
    let top = &findings.sources.top[0];
    assert_eq!((top.source.to_string().as_str(), top.packets, top.dropped), ("198.51.100.1", 10, 4));
    assert_eq!(top.reasons["packet-limit"], 4);
}

#[test]
fn a_timestamp_that_goes_backwards_is_taken_for_the_last_one() {
    let packet = ipv4_udp(ONE, 53, 0);
    let (fates, findings) = replay(
        "[limits.source]\npackets = \"1/s\"\npackets_burst = 1",
        &[at(2_000, &packet), at(0, &packet)],
    );
    assert_eq!(fates.iter().map(|fate| fate.label()).collect::<Vec<_>>(), ["within-limit", "packet-limit"]);
    assert_eq!(findings.problems.backwards, 1);
}

#[test]
fn lists_and_monitor_mode_are_told_apart() {
    let lists = [
        list("watch", config::Mode::Monitor, "198.51.100.0/24"),
        list("block", config::Mode::Enforce, "203.0.113.9"),
    ];
    let packets =
        [at(0, &ipv4_udp(ONE, 53, 0)), at(1, &ipv4_udp(OTHER, 53, 0)), at(2, &ipv4_udp(ONE, 53, 0))];
    let (_, findings, _) = replay_with(&Config::default(), &lists, &LITTLE.pcap(true, 1, &packets));
    let count = |packets: u64| Count { packets, bytes: packets * 42 };
    let [watch, block] = &findings.lists[..] else { panic!("{:?}", findings.lists) };
    assert_eq!((watch.dropped, watch.monitored, watch.mode), (count(0), count(2), config::Mode::Monitor));
    assert_eq!((block.dropped, block.monitored, block.mode), (count(1), count(0), config::Mode::Enforce));
    assert_eq!((findings.monitored["blocklisted"], findings.would_drop), (count(2), count(2)));
    assert_eq!(findings.sources.top[0].would_drop, 2);
}

#[test]
fn a_byte_limit_charges_the_frame_and_not_what_was_captured_of_it() {
    let whole = at(0, &ipv4_udp(ONE, 53, 1_000));
    let cut = whole.clone().cut_to(60);
    let policy = "[limits.source]\nbytes = \"1 MB/s\"\nbytes_burst = 65536";
    let (expected, _) = replay(policy, &vec![whole; 100]);
    let (fates, findings) = replay(policy, &vec![cut; 100]);
    assert_eq!(fates, expected);
    assert_eq!(findings.passed["within-limit"].packets, 65_536 / 1_042);
    assert_eq!(findings.seen.bytes, 100 * 1_042);
}

#[test]
fn what_the_program_never_sees_is_left_out() {
    let writer = LITTLE;
    let packet = at(0, &ipv4_tcp(ONE, 443, 2));
    let outbound = [writer.option(2, &writer.word(2))];
    let mut file = [writer.section(), writer.interface(1, 0, &[])].concat();
    file.extend(writer.enhanced(0, 1, &packet, &outbound));
    file.extend(writer.enhanced(0, 1, &packet.clone().cut_to(30), &[]));
    file.extend(writer.enhanced(0, 1, &packet, &[]));
    let (fates, findings, _) = replay_with(&Config::default(), &[], &file);
    assert_eq!(fates, [Fate::Outgoing, Fate::Cut, Fate::Decided(Reason::DefaultPass)]);
    assert_eq!((findings.problems.outgoing, findings.problems.cut, findings.seen.packets), (1, 1, 1));
}

#[test]
fn sources_of_ipv6_are_prefixes_as_in_the_policy() {
    let address = |host: u8| [0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, host];
    let packets = [1, 2, 3].map(|host| at(0, &ipv6_udp(address(host), 53)));
    let (_, findings) = replay("", &packets);
    assert_eq!(findings.sources.top.len(), 1);
    assert_eq!(findings.sources.top[0].source.to_string(), "2001:db8:0:1::/64");
}

#[test]
fn the_picture_has_axes_and_a_legend() {
    let packets: Vec<_> = (0..200).map(|n| at(n * 10, &ipv4_udp(ONE, 53, 0))).collect();
    let config = policy("[limits.source]\npackets = \"10/s\"");
    let (_, _, replay) = replay_with(&config, &[], &LITTLE.pcap(true, 1, &packets));
    let svg = replay.chart("a < b");
    for text in
        ["packets per second", "seconds since 2023-11-14T22:13:20Z", "dropped: packet-limit, ", "a &lt; b"]
    {
        assert!(svg.contains(text), "{text}: {svg}");
    }
    assert!(!svg.contains("NaN") && !svg.contains("inf") && svg.trim_end().ends_with("</svg>"));
    let (_, _, empty) = replay_with(&config, &[], &LITTLE.pcap(true, 1, &[]));
    let svg = empty.chart("nothing");
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
}

#[test]
fn a_model_for_traffic_decides_as_the_plain_one() {
    let lists = [list("block", config::Mode::Enforce, "198.51.100.0/25\n2001:db8::/48")];
    let config = policy("[limits.source]\npackets = \"5/s\"");
    let image = image(&config, &lists);
    let fast = Replay::new(Model::for_traffic(image.clone(), 1_024).unwrap(), &config.source_limits);
    let plain = Replay::new(Model::new(image), &config.source_limits);
    let mut packets = Vec::new();
    for n in 0..=255 {
        packets.push(at(0, &ipv4_udp([198, 51, 100, n], 53, 0)));
        packets.push(at(0, &ipv6_udp([0x20, 1, 0xd, 0xb8, 0, n & 1, 0, n, 0, 0, 0, 0, 0, 0, 0, 1], 53)));
    }
    let file = LITTLE.pcap(true, 1, &packets);
    let fates = [fast, plain].map(|mut replay| {
        let mut capture = Capture::open(&file[..]).unwrap();
        let mut fates = Vec::new();
        while let Ok(record) = capture.next_packet() {
            fates.push(replay.packet(&record));
        }
        fates
    });
    assert_eq!(fates[0], fates[1]);
    assert!(fates[0].contains(&Fate::Decided(Reason::Blocklisted)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_captured_the_parts_add_up(
        packets in prop::collection::vec((any::<u32>(), prop::collection::vec(any::<u8>(), 0..120), 0..200_u32), 0..60),
        link in prop::sample::select(vec![1_u32, 12, 101, 113, 228, 229, 276]),
    ) {
        let packets: Vec<_> = packets
            .into_iter()
            .map(|(seconds, bytes, length)| Packet { time_ns: u64::from(seconds) * 1_000_000_000, bytes, length })
            .collect();
        let config = policy("[limits.source]\npackets = \"1/s\"\nbytes = \"1 kB/s\"");
        let (fates, findings, replay) = replay_with(&config, &[], &LITTLE.pcap(true, link, &packets));
        let (passed, dropped): (Count, Count) =
            (findings.passed.values().copied().sum(), findings.dropped.values().copied().sum());
        prop_assert_eq!(passed + dropped, findings.seen);
        let left_out = findings.problems.outgoing + findings.problems.cut;
        prop_assert_eq!(findings.seen.packets + left_out, packets.len() as u64);
        prop_assert_eq!(fates.len(), packets.len());
        let binned: u64 = replay.timeline.bins().iter().flat_map(|bin| bin.decided).sum();
        prop_assert_eq!(binned, findings.seen.packets);
        prop_assert!(!replay.chart("x").contains("NaN"));
    }
}

#[test]
fn a_cut_capture_is_reported_with_what_was_before() {
    let file = LITTLE.pcap(true, 1, &[at(0, &ipv4_udp(ONE, 53, 0)), at(1, &ipv4_udp(ONE, 53, 0))]);
    let (_, findings, _) = replay_with(&Config::default(), &[], &file[..file.len() - 1]);
    assert_eq!(findings.seen.packets, 1);
    let problem = findings.problems.end.unwrap();
    assert!(problem.contains("cut") && problem.contains("byte 82, after packet 1"), "{problem}");
    assert!(End::Whole.problem(1).is_none());
}

#[test]
fn the_json_has_a_stable_shape() {
    let lists = [list("block", config::Mode::Enforce, "203.0.113.9")];
    let packets = [at(0, &ipv4_udp(OTHER, 53, 0)), at(1_500, &ipv4_udp(ONE, 53, 0))];
    let (_, findings, _) = replay_with(&Config::default(), &lists, &LITTLE.pcap(true, 1, &packets));
    let expected = serde_json::json!({
        "seen": {"packets": 2, "bytes": 84},
        "first": "2023-11-14T22:13:20Z",
        "last": "2023-11-14T22:13:21.5Z",
        "seconds": 1.5,
        "passed": {"default-pass": {"packets": 1, "bytes": 42}},
        "dropped": {"blocklisted": {"packets": 1, "bytes": 42}},
        "monitored": {},
        "would_drop": {"packets": 0, "bytes": 0},
        "lists": [{
            "name": "block",
            "mode": "enforce",
            "dropped": {"packets": 1, "bytes": 42},
            "monitored": {"packets": 0, "bytes": 0},
        }],
        "sources": {"counted": 2, "exact": true, "room": 262_144, "top": [
            {
                "source": "198.51.100.1",
                "packets": 1,
                "bytes": 42,
                "dropped": 0,
                "would_drop": 0,
                "reasons": {},
                "more": 0,
            },
            {
                "source": "203.0.113.9",
                "packets": 1,
                "bytes": 42,
                "dropped": 1,
                "would_drop": 0,
                "reasons": {"blocklisted": 1},
                "more": 0,
            },
        ]},
        "problems": {"end": null, "outgoing": 0, "cut": 0, "other_links": {}, "backwards": 0, "merged": 0},
    });
    assert_eq!(serde_json::to_value(findings).unwrap(), expected);
}
