//! `coverage` finds what listens past the gate.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use xdpgate_tests::kernel_or_skip;
use xdpgate_tests::senders::UdpSink;
use xdpgate_tests::veth::{GUARDED, GUARDED_IPV4};

use crate::stage::{PORT, Stage};

const SERVICE: &str = "[[service]]\nname = \"web\"\nprotocol = \"udp\"\nports = [443]\nlimits = [\"each\"]\n\
    [[limit]]\nname = \"each\"\nrate = \"10 packets/s\"\n";

fn socket<'a>(answer: &'a Value, address: &str, port: u16) -> Result<&'a Value> {
    let sockets = answer["sockets"].as_array().context("no sockets")?;
    let found = sockets.iter().find(|socket| socket["address"] == address && socket["port"] == port);
    found.with_context(|| format!("no socket {address} {port} in {answer}"))
}

#[test]
fn what_listens_past_the_gate_is_found() -> Result<()> {
    if !kernel_or_skip("what_listens_past_the_gate_is_found") {
        return Ok(());
    }
    let stage = Stage::under(SERVICE)?;
    let own = GUARDED_IPV4.to_string();
    let _local = UdpSink::start(&stage.wire.guarded, "127.0.0.1:5300".parse()?)?;
    let answer = stage.json("coverage")?;
    let web = socket(&answer, &own, PORT)?;
    assert_eq!(
        (&web["cover"], &web["services"], &web["limits"], &web["covered"]),
        (&json!("service"), &json!(["web"]), &json!(["each"]), &json!(true)),
        "{web}"
    );
    assert_eq!((&web["guarded"], &web["unguarded"]), (&json!([GUARDED]), &json!([])), "{web}");
    assert!(web["process"]["pid"].as_u64().is_some(), "{web}");
    let local = socket(&answer, "127.0.0.1", 5300)?;
    assert_eq!((&local["loopback"], &local["covered"]), (&json!(true), &json!(true)), "{local}");
    assert_eq!(answer["not_covered"], 0, "{answer}");
    assert!(stage.cli("coverage")?.trim_end().ends_with("listening sockets are covered"));

    // No service and no limit.
    let _bare = UdpSink::start(&stage.wire.guarded, (GUARDED_IPV4, 9_999).into())?;
    let output = stage.daemon.cli_output(&["coverage"])?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    let last = text.lines().last().unwrap_or_default();
    assert!(
        last.contains("listening sockets are not covered") && last.ends_with(&format!("udp {own}:9999")),
        "{text}"
    );

    // Unless each source is limited.
    let limited = format!("{SERVICE}[limits.source]\npackets = \"10/s\"\n");
    stage.write_policy(&limited)?;
    stage.cli("reload")?;
    assert_eq!(socket(&stage.json("coverage")?, &own, 9_999)?["cover"], "source-limits");

    // Nothing guards what an operator detached.
    stage.cli(&format!("detach --interface {GUARDED}"))?;
    let output = stage.daemon.cli_output(&["--json", "coverage"])?;
    assert_eq!(output.status.code(), Some(1));
    let answer: Value = serde_json::from_slice(&output.stdout)?;
    let web = socket(&answer, &own, PORT)?;
    assert_eq!((&web["unguarded"], &web["covered"]), (&json!([GUARDED]), &json!(false)), "{web}");
    Ok(())
}
