//! One rule is moved between dropping and counting, and the rest stays.

use anyhow::Result;
use xdpgate_tests::kernel_or_skip;

use crate::stage::{Stage, hosts};

const POLICY: &str = "[[list]]\nname = \"bad\"\npath = \"bad.txt\"\n";

#[test]
fn a_rule_is_moved_and_stays_moved() -> Result<()> {
    if !kernel_or_skip("a_rule_is_moved_and_stays_moved") {
        return Ok(());
    }
    let [[listed, _], [other, _]] = [1, 2].map(hosts);
    let mut stage = Stage::prepare()?;
    stage.write("bad.txt", listed.to_string())?;
    stage.start_under(POLICY)?;
    stage.daemon.cli_with_input(&["list", "add", "mine", "-"], &other.to_string())?;

    let answer = stage.json("monitor bad")?;
    assert_eq!((&answer["before"], &answer["mode"]), (&"enforce".into(), &"monitor".into()), "{answer}");
    let holds = |stage: &Stage| {
        stage.assert_passed(listed, "default-pass")?;
        stage.assert_dropped(other, "blocklisted")
    };
    holds(&stage)?;
    let shown = stage.json("list show bad")?;
    assert_eq!((&shown["mode"], &shown["written_mode"]), (&"monitor".into(), &"enforce".into()), "{shown}");
    let explained = stage.json(&format!("explain {listed}"))?;
    assert_eq!(explained["lists"][0]["mode"], "monitor", "{explained}");
    let said = stage.cli("status")?;
    assert!(said.contains("set by an operator"), "{said}");
    stage.cli("reload")?;
    holds(&stage)?;
    stage.daemon.kill()?;
    stage.daemon.start_again()?;
    holds(&stage)?;

    let generation = stage.json("status")?["generation"].clone();
    let said = stage.cli("monitor bad")?;
    assert!(said.contains("nothing changed"), "{said}");
    assert_eq!(stage.json("status")?["generation"], generation);
    stage.cli("enforce bad")?;
    stage.assert_dropped(listed, "blocklisted")?;
    assert_eq!(stage.json("status")?["policy"]["modes"], serde_json::json!([]));
    Ok(())
}

#[test]
fn a_name_that_is_not_there_is_told_those_that_are() -> Result<()> {
    if !kernel_or_skip("a_name_that_is_not_there_is_told_those_that_are") {
        return Ok(());
    }
    let [listed, _] = hosts(1);
    let stage = Stage::prepare()?;
    stage.write("bad.txt", listed.to_string())?;
    let mut stage = stage;
    stage.start_under(POLICY)?;
    let refused = stage.refused("monitor scaners")?;
    assert_eq!(refused.code, 4, "{refused:?}");
    for name in ["bad", "country", "fragments", "source-limits"] {
        assert!(refused.message.contains(name), "no {name}: {refused:?}");
    }
    // The rule goes, and with it what was said of it.
    stage.cli("monitor bad")?;
    stage.write_policy("")?;
    stage.cli("reload")?;
    assert!(stage.daemon.log().contains("no longer there"), "{}", stage.daemon.log());
    stage.write_policy(POLICY)?;
    stage.cli("reload")?;
    stage.assert_dropped(listed, "blocklisted")
}
