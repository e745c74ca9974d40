//! As many services, plans and limits as are promised at once, each of which counts for itself.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Instant;

use anyhow::{Context, Result};
use xdpgate_tests::veth::GUARDED;
use xdpgate_tests::{kernel_or_skip, senders};

use crate::metrics::Endpoint;
use crate::stage::{Stage, guarded};
use crate::tally::{Packets, Tally};

const SERVICES: u16 = 64;
const PLANS: u8 = 8;
const LIMITS: u8 = 4;
const FIRST_PORT: u16 = 9_000;

/// The source of a plan in each family.
fn sources(plan: u8) -> [IpAddr; 2] {
    let ipv6 = Ipv6Addr::new(0x2001, 0xdb8, 0x200, plan.into(), 0, 0, 0, 1);
    [Ipv4Addr::new(198, 51, 100, 100 + plan).into(), ipv6.into()]
}

/// How many packets each source of the plan sends to the service: no less than the widest limit that acts admits.
fn packets(service: u16) -> u64 {
    9 + u64::from(service % 5)
}

/// The first limit of each plan is in monitor mode; the second is the narrowest that acts. No token comes back.
fn policy() -> String {
    let mut text = String::new();
    for plan in 0..PLANS {
        let [ipv4, ipv6] = sources(plan);
        // Writing to a String does not fail.
        let _ = writeln!(text, "[[plan]]\nname = \"plan-{plan}\"\nprefixes = [\"{ipv4}\", \"{ipv6}\"]");
        for limit in 0..LIMITS {
            let burst = 1 + plan + limit;
            let mode = if limit == 0 { "monitor" } else { "enforce" };
            let _ = writeln!(
                text,
                "[[limit]]\nname = \"limit-{plan}-{limit}\"\nrate = \"1 packets/h\"\nburst = {burst}\nmode = \"{mode}\""
            );
        }
    }
    for service in 0..SERVICES {
        let port = FIRST_PORT + service;
        let _ = writeln!(
            text,
            "[[service]]\nname = \"service-{service}\"\nprotocol = \"udp\"\nports = [{port}]\nlimits = []\n[service.plans]"
        );
        for plan in 0..PLANS {
            let limits: Vec<_> = (0..LIMITS).map(|limit| format!("\"limit-{plan}-{limit}\"")).collect();
            let _ = writeln!(text, "plan-{plan} = [{}]", limits.join(", "));
        }
    }
    text
}

/// What every limit of every plan of every service counts.
fn expected() -> BTreeMap<String, Packets> {
    let mut limits = BTreeMap::new();
    for service in 0..SERVICES {
        for plan in 0..PLANS {
            // Two sources.
            let (sent, watched, passed) =
                (2 * packets(service), 2 * u64::from(1 + plan), 2 * u64::from(2 + plan));
            for limit in 0..LIMITS {
                let counts = match limit {
                    0 => (watched, 0, sent - watched),
                    1 => (passed, sent - passed, 0),
                    _ => (passed, 0, 0),
                };
                limits.insert(format!("service-{service}/plan-{plan}/limit-{plan}-{limit}"), counts);
            }
        }
    }
    limits
}

#[test]
fn two_thousand_limits_are_each_counted_apart() -> Result<()> {
    if !kernel_or_skip("two_thousand_limits_are_each_counted_apart") {
        return Ok(());
    }
    let mut stage = Stage::prepare()?;
    let hosts: Vec<_> = (0..PLANS).flat_map(sources).collect();
    stage.wire.add_outside_hosts(&hosts)?;
    let endpoint = Endpoint::default();
    let file = stage.write_policy("")?;
    let file = file.to_str().context("a path that is no text")?;
    stage.daemon.start_with(&["--config", file, "--interface", GUARDED, "--metrics", &endpoint.address()])?;
    stage.at_rest()?;
    stage.write_policy(&policy())?;
    let start = Instant::now();
    stage.cli(&format!("apply {file}"))?;
    let applied = start.elapsed();

    let expected = expected();
    let sent: u64 = (0..SERVICES).map(|service| 2 * u64::from(PLANS) * packets(service)).sum();
    let change = Tally::change(&stage, sent, || {
        for service in 0..SERVICES {
            for from in &hosts {
                let to = SocketAddr::new(guarded(*from).ip(), FIRST_PORT + service);
                senders::send_datagrams(&stage.wire.outside, *from, to, packets(service))?;
            }
        }
        Ok(())
    })?;
    println!("{} limits in force {applied:?} after `apply`; {sent} datagrams", expected.len());
    let sum = |of: fn(&Packets) -> u64| -> u64 { expected.values().map(of).sum() };
    let (dropped, monitored) = (sum(|limit| limit.1), sum(|limit| limit.2));
    assert_eq!(expected.len(), 2_048);
    for (name, counts) in &expected {
        assert_eq!(change.limits.get(name), Some(counts), "{name}");
    }
    let all = Tally::of(&[("within-limit", sent - dropped)], &[("packet-limit", dropped)], &[]);
    let all = Tally { limits: expected.clone(), ..all.with_monitored("packet-limit", monitored) };
    assert_eq!(change, all);

    let page = endpoint.get(&stage, "/metrics")?.body;
    let samples: HashMap<_, _> = page.lines().filter_map(|line| line.rsplit_once(' ')).collect();
    for (name, (charged, dropped, monitored)) in &expected {
        let mut parts = name.split('/');
        let mut next = || parts.next().unwrap_or_default();
        let (service, plan, limit) = (next(), next(), next());
        for (verdict, packets) in [("charged", charged), ("dropped", dropped), ("monitored", monitored)] {
            let labels =
                format!("service=\"{service}\",plan=\"{plan}\",limit=\"{limit}\",verdict=\"{verdict}\"");
            let value = samples.get(format!("xdpgate_limit_packets_total{{{labels}}}").as_str());
            assert_eq!(value.copied(), Some(packets.to_string().as_str()), "{labels}");
        }
    }
    Ok(())
}
