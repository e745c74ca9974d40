//! Sampled packets that were dropped.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use xdpgate_tests::veth::{GUARDED, GUARDED_IPV4, GUARDED_IPV6};
use xdpgate_tests::{kernel_or_skip, prerequisites};

use crate::stage::{PORT, Stage, hosts, wait};

const SHOWN_WITHIN: Duration = Duration::from_secs(5);

#[test]
fn a_drop_is_shown_with_what_is_known_of_it() -> Result<()> {
    if !kernel_or_skip("a_drop_is_shown_with_what_is_known_of_it") {
        return Ok(());
    }
    let stage = Stage::under("")?;
    let [[banned, banned6], [listed, _]] = [1, 2].map(hosts);
    stage.cli(&format!("ban add {banned} {banned6}"))?;
    stage.daemon.cli_with_input(&["list", "add", "scanners", "-"], &listed.to_string())?;
    let event = |stage: &Stage, source: std::net::IpAddr| {
        let events = stage.json("events --last 1000")?;
        let found = events["events"].as_array().into_iter().flatten();
        Ok::<_, anyhow::Error>(found.into_iter().find(|event| event["source"] == source.to_string()).cloned())
    };
    for (source, guarded, reason, bytes) in [
        (banned, GUARDED_IPV4.to_string(), "banned", 60),
        (banned6, GUARDED_IPV6.to_string(), "banned", 80),
        (listed, GUARDED_IPV4.to_string(), "blocklisted", 60),
    ] {
        stage.assert_dropped(source, reason)?;
        wait("the event is shown", SHOWN_WITHIN, || Ok(event(&stage, source)?.is_some()))?;
        let event = event(&stage, source)?.unwrap_or_default();
        assert_eq!(event["kind"], "dropped", "{event}");
        assert_eq!(event["reason"], reason, "{event}");
        assert_eq!(event["interface"], GUARDED, "{event}");
        assert_eq!(event["destination"], guarded, "{event}");
        assert_eq!(event["destination_port"], PORT, "{event}");
        assert_eq!(event["protocol"], "udp", "{event}");
        assert_eq!(event["bytes"], bytes, "{event}");
        let list =
            if reason == "blocklisted" { serde_json::json!("scanners") } else { serde_json::Value::Null };
        assert_eq!(event["list"], list, "{event}");
    }
    let text = stage.cli("events")?;
    assert!(text.contains(&listed.to_string()) && text.contains("list=scanners"), "{text}");
    let counts = &stage.json("stats --once")?["events"];
    assert_eq!(counts["lost"], 0, "{counts}");
    assert!(counts["written"].as_u64() >= Some(3), "{counts}");
    Ok(())
}

#[test]
fn a_follower_sees_drops_as_they_come() -> Result<()> {
    if !kernel_or_skip("a_follower_sees_drops_as_they_come") {
        return Ok(());
    }
    let mut stage = Stage::under("")?;
    let [source, _] = hosts(1);
    stage.cli(&format!("ban add {source}"))?;
    let mut command = stage.wire.guarded.command(prerequisites::xdpgate_binary()?);
    command.arg("--socket").arg(stage.daemon.socket()).args(["events", "--follow", "--json"]);
    let mut follower = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let output = follower.stdout.take().context("no output")?;
    let mut lines = BufReader::new(output).lines();
    stage.assert_dropped(source, "banned")?;
    let event: serde_json::Value = serde_json::from_str(&lines.next().context("no event")??)?;
    assert_eq!(
        (&event["source"], &event["reason"]),
        (&source.to_string().into(), &"banned".into()),
        "{event}"
    );
    // It ends with the daemon, and says so.
    stage.daemon.kill()?;
    let status = follower.wait()?;
    assert_eq!(status.code(), Some(3), "{status}");
    Ok(())
}

#[test]
fn more_than_the_budget_is_left_out_and_counted() -> Result<()> {
    if !kernel_or_skip("more_than_the_budget_is_left_out_and_counted") {
        return Ok(());
    }
    let stage = Stage::under("[events]\nper_second = 1\nburst = 5\n")?;
    let [source, _] = hosts(1);
    stage.cli(&format!("ban add {source}"))?;
    for _ in 0..5 {
        stage.assert_dropped(source, "banned")?;
    }
    let counts = &stage.json("stats --once")?["events"];
    let count = |name: &str| counts[name].as_u64().unwrap_or_default();
    assert_eq!(count("written") + count("skipped") + count("lost"), 100, "{counts}");
    assert!(count("skipped") > 50, "{counts}");
    Ok(())
}
