//! The allowlist beats bans, lists and limits.

use anyhow::Result;
use xdpgate_tests::kernel_or_skip;

use crate::stage::{Stage, hosts};

const POLICY: &str =
    "[limits.source]\npackets = \"1/min\"\npackets_burst = 1\n[[list]]\nname = \"bad\"\npath = \"bad.txt\"\n";

#[test]
fn who_is_allowed_passes_whatever_else_is_set() -> Result<()> {
    if !kernel_or_skip("who_is_allowed_passes_whatever_else_is_set") {
        return Ok(());
    }
    let [[banned, _], [listed, listed6], [_, limited6]] = [1, 2, 3].map(hosts);
    let mut stage = Stage::prepare()?;
    stage.write("bad.txt", format!("{listed}\n{listed6}\n"))?;
    stage.start_under(POLICY)?;
    stage.cli(&format!("ban add {banned} --ttl permanent"))?;
    stage.assert_dropped(banned, "banned")?;
    stage.assert_dropped(listed, "blocklisted")?;
    stage.assert_dropped(listed6, "blocklisted")?;

    stage.cli(&format!("allow add {banned} 198.51.100.2/31 2001:db8:100::/48 --note office"))?;
    for source in [banned, listed, listed6, limited6] {
        stage.assert_passed(source, "allowed")?;
    }
    stage.daemon.kill()?;
    stage.daemon.start_again()?;
    let entries = stage.json("allow list")?;
    assert_eq!(entries["entries"].as_array().map(Vec::len), Some(3), "{entries}");
    assert_eq!(entries["entries"][0]["note"], "office", "{entries}");
    for source in [banned, listed, listed6, limited6] {
        stage.assert_passed(source, "allowed")?;
    }

    stage.cli(&format!("allow del {banned} 198.51.100.2/31"))?;
    stage.assert_dropped(banned, "banned")?;
    stage.assert_dropped(listed, "blocklisted")?;
    stage.assert_passed(listed6, "allowed")?;
    let missing = stage.refused(&format!("allow del {banned}"))?;
    assert_eq!(missing.code, 4, "{missing:?}");
    Ok(())
}

#[test]
fn entries_of_the_policy_are_changed_in_the_policy() -> Result<()> {
    if !kernel_or_skip("entries_of_the_policy_are_changed_in_the_policy") {
        return Ok(());
    }
    let [source, _] = hosts(1);
    let stage = Stage::under(&format!("[allow]\nprefixes = [\"{source}\"]\n"))?;
    stage.cli(&format!("ban add {source}"))?;
    stage.assert_passed(source, "allowed")?;
    let refused = stage.refused(&format!("allow del {source}"))?;
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.message.contains("line 2"), "{refused:?}");
    stage.assert_passed(source, "allowed")
}
