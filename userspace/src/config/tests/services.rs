//! Services, plans and limits: what they say, and what their authors read.

use std::fmt::Write as _;

use super::*;

mod access;
mod conflicts;
mod limits;
mod names;

/// A limit of each unit, on lines 1 to 9.
const LIMITS: &str = "[[limit]]\nname = \"client\"\nrate = \"10 packets/s\"\n[[limit]]\nname = \"volume\"\nrate = \"1 MB/s\"\n[[limit]]\nname = \"conns\"\nrate = \"5 connections/s\"\n";
/// What names all of them and every plan that a test has, so that only its own mistake is found.
const USES: &str = "limits = [\"client\", \"volume\", \"conns\"]\n";

/// The policy of a service on line 10, after the limits.
fn service(text: &str) -> String {
    format!("{LIMITS}[[service]]\nname = \"api\"\n{text}")
}

#[test]
fn a_whole_policy_of_services_is_read() {
    let config = checked(
        r#"
[[plan]]
name = "gold"
prefixes = ["198.51.100.0/24", "2001:db8::/32"]
path = "gold.txt"

[[limit]]
name = "per-client"
rate = "2000 packets/s"
burst = 4000
[[limit]]
name = "spaced"
algorithm = "leaky-bucket"
rate = "120 connections/min"
key = "prefix"
[[limit]]
name = "total"
algorithm = "sliding-window"
count = "1 GB"
window = "1 min"
key = "service"
mode = "monitor"
[[limit]]
name = "logins"
algorithm = "fixed-window"
count = "20 packets"
window = "1h30m"
on_exceed = "ban"
ban = "5 min"

[[service]]
name = "api"
protocol = "tcp+udp"
ports = ["8000-8099", 443, 444]
destinations = ["203.0.113.0/24"]
limits = ["per-client", "spaced", "total"]
[service.plans]
gold = []

[[service]]
name = "ping"
protocol = "icmp"
limits = ["logins"]
"#,
    );
    let [plan] = config.plans.as_slice() else { panic!("{:?}", config.plans) };
    assert_eq!((plan.name.as_str(), plan.prefixes.len(), plan.line), ("gold", 2, 2));
    assert_eq!(plan.path.as_deref(), Some(Path::new("gold.txt")));

    let [client, spaced, total, logins] = config.limits.as_slice() else { panic!("{:?}", config.limits) };
    let second = std::time::Duration::from_secs(1);
    assert_eq!(client.amount, Amount::Rate(Rate { units: 2000, per: second, burst: 4000 }));
    assert_eq!(
        (client.unit, client.key, client.on_exceed),
        (LimitUnit::Packets, LimitKey::Source, OnExceed::Drop)
    );
    assert_eq!(spaced.amount, Amount::Rate(Rate { units: 120, per: 60 * second, burst: 1 }));
    assert_eq!((spaced.unit, spaced.algorithm), (LimitUnit::Connections, Algorithm::LeakyBucket));
    assert_eq!(spaced.key, LimitKey::Prefix { ipv4: 24, ipv6: 48 });
    assert_eq!(total.amount, Amount::Window { count: 1_000_000_000, window: 60 * second });
    assert_eq!((total.unit, total.key, total.mode), (LimitUnit::Bytes, LimitKey::Service, Mode::Monitor));
    let ban = OnExceed::Ban { first: 300 * second, longest: 86_400 * second };
    assert_eq!((logins.on_exceed, logins.line), (ban, 23));

    let [api, ping] = config.services.as_slice() else { panic!("{:?}", config.services) };
    let ports: Vec<_> = api.ports.iter().map(ToString::to_string).collect();
    assert_eq!(ports, ["443-444", "8000-8099"]);
    assert_eq!(
        (api.destinations[0].value.to_string(), api.destinations[0].line),
        ("203.0.113.0/24".into(), 35)
    );
    assert_eq!(api.limits.iter().map(Name::as_str).collect::<Vec<_>>(), ["per-client", "spaced", "total"]);
    assert_eq!((api.plans[0].plan.as_str(), api.plans[0].limits.len(), api.plans[0].line), ("gold", 0, 38));
    assert_eq!((ping.protocol, ping.ports.len()), (ServiceProtocol::Icmp, 0));
}

