//! Somebody writes to the kernel's tables behind the daemon's back.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aya::Pod;
use aya::maps::{Array, Map, MapData};
use serde_json::{Value, json};
use xdpgate_ebpf::abi::{AttributeSet, BAN_LINE_WORDS, MAX_PLANS, MAX_SERVICES, Settings, action, control};
use xdpgate_tests::kernel_or_skip;
use xdpgate_tests::veth::GUARDED;

use crate::metrics::Endpoint;
use crate::stage::{Stage, hosts, wait};

const POLICY: &str = "\
[daemon]
verify = \"1 day\"

[[list]]
name = \"bad\"
path = \"bad.txt\"

[[limit]]
name = \"few\"
rate = \"1 packet/h\"

[[service]]
name = \"dns\"
protocol = \"udp\"
ports = [53]
limits = [\"few\"]
";

const RULES: usize = (MAX_SERVICES * MAX_PLANS) as usize;

/// A table as whoever is root can open it.
fn pinned<T: Pod>(stage: &Stage, name: &str) -> Result<Array<MapData, T>> {
    let map = MapData::from_pin(stage.daemon.pins().join("maps").join(name))?;
    Array::try_from(Map::Array(map)).with_context(|| format!("{name} is no such array"))
}

/// Changes every element.
fn corrupt<T: Pod>(stage: &Stage, name: &str, change: impl Fn(T) -> T) -> Result<()> {
    let mut array = pinned(stage, name)?;
    for index in 0..array.len() {
        let value = array.get(&index, 0)?;
        array.set(index, change(value), 0)?;
    }
    Ok(())
}

/// What one table drifted, by the words of the command line.
fn mended(stage: &Stage) -> Result<Value> {
    let output = stage.daemon.cli_output(&["verify", "--json"])?;
    let shown: Value = serde_json::from_slice(&output.stdout)?;
    let tables = shown["tables"].as_array().context("no tables")?.clone();
    let drifted: serde_json::Map<_, _> = tables
        .iter()
        .filter(|table| table["entries"] != json!(0))
        .map(|table| (table["table"].as_str().unwrap_or_default().to_owned(), table["entries"].clone()))
        .collect();
    ensure!(output.status.code() == Some(i32::from(!drifted.is_empty())), "{output:?}");
    Ok(Value::Object(drifted))
}

fn set() -> Result<(Stage, [IpAddr; 2])> {
    let [[listed, _], [banned, _]] = [1, 2].map(hosts);
    let mut stage = Stage::prepare()?;
    stage.write("bad.txt", listed.to_string())?;
    stage.start_under(POLICY)?;
    stage.cli(&format!("ban add {banned}"))?;
    Ok((stage, [listed, banned]))
}

fn enforces(stage: &Stage, [listed, banned]: [IpAddr; 2]) -> Result<()> {
    stage.assert_dropped(listed, "blocklisted")?;
    stage.assert_dropped(banned, "banned")
}

#[test]
fn what_somebody_else_wrote_is_found_and_mended() -> Result<()> {
    if !kernel_or_skip("what_somebody_else_wrote_is_found_and_mended") {
        return Ok(());
    }
    let (stage, both) = set()?;
    let [listed, banned] = both;
    assert_eq!(mended(&stage)?, json!({}), "before anybody wrote");
    enforces(&stage, both)?;

    corrupt::<[u64; BAN_LINE_WORDS]>(&stage, "BANS_V4", |_| [0; BAN_LINE_WORDS])?;
    stage.assert_passed(banned, "default-pass")?;
    assert_eq!(mended(&stage)?, json!({ "bans": 1 }));
    enforces(&stage, both)?;

    corrupt::<AttributeSet>(&stage, "ATTRIBUTES", |_| AttributeSet::EMPTY)?;
    stage.assert_passed(listed, "default-pass")?;
    let drift = mended(&stage)?;
    assert_eq!(drift, json!({ "attributes": 2 }), "the list's set, and that of management prefixes");
    enforces(&stage, both)?;

    corrupt::<Settings>(&stage, "SETTINGS", |settings| Settings {
        default_action: action::DROP,
        ..settings
    })?;
    stage.assert_dropped(hosts(3)[0], "default-drop")?;
    assert_eq!(mended(&stage)?, json!({ "settings": 1 }));

    corrupt::<[u64; RULES]>(&stage, "RULES", |_| [0; RULES])?;
    assert_eq!(mended(&stage)?, json!({ "rules": MAX_PLANS }), "of the one service, for each plan");

    corrupt::<[u64; control::WORDS]>(&stage, "CONTROL", |mut words| {
        words[control::LIVE_GENERATION] = 0;
        words
    })?;
    stage.assert_passed(listed, "no-policy")?;
    assert_eq!(mended(&stage)?, json!({ "control": 1 }));
    enforces(&stage, both)?;

    assert_eq!(mended(&stage)?, json!({}), "all of it is mended");
    let audited = stage.cli("audit")?;
    assert!(audited.contains("mend the kernel's tables (1 of bans)"), "{audited}");
    let status = stage.json("status")?;
    assert_eq!(status["problems"], json!([]), "the last check found nothing");
    assert_eq!(status["checks"]["mended"], json!(5 + MAX_PLANS));
    Ok(())
}

#[test]
fn it_happens_by_itself_and_shows_in_the_metrics() -> Result<()> {
    if !kernel_or_skip("it_happens_by_itself_and_shows_in_the_metrics") {
        return Ok(());
    }
    let [banned, _] = hosts(1);
    let endpoint = Endpoint::default();
    let mut stage = Stage::prepare()?;
    let policy = stage.write_policy("[daemon]\nverify = \"1 s\"\n")?.display().to_string();
    let arguments = ["--config", &policy, "--interface", GUARDED, "--metrics", &endpoint.address()];
    stage.daemon.start_with(&arguments)?;
    stage.at_rest()?;
    stage.cli(&format!("ban add {banned}"))?;
    corrupt::<[u64; BAN_LINE_WORDS]>(&stage, "BANS_V4", |_| [0; BAN_LINE_WORDS])?;
    let mends =
        |stage: &Stage| Ok(endpoint.metrics(stage)?.value("xdpgate_drift_mended_entries_total", &[])? >= 1.0);
    wait("a check that mends", Duration::from_secs(20), || mends(&stage))?;
    stage.assert_dropped(banned, "banned")?;
    let page = endpoint.metrics(&stage)?;
    assert!(page.value("xdpgate_check_successful", &[])? > 0.5);
    assert!(page.value("xdpgate_check_timestamp_seconds", &[])? > 1.7e9);
    wait("a check that finds nothing", Duration::from_secs(20), || {
        Ok(endpoint.metrics(&stage)?.value("xdpgate_drift_entries", &[("table", "bans")])? < 0.5)
    })?;
    let log = stage.daemon.log();
    assert!(log.contains("NOT AS THEY SHOULD BE"), "{log}");
    Ok(())
}
