//! Who did what is written down, also without a daemon.

use anyhow::{Context, Result};
use serde_json::Value;
use xdpgate_tests::kernel_or_skip;

use crate::stage::{Stage, hosts};

fn actions(audit: &Value) -> Vec<String> {
    let entries = audit["entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    entries.iter().filter_map(|entry| entry["action"].as_str().map(str::to_owned)).collect()
}

#[test]
fn every_change_is_a_line() -> Result<()> {
    if !kernel_or_skip("every_change_is_a_line") {
        return Ok(());
    }
    let [source, _] = hosts(1);
    let mut stage = Stage::under("")?;
    let pins = stage.daemon.pins().display().to_string();
    let kept = stage.daemon.directory().join("state").display().to_string();
    stage.cli(&format!("ban add {source} --ttl 1h --reason scanning"))?;
    stage.cli(&format!("ban del {source}"))?;
    let lines: Vec<_> = (0..300).map(|n| format!("203.0.{}.{}", 112 + n / 256, n % 256)).collect();
    stage.daemon.cli_with_input(&["ban", "add", "--from", "-"], &lines.join("\n"))?;
    stage.cli(&format!("allow add {source}"))?;
    stage.cli(&format!("allow del {source}"))?;
    stage.daemon.cli_with_input(&["list", "add", "mine", "-"], "203.0.113.1")?;
    stage.cli("list del mine")?;
    stage.cli("monitor country")?;
    stage.cli("geo off")?;
    stage.cli("pause")?;
    stage.cli("resume")?;
    stage.write_policy("# changed\n")?;
    stage.cli("reload")?;
    stage.cli("apply --confirm 1h")?;
    stage.cli("confirm")?;
    stage.cli("undo")?;
    let audit = stage.json("audit")?;
    let wanted = [
        "start",
        "ban",
        "unban",
        "ban",
        "allow add",
        "allow del",
        "list add",
        "list del",
        "monitor",
        "geo rule",
        "pause",
        "resume",
        "reload",
        "apply",
        "confirm",
        "undo",
    ];
    assert_eq!(actions(&audit), wanted, "{audit}");
    let entry = |action: &str| -> Result<Value> {
        let entries = audit["entries"].as_array().context("no entries")?;
        entries.iter().find(|entry| entry["action"] == action).cloned().context("no such entry")
    };
    let ban = entry("ban")?;
    assert_eq!((&ban["who"]["user"], &ban["who"]["uid"]), (&"root".into(), &0.into()), "{ban}");
    assert!(ban["who"]["command"].as_str().is_some_and(|command| command.contains("ban add")), "{ban}");
    assert_eq!(ban["what"], source.to_string(), "{ban}");
    assert!(ban["to"].as_str().is_some_and(|to| to.contains("scanning")), "{ban}");
    assert_eq!(audit["entries"][3]["what"], "300 prefixes from lines", "{audit}");
    let mode = entry("monitor")?;
    assert_eq!((&mode["from"], &mode["to"]), (&"enforce".into(), &"monitor".into()), "{mode}");
    assert_eq!(entry("start")?["who"]["user"], "daemon");
    assert_eq!(actions(&stage.json("audit --last 2")?), ["confirm", "undo"]);

    // Without a daemon: read from the file, and written to it.
    stage.daemon.kill()?;
    stage.cli(&format!("pause --bpffs {pins} --state-dir {kept}"))?;
    stage.cli(&format!("resume --bpffs {pins} --state-dir {kept}"))?;
    let audit = stage.json(&format!("audit --last 3 --state-dir {kept}"))?;
    assert_eq!(actions(&audit), ["undo", "pause", "resume"], "{audit}");
    assert_eq!(audit["entries"][1]["who"]["user"], "root", "{audit}");
    assert_eq!(
        actions(&stage.json(&format!("audit --since 1h --state-dir {kept}"))?).len(),
        wanted.len() + 2
    );
    stage.daemon.start_again()?;
    stage.cli("pause")?;
    assert_eq!(actions(&stage.json("audit --last 2")?), ["resume", "pause"], "one file, several writers");
    Ok(())
}

/// A disk that takes no more lines takes bans nevertheless.
#[test]
fn a_line_that_cannot_be_written_stops_nothing() -> Result<()> {
    if !kernel_or_skip("a_line_that_cannot_be_written_stops_nothing") {
        return Ok(());
    }
    let [source, _] = hosts(1);
    let mut stage = Stage::prepare()?;
    std::fs::create_dir_all(stage.daemon.directory().join("state/audit.log"))?;
    stage.start_under("")?;
    stage.cli(&format!("ban add {source}"))?;
    stage.assert_dropped(source, "banned")?;
    let status = stage.json("status")?;
    assert_eq!(status["audit_failures"], 2, "{status}");
    assert!(status["problems"].to_string().contains("audit.log"), "{status}");
    assert!(stage.daemon.log().contains("NOT IN THE AUDIT LOG"), "{}", stage.daemon.log());
    Ok(())
}
