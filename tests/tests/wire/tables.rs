//! The sizes of the kernel's tables.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use xdpgate_tests::kernel_or_skip;

use crate::stage::{Stage, hosts};

#[test]
fn a_list_that_does_not_fit_changes_nothing() -> Result<()> {
    if !kernel_or_skip("a_list_that_does_not_fit_changes_nothing") {
        return Ok(());
    }
    let [[before, _], [late, _]] = [1, 2].map(hosts);
    let stage = Stage::under("[tables]\nprefixes = 1024\n")?;
    stage.daemon.cli_with_input(&["list", "add", "bad", "-"], &before.to_string())?;
    // Every other address: nothing is merged.
    let mut large = format!("{late}\n");
    for n in 0..1100 {
        writeln!(large, "203.0.{}.{}", 112 + n / 128, n % 128 * 2)?;
    }
    let file = stage.write("large.txt", large)?;
    let refused = stage.refused(&format!("list add large {}", file.display()))?;
    assert_eq!(refused.code, 11, "{refused:?}");
    assert!(refused.message.contains("1024") && refused.message.contains("tables.prefixes"), "{refused:?}");
    stage.assert_dropped(before, "blocklisted")?;
    stage.assert_passed(late, "default-pass")?;
    let lists = stage.json("list show")?;
    assert_eq!(lists["lists"].as_array().map(Vec::len), Some(1), "{lists}");
    Ok(())
}

#[test]
fn another_size_takes_effect_as_the_messages_say() -> Result<()> {
    if !kernel_or_skip("another_size_takes_effect_as_the_messages_say") {
        return Ok(());
    }
    let mut stage = Stage::under("[tables]\nbans = 1024\n")?;
    let [source, _] = hosts(1);
    stage.cli(&format!("ban add {source} --ttl permanent"))?;
    assert_eq!(capacity(&stage)?, 1024);
    stage.write_policy("[tables]\nbans = 2048\n")?;
    stage.daemon.terminate()?;
    stage.daemon.start_again()?;
    // The tables are adopted with what is in them; they are made anew only after a detach.
    assert_eq!(capacity(&stage)?, 1024, "the size that the kernel has, not the policy's");
    stage.assert_dropped(source, "banned")?;

    stage.daemon.terminate()?;
    stage.cli(&format!("detach --bpffs {}", stage.daemon.pins().display()))?;
    stage.daemon.start_again()?;
    assert_eq!(capacity(&stage)?, 2048);
    stage.assert_dropped(source, "banned")
}

#[test]
fn bans_that_have_no_room_after_a_start_are_told() -> Result<()> {
    if !kernel_or_skip("bans_that_have_no_room_after_a_start_are_told") {
        return Ok(());
    }
    let mut stage = Stage::under("[tables]\nbans = 2048\n")?;
    let [[_, source6], [clean, _]] = [1, 2].map(hosts);
    let bans: Vec<_> = (0..1100).map(|n| format!("203.0.{}.{}", 112 + n / 256, n % 256)).collect();
    stage.cli(&format!("ban add {source6} {} --ttl permanent", bans.join(" ")))?;
    stage.daemon.terminate()?;
    stage.cli(&format!("detach --bpffs {}", stage.daemon.pins().display()))?;
    stage.write_policy("[tables]\nbans = 1024\n")?;
    stage.daemon.start_again()?;
    let status = stage.json("status")?;
    assert_eq!((&status["ready"], &status["bans"]), (&true.into(), &1025.into()), "{status}");
    let left_out = "76 bans had no room; raise tables.bans and restart after `xdpgate detach`";
    assert!(status["problems"].to_string().contains(left_out), "{status}");
    stage.assert_dropped(source6, "banned")?;
    stage.assert_passed(clean, "default-pass")
}

fn capacity(stage: &Stage) -> Result<u64> {
    let status = stage.json("status")?;
    let tables = status["tables"].as_array().context("no tables")?;
    let bans = tables.iter().find(|table| table["name"] == "bans-ipv4").context("no table of bans")?;
    bans["capacity"].as_u64().context("no capacity")
}