#[test]
fn ports_and_protocols() {
    for (text, expected) in [
        (
            "limits = [\"client\", \"volume\", \"conns\"]",
            "10: service.ports: is missing; allowed: at most 64 ports and `first-last` ranges, of 1 to 65,535; add a line like ports = [443, \"8000-8099\"]",
        ),
        (
            "ports = []",
            "12: service.ports: names no port; allowed: at most 64 ports and `first-last` ranges, of 1 to 65,535; write the ports, or remove the service",
        ),
        (
            "ports = [0]",
            "12: service.ports: 0 is out of range; allowed: at most 64 ports and `first-last` ranges, of 1 to 65,535; choose a number in that range",
        ),
        (
            "ports = [\n443,\n\"90-80\"]",
            "14: service.ports: `90-80` is not a range of ports; allowed: the first and the last port, from 1 to 65,535; write it like \"8000-8099\", or one port without quotes",
        ),
        (
            "protocol = \"icmp\"\nports = [8]",
            "13: service.ports: has no effect with protocol = \"icmp\"; allowed: only with protocol = \"tcp\", \"udp\" or \"tcp+udp\"; write one of these, or remove this key",
        ),
        (
            "protocol = \"sctp\"\nports = [8]",
            "12: service.protocol: `sctp` is not known; allowed: \"tcp\", \"udp\", \"tcp+udp\", \"icmp\", \"any\"; write one of these",
        ),
        (
            "protocol = \"udp\"\nports = [53]\nlimits = [\"client\", \"volume\", \"conns\"]",
            "14: service.limits: `conns` counts connections, and udp has none; allowed: limits in packets or bytes; name another limit, or remove it here",
        ),
    ] {
        assert_eq!(problems(&service(text)), [expected]);
    }
    checked(&service(&format!("protocol = \"any\"\n{USES}")));
    checked(&service(&format!("protocol = \"tcp+udp\"\nports = [443]\n{USES}")));
}

#[test]
fn what_a_service_names_exists() {
    let plan = "[[plan]]\nname = \"gold\"\nprefixes = [\"192.0.2.0/24\"]\n";
    for (text, expected) in [
        (
            "limits = [\"clients\"]",
            "13: service.limits: `clients` is not a limit; allowed: the name of a [[limit]] of this policy; did you mean `client`?",
        ),
        (
            "limits = [\n\"zzzzzzzz\"]",
            "14: service.limits: `zzzzzzzz` is not a limit; allowed: the name of a [[limit]] of this policy; add a [[limit]] of that name, or remove it here",
        ),
        (
            "[service.plans]\ngild = [\"client\"]",
            "14: service.plans.gild: `gild` is not a plan; allowed: the name of a [[plan]] of this policy; did you mean `gold`?",
        ),
        (
            "[service.plans]\nlimits = [\"client\"]",
            "14: service.plans.limits: `limits` is not a plan; allowed: plans; move it above [service.plans]",
        ),
        (
            "[service.plans]\ngold = [\"gold\"]",
            "14: service.plans.gold: `gold` is not a limit; allowed: the name of a [[limit]] of this policy; add a [[limit]] of that name, or remove it here",
        ),
        (
            "[service.plans]\ngold = \"client\"",
            "14: service.plans.gold: a text is not a list of names in quotes; allowed: at most 4 names of limits, no name twice; write it like [\"per-client\"]",
        ),
        (
            "limits = [\"client\", \"client\"]",
            "13: service.limits: `client` is already on line 13; allowed: at most 4 names of limits, no name twice; remove one of the two",
        ),
        (
            "limits = [\"client\", \"volume\", \"conns\", \"client\", \"client\"]",
            "13: service.limits: 5 entries are too many; allowed: at most 4 names of limits, no name twice; remove some",
        ),
    ] {
        let text = format!("{}\n{plan}", service(&format!("ports = [443]\n{text}")));
        assert_eq!(problems(&text).first().unwrap(), expected);
    }
}

#[test]
fn what_no_service_names_has_no_effect() {
    let plan = "[[plan]]\nname = \"gold\"\nprefixes = [\"192.0.2.0/24\"]\n";
    assert_eq!(
        problems(&format!("{}{plan}", service("ports = [443]\nlimits = [\"client\", \"conns\"]\n"))),
        [
            "5: limit.name: `volume` has no effect, because no service names it; allowed: a limit that a [[service]] names; add it to `limits` or [service.plans] of a service, or remove this table",
            "15: plan.name: `gold` has no effect, because no service names it; allowed: a plan that a [[service]] names; add it to [service.plans] of a service, or remove this table",
        ]
    );
}

