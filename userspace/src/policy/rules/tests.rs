use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use xdpgate_ebpf::abi::LimitCounters;
use xdpgate_ebpf::decide::decide;
use xdpgate_ebpf::packet::{Packet, TCP_ACK, TCP_SYN, protocol};
use xdpgate_ebpf::reason::Reason;
use xdpgate_ebpf::verdict::Verdict;

use super::*;
use crate::config::{self, Config};
use crate::policy::{LimitNumbers, LoadedPlan, Model, OperatorChanges, compile};

const NOW_NS: u64 = 86_400_000_000_000;

fn policy(text: &str) -> Config {
    config::parse(text, Path::new("policy.toml")).unwrap_or_else(|error| panic!("{error}"))
}

fn plans(config: &Config) -> Vec<LoadedPlan> {
    let loaded = config.plans.iter().map(|plan| LoadedPlan {
        name: plan.name.clone(),
        prefixes: Arc::new(plan.prefixes.iter().map(|prefix| prefix.value).collect()),
    });
    loaded.collect()
}

fn model(text: &str) -> Model {
    let (config, changes) = (policy(text), OperatorChanges::default());
    let plans = plans(&config);
    Model::new(compile(&Sources { plans: &plans, ..Sources::of(&config, &changes) }, 1).unwrap())
}

/// A packet to a port of a host.
#[derive(Clone, Copy)]
struct Sent {
    from: [u8; 4],
    to: [u8; 4],
    protocol: u8,
    port: u16,
    flags: u8,
    bytes: usize,
}

const SENT: Sent = Sent {
    from: [198, 51, 100, 1],
    to: [203, 0, 113, 1],
    protocol: protocol::TCP,
    port: 443,
    flags: TCP_ACK,
    bytes: 54,
};

impl Sent {
    fn frame(self) -> Vec<u8> {
        let mut frame = vec![0; self.bytes];
        frame[12..14].copy_from_slice(&[8, 0]);
        frame[14] = 0x45;
        frame[16..18].copy_from_slice(&u16::try_from(self.bytes - 14).unwrap().to_be_bytes());
        frame[23] = self.protocol;
        frame[26..30].copy_from_slice(&self.from);
        frame[30..34].copy_from_slice(&self.to);
        frame[36..38].copy_from_slice(&self.port.to_be_bytes());
        frame[46] = 0x50;
        frame[47] = self.flags;
        frame
    }

    fn judge(self, tables: &Model, now_ns: u64) -> Verdict {
        decide(&self.frame().as_slice(), &mut Packet::unread(0), tables, &now_ns)
    }

    fn passes(self, tables: &Model, packets: usize) -> usize {
        (0..packets).filter(|_| self.judge(tables, NOW_NS).reason == Reason::WithinLimit).count()
    }
}

/// What every limit that counted anything has counted, in packets: charged, dropped, monitored.
fn counted(tables: &Model) -> BTreeMap<String, (u64, u64, u64)> {
    let rows = tables.image().rules.uses.iter().map(|(number, of)| {
        let LimitCounters { charged, dropped, monitored } = tables.limit_counters(*number);
        let plan = of.plan.as_ref().map_or("-", |plan| plan.as_str());
        (format!("{}/{plan}/{}", of.service, of.limit), (charged.packets, dropped.packets, monitored.packets))
    });
    rows.filter(|(_, counts)| *counts != (0, 0, 0)).collect()
}

fn counts<const N: usize>(expected: [(&str, (u64, u64, u64)); N]) -> BTreeMap<String, (u64, u64, u64)> {
    expected.into_iter().map(|(name, counts)| (name.to_owned(), counts)).collect()
}

const PLANS: &str = r#"
[[plan]]
name = "gold"
prefixes = ["198.51.100.0/24"]

[[limit]]
name = "ten"
rate = "1 packets/min"
burst = 10
[[limit]]
name = "net"
rate = "1 packets/min"
burst = 25
key = "prefix"
[[limit]]
name = "all"
rate = "1 packets/min"
burst = 40
key = "service"
[[limit]]
name = "three"
rate = "1 packets/min"
burst = 3

