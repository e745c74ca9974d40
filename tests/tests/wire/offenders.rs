//! Sources that are banned for going over a limit, each time for longer.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use xdpgate_tests::{kernel_or_skip, senders};

use crate::stage::{BURST, COUNTED_WITHIN, PORT, Stage, counted, guarded, hosts, wait};

/// No token comes back within the test.
const POLICY: &str = r#"
[[limit]]
name = "per-client"
rate = "1 packets/h"
burst = 15
on_exceed = "ban"
ban = "2 s"
ban_longest = "3 s"

[[service]]
name = "api"
protocol = "udp"
ports = [443]
limits = ["per-client"]
"#;

const LIMIT: u64 = 15;

#[test]
fn a_source_over_a_limit_is_banned_each_time_for_longer() -> Result<()> {
    if !kernel_or_skip("a_source_over_a_limit_is_banned_each_time_for_longer") {
        return Ok(());
    }
    assert_eq!(PORT, 443);
    let stage = Stage::under(POLICY)?;
    let [ipv4, ipv6] = hosts(1);
    let [calm, _] = hosts(2);
    for source in [ipv4, ipv6] {
        let change = stage.change(BURST, || stage.send(source))?;
        // The ban comes while the burst is still under way.
        let (over, banned) = (change.dropped.get("packet-limit"), change.dropped.get("banned"));
        let [over, banned] = [over, banned].map(|count| count.copied().unwrap_or(0));
        assert_eq!(change.passed.get("within-limit"), Some(&LIMIT), "{change:?}");
        assert_eq!(over + banned, BURST - LIMIT, "{change:?}");
        assert_eq!(change.seen, BURST, "{change:?}");
        let ban = ban_of(&stage, source)?;
        assert_eq!(
            (&ban["source"], &ban["reason"]),
            (&"limit".into(), &"over the limit per-client of api".into())
        );
        stage.assert_dropped(source, "banned")?;
    }
    // Its neighbours are not.
    let few = || senders::send_datagrams(&stage.wire.outside, calm, guarded(calm), 5);
    assert_eq!(stage.change(5, few)?, counted(&[("within-limit", 5)], &[]));

    let gone = || Ok(found(&stage, ipv4)?.is_none());
    wait("the first ban ends", Duration::from_secs(10), gone)?;
    // The kernel rounds the end of a ban up, to 67 ms.
    std::thread::sleep(Duration::from_millis(150));
    stage.send(ipv4)?;
    let ban = ban_of(&stage, ipv4)?;
    assert_eq!(ban["reason"], "over the limit per-client of api, 2 times", "{ban}");
    let told = stage.cli("audit --last 20")?;
    assert!(told.contains("over the limit per-client of api, 2 times"), "{told}");

    // The kernel counts what each step dropped; nothing is left out.
    let stats = stage.json("stats --once")?;
    let limit = stats["limits"].as_array().context("limits")?.first().context("one limit")?;
    assert_eq!((&limit["service"], &limit["limit"]), (&"api".into(), &"per-client".into()));
    assert_eq!(limit["charged"]["packets"], 2 * LIMIT + 5, "{limit}");
    assert_eq!(limit["monitored"]["packets"], 0, "{limit}");
    Ok(())
}

#[test]
fn a_limit_in_monitor_mode_bans_nobody() -> Result<()> {
    if !kernel_or_skip("a_limit_in_monitor_mode_bans_nobody") {
        return Ok(());
    }
    let stage = Stage::under(POLICY)?;
    stage.cli("monitor per-client")?;
    let [source, _] = hosts(1);
    let change = stage.change(BURST, || stage.send(source))?;
    let over = BURST - LIMIT;
    assert_eq!(change, counted(&[("within-limit", LIMIT), ("default-pass", over)], &[]));
    let stats = stage.json("stats --once")?;
    let limit = &stats["limits"][0];
    assert_eq!((&limit["mode"], &limit["monitored"]["packets"]), (&"monitor".into(), &over.into()));
    assert_eq!((&limit["charged"]["packets"], &limit["dropped"]["packets"]), (&LIMIT.into(), &0.into()));
    std::thread::sleep(Duration::from_millis(300));
    assert!(found(&stage, source)?.is_none(), "nobody is banned");
    Ok(())
}

fn ban_of(stage: &Stage, source: IpAddr) -> Result<serde_json::Value> {
    let mut ban = None;
    wait("the source is banned", COUNTED_WITHIN, || {
        ban = found(stage, source)?;
        Ok(ban.is_some())
    })?;
    ban.context("it was there")
}

fn found(stage: &Stage, source: IpAddr) -> Result<Option<serde_json::Value>> {
    let bans = stage.json("ban list")?;
    let bans = bans["bans"].as_array().context("bans")?;
    let holds = |ban: &&serde_json::Value| {
        let prefix: Option<ipnet::IpNet> = ban["prefix"].as_str().and_then(|prefix| {
            prefix.parse().ok().or_else(|| prefix.parse::<IpAddr>().ok().map(ipnet::IpNet::from))
        });
        prefix.is_some_and(|prefix| prefix.contains(&source))
    };
    Ok(bans.iter().find(holds).cloned())
}
