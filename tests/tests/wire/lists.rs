//! Blocklists that operators add.

use std::fs;

use anyhow::{Context, Result};
use xdpgate_tests::kernel_or_skip;

use crate::stage::{BURST, Stage, hosts};

#[test]
fn a_list_holds_until_it_is_removed_and_over_restarts() -> Result<()> {
    if !kernel_or_skip("a_list_holds_until_it_is_removed_and_over_restarts") {
        return Ok(());
    }
    let mut stage = Stage::under("")?;
    let [[file4, file6], [input4, input6], [clean, _]] = [1, 2, 3].map(hosts);
    let file = stage.write("scanners.txt", format!("# scanners\n{file4} ; seen\n2001:db8:100:1::/64\n"))?;
    stage.cli(&format!("list add scanners {}", file.display()))?;
    let range = "198.51.100.2-198.51.100.2\n2001:db8:100:2::-2001:db8:100:2::ff\n";
    stage.daemon.cli_with_input(&["list", "add", "piped", "-"], range)?;
    fs::remove_file(file)?;
    let holds = |stage: &Stage| {
        [file4, file6, input4, input6]
            .into_iter()
            .try_for_each(|host| stage.assert_dropped(host, "blocklisted"))?;
        stage.assert_passed(clean, "default-pass")
    };
    holds(&stage)?;
    let shown = stage.json("list show scanners")?;
    assert_eq!(shown["entries"], 2, "{shown}");
    assert_eq!(shown["origin"], "operator", "{shown}");
    assert_eq!(shown["dropped"]["packets"], 2 * BURST, "{shown}");

    stage.daemon.terminate()?;
    stage.daemon.start_again()?;
    holds(&stage)?;
    stage.daemon.kill()?;
    stage.daemon.start_again()?;
    holds(&stage)?;
    for name in ["scanners", "piped"] {
        let shown = stage.json(&format!("list show {name}"))?;
        assert_eq!(shown["dropped"]["packets"], 6 * BURST, "counters go on: {shown}");
    }

    stage.cli("list del scanners")?;
    stage.assert_passed(file4, "default-pass")?;
    stage.assert_dropped(input4, "blocklisted")?;
    let names = stage.json("list show")?;
    assert_eq!(names["lists"].as_array().map(Vec::len), Some(1), "{names}");
    let gone = stage.refused("list del scanners")?;
    assert_eq!(gone.code, 4, "{gone:?}");
    stage.daemon.terminate()?;
    stage.daemon.start_again()?;
    stage.assert_passed(file4, "default-pass")
}

#[test]
fn a_list_in_monitor_mode_only_counts() -> Result<()> {
    if !kernel_or_skip("a_list_in_monitor_mode_only_counts") {
        return Ok(());
    }
    let stage = Stage::under("")?;
    let [source, _] = hosts(1);
    stage.daemon.cli_with_input(&["list", "add", "trial", "-", "--mode", "monitor"], &source.to_string())?;
    stage.assert_passed(source, "default-pass")?;
    let shown = stage.json("list show trial")?;
    assert_eq!((&shown["mode"], &shown["dropped"]["packets"]), (&"monitor".into(), &0.into()), "{shown}");
    assert_eq!(shown["monitored"]["packets"], BURST, "{shown}");
    let stats = stage.json("stats --once")?;
    assert_eq!(stats["interfaces"][0]["monitored"]["blocklisted"]["packets"], BURST, "{stats}");

    stage.daemon.cli_with_input(&["list", "add", "trial", "-"], &source.to_string())?;
    stage.assert_dropped(source, "blocklisted")?;
    let shown = stage.json("list show trial")?;
    assert_eq!((&shown["mode"], &shown["dropped"]["packets"]), (&"enforce".into(), &BURST.into()), "{shown}");
    Ok(())
}

#[test]
fn a_bad_line_refuses_the_list_or_is_left_out() -> Result<()> {
    if !kernel_or_skip("a_bad_line_refuses_the_list_or_is_left_out") {
        return Ok(());
    }
    let stage = Stage::under("")?;
    let [[before, _], [listed, _]] = [1, 2].map(hosts);
    stage.daemon.cli_with_input(&["list", "add", "mine", "-"], &before.to_string())?;
    let file = stage.write("broken.txt", format!("# good\n{listed}\nnot-an-address\n"))?;
    let file = file.to_str().context("a path that is no text")?;
    let refused = stage.refused(&format!("list add mine {file}"))?;
    assert_eq!(refused.code, 5, "{refused:?}");
    for part in ["line 3", "not-an-address", "--skip-bad"] {
        assert!(refused.message.contains(part), "no {part:?}: {refused:?}");
    }
    stage.assert_dropped(before, "blocklisted")?;
    stage.assert_passed(listed, "default-pass")?;

    let answer = stage.json(&format!("list add mine {file} --skip-bad"))?;
    assert_eq!((&answer["replaced"], &answer["skipped"]), (&true.into(), &1.into()), "{answer}");
    assert_eq!(answer["first_skipped"][0]["line"], 3, "{answer}");
    stage.assert_dropped(listed, "blocklisted")?;
    stage.assert_passed(before, "default-pass")?;
    let missing = stage.refused("list add mine no-such-file.txt")?;
    assert_eq!(missing.code, 5, "{missing:?}");
    Ok(())
}

#[test]
fn a_list_of_the_policy_is_changed_in_the_policy() -> Result<()> {
    if !kernel_or_skip("a_list_of_the_policy_is_changed_in_the_policy") {
        return Ok(());
    }
    let [source, _] = hosts(1);
    let mut stage = Stage::prepare()?;
    stage.write("bad.txt", source.to_string())?;
    stage.start_under("[[list]]\nname = \"bad\"\npath = \"bad.txt\"\n")?;
    stage.assert_dropped(source, "blocklisted")?;
    for line in ["list del bad", "list add bad /dev/null"] {
        let refused = stage.refused(line)?;
        assert_eq!(refused.code, 2, "{line}: {refused:?}");
        assert!(refused.message.contains("bad.txt"), "{line}: {refused:?}");
    }
    stage.assert_dropped(source, "blocklisted")
}