[[service]]
name = "api"
ports = [443, "8000-8099"]
limits = ["three", "all"]
[service.plans]
gold = ["ten", "net", "all"]
"#;

#[test]
fn all_limits_of_a_plan_hold_and_a_rejected_packet_is_charged_to_none() {
    let tables = model(PLANS);
    let from = |last| Sent { from: [198, 51, 100, last], ..SENT };
    assert_eq!(from(1).passes(&tables, 20), 10, "its own");
    assert_eq!(from(2).passes(&tables, 20), 10);
    assert_eq!(from(3).passes(&tables, 20), 5, "what the network has left");
    let free = |last| Sent { from: [192, 0, 2, last], ..SENT };
    for (last, expected) in [(1, 3), (2, 3), (3, 3), (4, 3), (5, 3), (6, 0)] {
        assert_eq!(
            free(last).passes(&tables, 4),
            expected,
            "{last}: the service has 40 in all, of both plans"
        );
    }
    assert_eq!(
        counted(&tables),
        counts([
            ("api/-/all", (15, 4, 0)),
            ("api/-/three", (15, 5, 0)),
            ("api/gold/all", (25, 0, 0)),
            ("api/gold/net", (25, 15, 0)),
            ("api/gold/ten", (25, 20, 0)),
        ])
    );
    let verdict = free(6).judge(&tables, NOW_NS);
    let of = &tables.image().rules.uses[&verdict.limit];
    assert_eq!((of.service.as_str(), of.limit.as_str(), verdict.ban), ("api", "all", false));
}

#[test]
fn ports_protocols_and_destinations_name_the_service() {
    let tables = model(
        r#"
        [[limit]]
        name = "one"
        rate = "1 packets/min"
        burst = 1
        [[service]]
        name = "web"
        protocol = "tcp+udp"
        ports = [443, "8000-8099"]
        limits = ["one"]
        [[service]]
        name = "inside"
        ports = [443]
        destinations = ["203.0.113.0/24"]
        limits = ["one"]
        [[service]]
        name = "one-host"
        protocol = "any"
        destinations = ["203.0.113.9"]
        limits = ["one"]
        [[service]]
        name = "ping"
        protocol = "icmp"
        limits = ["one"]
        "#,
    );
    let udp = Sent { protocol: protocol::UDP, ..SENT };
    let elsewhere = Sent { to: [192, 0, 2, 1], ..SENT };
    for (sent, service) in [
        (SENT, Some("inside")),
        (udp, Some("web")),
        (elsewhere, Some("web")),
        (Sent { port: 7999, ..SENT }, None),
        (Sent { port: 8000, ..elsewhere }, Some("web")),
        (Sent { port: 8099, ..udp }, Some("web")),
        (Sent { port: 8100, ..SENT }, None),
        (Sent { to: [203, 0, 113, 9], ..SENT }, Some("one-host")),
        (Sent { to: [203, 0, 113, 9], port: 1, protocol: 47, ..SENT }, Some("one-host")),
        (Sent { to: [203, 0, 113, 8], port: 1, ..SENT }, None),
        (Sent { to: [203, 0, 114, 0], ..SENT }, Some("web")),
        (Sent { protocol: protocol::ICMP, ..SENT }, Some("ping")),
        (Sent { protocol: protocol::ICMPV6, ..SENT }, Some("ping")),
    ] {
        let first = sent.judge(&tables, NOW_NS);
        let second = sent.judge(&tables, NOW_NS);
        let named = tables.image().rules.uses.get(&second.limit).map(|of| of.service.as_str());
        assert_eq!(named, service, "port {} to {}", sent.port, Ipv4Addr::from(sent.to));
        let pair = (first.reason, second.reason);
        match service {
            Some(_) => assert_eq!(second.reason, Reason::PacketLimit, "{pair:?}"),
            None => assert_eq!(pair, (Reason::DefaultPass, Reason::DefaultPass)),
        }
    }
}

