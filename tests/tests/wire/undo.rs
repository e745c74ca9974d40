//! The way back over changes of every kind, from the history.

use anyhow::{Context, Result};
use xdpgate_tests::kernel_or_skip;

use crate::stage::{Stage, hosts};

#[test]
fn undo_goes_back_over_lists_entries_and_policies() -> Result<()> {
    if !kernel_or_skip("undo_goes_back_over_lists_entries_and_policies") {
        return Ok(());
    }
    let [[first, _], [second, _], [third, _]] = [1, 2, 3].map(hosts);
    let mut stage = Stage::under("# nobody is dropped\n")?;
    // Entries 2 to 5 of the history.
    stage.daemon.cli_with_input(&["list", "add", "scanners", "-"], &first.to_string())?;
    stage.daemon.cli_with_input(&["list", "add", "scanners", "-"], &second.to_string())?;
    stage.cli(&format!("allow add {second} --note office"))?;
    stage.write("third.txt", third.to_string())?;
    stage.write_policy("[[list]]\nname = \"third\"\npath = \"third.txt\"\n")?;
    stage.cli("reload")?;
    stage.assert_dropped(third, "blocklisted")?;
    stage.assert_passed(second, "allowed")?;
    let details = stage.json("history 5 --diff")?;
    for line in ["-# nobody is dropped", "+name = \"third\""] {
        assert!(details["diff"].as_str().is_some_and(|diff| diff.contains(line)), "{line}: {details}");
    }
    let details = stage.json("history 4")?;
    assert_eq!(details["changes"], serde_json::json!([format!("+ allow {second} (office)")]), "{details}");

    stage.cli("undo")?;
    stage.assert_passed(third, "default-pass")?;
    stage.assert_passed(second, "allowed")?;
    assert_eq!(stage.json("status")?["policy"]["differs_from_file"], true);
    stage.cli("undo")?;
    stage.assert_dropped(second, "blocklisted")?;
    // The text of the list that was replaced is still there, also after a kill.
    stage.daemon.kill()?;
    stage.daemon.start_again()?;
    stage.assert_dropped(second, "blocklisted")?;
    stage.cli("undo")?;
    stage.assert_dropped(first, "blocklisted")?;
    stage.assert_passed(second, "default-pass")?;
    stage.cli("undo")?;
    stage.assert_passed(first, "default-pass")?;
    let nothing = stage.refused("undo")?;
    assert_eq!(nothing.code, 4, "{nothing:?}");

    let history = stage.json("history")?;
    let entries = history["entries"].as_array().context("no entries")?;
    assert_eq!(entries.len(), 9, "{history}");
    assert_eq!(entries[0]["same_as"], 1, "{history}");
    assert_eq!(entries[0]["who"]["uid"], 0, "{history}");
    stage.daemon.terminate()?;
    stage.daemon.start_again()?;
    stage.assert_passed(first, "default-pass")?;
    assert_eq!(stage.json("history")?["entries"].as_array().map(Vec::len), Some(9), "a start is no change");
    Ok(())
}

#[test]
fn several_steps_at_once_and_on_trial() -> Result<()> {
    if !kernel_or_skip("several_steps_at_once_and_on_trial") {
        return Ok(());
    }
    let [listed, _] = hosts(1);
    let stage = Stage::under("")?;
    stage.daemon.cli_with_input(&["list", "add", "one", "-"], &listed.to_string())?;
    stage.cli("monitor country")?;
    stage.cli("undo 2 --confirm 1h")?;
    stage.assert_passed(listed, "default-pass")?;
    stage.cli("undo")?;
    stage.assert_dropped(listed, "blocklisted")?;
    assert_eq!(stage.json("status")?["policy"]["modes"][0]["name"], "country");
    stage.cli("undo 2 --confirm 1h")?;
    stage.cli("confirm")?;
    stage.assert_passed(listed, "default-pass")?;
    let far = stage.refused("undo 7")?;
    assert_eq!(far.code, 4, "{far:?}");
    Ok(())
}