#[test]
fn plans() {
    let uses = service(&format!("ports = [443]\n{USES}[service.plans]\ngold = []\nsilver = []\n"));
    let plans = |gold: &str, silver: &str| {
        format!("{uses}[[plan]]\nname = \"gold\"\n{gold}\n[[plan]]\nname = \"silver\"\n{silver}\n")
    };
    checked(&plans("prefixes = [\"192.0.2.0/24\"]", "prefixes = [\"192.0.2.0/25\"]"));
    checked(&plans("prefixes = [\"192.0.2.0/24\", \"192.0.2.0/24\"]", "path = \"silver.txt\""));
    assert_eq!(
        problems(&plans(
            "prefixes = [\"192.0.2.0/24\"]",
            "prefixes = [\n\"192.0.2.0/25\",\n\"192.0.2.0/24\"]"
        )),
        [
            "24: plan.prefixes: 192.0.2.0/24 is already in the plan `gold` (line 19); allowed: each prefix in one plan, and the longest counts; remove it from one of the two"
        ]
    );
    assert_eq!(
        problems(&plans("prefixes = []", "")),
        [
            "20: plan.prefixes: has no sources; allowed: prefixes, path or both; add a line like prefixes = [\"192.0.2.0/24\", \"2001:db8::1\"]"
        ]
    );
}

#[test]
fn as_many_as_the_tables_hold() {
    let mut text = String::from("[[limit]]\nname = \"l\"\nrate = \"1/s\"\n");
    for index in 1..=64 {
        write!(text, "[[service]]\nname = \"s{index}\"\nports = [{index}]\nlimits = [\"l\"]\n").unwrap();
    }
    assert_eq!(checked(&text).services.len(), MAX_SERVICES);
    text.push_str("[[service]]\nname = \"s65\"\nports = [65]\n");
    assert_eq!(
        problems(&text),
        ["260: service: 65 services are too many; allowed: at most 64; join some of them"]
    );

    let plans = |count: usize| {
        let mut text = String::from("[[service]]\nname = \"s\"\nports = [1]\n[service.plans]\n");
        (0..count).for_each(|index| writeln!(text, "p{index} = []").unwrap());
        (0..count).for_each(|index| {
            write!(text, "[[plan]]\nname = \"p{index}\"\nprefixes = [\"10.0.0.{index}\"]\n").unwrap();
        });
        text
    };
    assert_eq!(checked(&plans(15)).plans.len(), MAX_PLANS);
    assert_eq!(
        problems(&plans(16)),
        ["66: plan: 16 plans are too many; allowed: at most 15; join some of them"]
    );

    let mut limits = String::new();
    (0..4097).for_each(|index| write!(limits, "[[limit]]\nname = \"l{index}\"\nrate = \"1/s\"\n").unwrap());
    let expected = "12289: limit: 4097 limits are too many; allowed: at most 4096; remove some";
    assert!(problems(&limits).iter().any(|problem| problem == expected));
    assert_eq!(MAX_LIMIT_USES, 4096, "64 services with 15 plans and the sources of none, 4 limits each");
}

#[test]
fn sources_with_many_limits_take_more_room() {
    let limits = |names: &str| {
        let text = format!(
            "[[limit]]\nname = \"a\"\nrate = \"1 packets/s\"\n[[limit]]\nname = \"b\"\nrate = \"1 packets/s\"\n\
             [[limit]]\nname = \"c\"\nrate = \"1 packets/s\"\n[[limit]]\nname = \"d\"\nrate = \"1 packets/s\"\nkey = \"service\"\n\
             [[service]]\nname = \"one\"\nports = [1]\nlimits = [\"a\", \"b\", \"c\", \"d\"]\n\
             [[service]]\nname = \"two\"\nports = [2]\nlimits = [{names}]"
        );
        crate::config::parse(&text, Path::new("policy.toml")).unwrap()
    };
    assert_eq!(Config::default().source_share(), 1);
    let mut config = limits("\"a\"");
    assert_eq!(config.source_share(), 2, "three of each source");
    config.services.remove(0);
    assert_eq!(config.source_share(), 1);
}