#[test]
fn bytes_and_connections_count_what_they_say() {
    let tables = model(
        r#"
        [[limit]]
        name = "volume"
        rate = "1 kB/s"
        burst = "64 KiB"
        [[limit]]
        name = "opens"
        algorithm = "fixed-window"
        count = "2 connections"
        window = "1 day"
        [[service]]
        name = "web"
        ports = [443]
        limits = ["opens", "volume"]
        "#,
    );
    let syn = Sent { flags: TCP_SYN, ..SENT };
    assert_eq!(syn.passes(&tables, 5), 2);
    assert_eq!(syn.judge(&tables, NOW_NS).reason, Reason::ConnectionLimit);
    assert_eq!(Sent { flags: TCP_SYN | TCP_ACK, ..SENT }.passes(&tables, 3), 3, "an answer opens nothing");
    let large = Sent { bytes: 1_000, ..SENT };
    assert_eq!(large.passes(&tables, 100), 65, "65,536 bytes less 5 small frames");
    assert_eq!(large.judge(&tables, NOW_NS).reason, Reason::ByteLimit);
    assert_eq!(counted(&tables), counts([("web/-/opens", (2, 4, 0)), ("web/-/volume", (70, 36, 0))]));
}

#[test]
fn a_limit_in_monitor_mode_has_counters_of_its_own_and_lets_go_on() {
    let text = r#"
        [[limit]]
        name = "watched"
        rate = "1 packets/min"
        burst = 2
        mode = "monitor"
        [[limit]]
        name = "counted"
        rate = "1 packets/min"
        burst = 3
        on_exceed = "monitor"
        key = "service"
        [[limit]]
        name = "five"
        rate = "1 packets/min"
        burst = 5
        [[service]]
        name = "web"
        ports = [443]
        limits = ["watched", "counted", "five"]
        "#;
    let tables = model(text);
    let verdicts: Vec<_> = (0..8).map(|_| SENT.judge(&tables, NOW_NS)).collect();
    let reasons: Vec<_> = verdicts.iter().map(|verdict| verdict.reason).collect();
    assert_eq!(reasons[..5], [Reason::WithinLimit; 5]);
    assert_eq!(reasons[5..], [Reason::PacketLimit; 3]);
    let monitored: Vec<_> = verdicts.iter().map(|verdict| verdict.monitored != 0).collect();
    assert_eq!(monitored, [false, false, true, true, true, true, true, true]);
    let expected = [("web/-/counted", (3, 0, 5)), ("web/-/five", (5, 3, 0)), ("web/-/watched", (2, 0, 6))];
    assert_eq!(counted(&tables), counts(expected));
    let name = |verdict: &Verdict| tables.image().rules.uses[&verdict.limit].limit.to_string();
    assert_eq!((name(&verdicts[4]), name(&verdicts[7])), ("watched".to_owned(), "five".to_owned()));
}

#[test]
fn an_empty_plan_is_unlimited_and_what_is_of_no_service_has_the_limits_of_its_source() {
    let tables = model(
        r#"
        [limits.source]
        packets = "1/min"
        packets_burst = 4
        bytes = "1 kB/s"
        bytes_burst = "64 KiB"
        [[plan]]
        name = "partner"
        prefixes = ["198.51.100.0/24"]
        [[limit]]
        name = "one"
        rate = "1 packets/min"
        burst = 1
        [[service]]
        name = "web"
        ports = [443]
        limits = ["one"]
        [service.plans]
        partner = []
        "#,
    );
    assert_eq!(SENT.judge(&tables, NOW_NS).reason, Reason::DefaultPass);
    assert_eq!(Sent { from: [192, 0, 2, 1], ..SENT }.passes(&tables, 3), 1);
    assert_eq!(Sent { port: 22, ..SENT }.passes(&tables, 9), 4, "in packets");
    let large = Sent { port: 22, bytes: 40_000, from: [192, 0, 2, 2], ..SENT };
    assert_eq!(large.passes(&tables, 9), 1, "in bytes");
    assert_eq!(large.judge(&tables, NOW_NS).reason, Reason::ByteLimit);
}

#[test]
fn numbers_stay_and_rest() {
    let uses = |text: &str, before: &LimitNumbers| {
        let (config, changes) = (policy(text), OperatorChanges::default());
        let plans = plans(&config);
        compile(&Sources { plans: &plans, numbers: before, ..Sources::of(&config, &changes) }, 1)
            .unwrap()
            .rules
    };
    let numbered = |rules: &RuleTables| -> BTreeMap<String, u16> {
        rules.uses.iter().map(|(number, of)| (format!("{of:?}"), *number)).collect()
    };
    let first = uses(PLANS, &LimitNumbers::NONE);
    let again = uses(PLANS, &first.numbers);
    assert_eq!(first, again);
    assert_eq!(first.numbers.moved(&again.numbers).count(), 0);

    let fewer = uses(
        &PLANS
            .replace("gold = [\"ten\", \"net\", \"all\"]", "gold = [\"ten\", \"all\"]")
            .replace("limits = [\"three\", \"all\"]", "limits = [\"net\", \"three\", \"all\"]"),
        &first.numbers,
    );
    let (before, after) = (numbered(&first), numbered(&fewer));
    let kept = after.iter().filter(|(name, number)| before.get(*name) == Some(number)).count();
    assert_eq!(kept, 4, "{before:?} {after:?}");
    let moved: Vec<_> = first.numbers.moved(&fewer.numbers).collect();
    assert_eq!(moved.len(), 1);
    assert!(!before.values().any(|number| *number == moved[0]), "a number that was just in use rests");
    let class = |rules: &RuleTables, name: &str| {
        let (number, _) = rules.uses.iter().find(|(_, of)| of.limit.as_str() == name).unwrap();
        rules.limits[number].class
    };
    assert_eq!(class(&first, "net"), class(&fewer, "net"), "plans of a service share a limit's buckets");
    let other =
        uses(&PLANS.replace("burst = 25", "depth = 25\nalgorithm = \"leaky-bucket\""), &first.numbers);
    assert_ne!(class(&first, "net"), class(&other, "net"), "another algorithm would misread its words");
}

#[test]
fn sixty_four_services_with_eight_plans_of_four_limits_are_each_counted_apart() {
    let mut text = String::new();
    for plan in 0..8 {
        writeln!(text, "[[plan]]\nname = \"plan-{plan}\"\nprefixes = [\"10.{plan}.0.0/16\"]").unwrap();
        for limit in 0..4 {
            let burst = 1 + plan + limit;
            writeln!(
                text,
                "[[limit]]\nname = \"limit-{plan}-{limit}\"\nrate = \"1 packets/min\"\nburst = {burst}"
            )
            .unwrap();
        }
    }
    for service in 0..64 {
        writeln!(
            text,
            "[[service]]\nname = \"service-{service}\"\nports = [{}]\nlimits = []",
            1_000 + service
        )
        .unwrap();
        writeln!(text, "[service.plans]").unwrap();
        for plan in 0..8 {
            let limits =
                (0..4).map(|limit| format!("\"limit-{plan}-{limit}\"")).collect::<Vec<_>>().join(", ");
            writeln!(text, "plan-{plan} = [{limits}]").unwrap();
        }
    }
    let tables = model(&text);
    let mut expected = BTreeMap::new();
    for service in 0..64_u16 {
        for plan in 0..8_u8 {
            let sent = Sent { from: [10, plan, 0, 1], port: 1_000 + service, ..SENT };
            let packets = usize::from(service) % 5 + 9;
            assert_eq!(sent.passes(&tables, packets), usize::from(plan) + 1, "the narrowest counts");
            let charged = u64::from(plan) + 1;
            for limit in 0..4 {
                let dropped = if limit == 0 { packets as u64 - charged } else { 0 };
                expected.insert(
                    format!("service-{service}/plan-{plan}/limit-{plan}-{limit}"),
                    (charged, dropped, 0),
                );
            }
        }
    }
    assert_eq!(expected.len(), 64 * 8 * 4);
    assert_eq!(counted(&tables), expected);
}
