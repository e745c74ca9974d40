//! `plan` says what `apply` would do, and does nothing.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use xdpgate_tests::kernel_or_skip;
use xdpgate_tests::veth::GUARDED;

use crate::stage::{PORT, Stage, hosts};

const LIMITED: &str = "[limits.source]\npackets = \"100/s\"\npackets_burst = 1000\n";
const SERVICE: &str = "[[service]]\nname = \"web\"\nprotocol = \"udp\"\nports = [443]\nlimits = [\"each\"]\n\
    [[limit]]\nname = \"each\"\nrate = \"1 packets/min\"\nburst = 1000\n";

#[test]
fn what_a_policy_would_change_is_said_and_not_done() -> Result<()> {
    if !kernel_or_skip("what_a_policy_would_change_is_said_and_not_done") {
        return Ok(());
    }
    let [[seen, seen6], [other, _]] = [1, 2].map(hosts);
    let stage = Stage::under(LIMITED)?;
    for source in [seen, seen6, other] {
        stage.assert_passed(source, "within-limit")?;
    }
    let same = stage.json("plan")?;
    assert_eq!((&same["changes"], &same["rules"]), (&json!(false), &json!([])), "{same}");
    assert_eq!(same["sources"]["newly_dropped"], 0, "{same}");

    stage.write("scanners.txt", format!("{seen}\n2001:db8:100:1::/64\n203.0.113.0/24\n"))?;
    let stricter = format!("{LIMITED}{SERVICE}[[list]]\nname = \"scanners\"\npath = \"scanners.txt\"\n");
    let stricter = stage.write("stricter.toml", stricter)?.display().to_string();
    let plan = stage.json(&format!("plan {stricter}"))?;
    let rules: Vec<&Value> = plan["rules"].as_array().context("no rules")?.iter().collect();
    let named: Vec<_> = rules.iter().map(|rule| (rule["rule"].as_str(), rule["change"].as_str())).collect();
    let wanted = ["limit each", "list scanners", "service web"].map(|rule| (Some(rule), Some("added")));
    assert_eq!(named, wanted, "{plan}");
    // A host and a network of IPv4; the management prefixes are as they were.
    assert_eq!(
        (&plan["ipv4"]["added"]["prefixes"], &plan["ipv4"]["added"]["addresses"]),
        (&json!(2), &json!(257))
    );
    assert_eq!(
        plan["ipv4"]["newly_dropped"]["examples"],
        json!([seen.to_string(), "203.0.113.0/24"]),
        "{plan}"
    );
    assert_eq!(plan["ipv6"]["newly_dropped"]["examples"], json!(["2001:db8:100:1::/64"]), "{plan}");
    assert_eq!(plan["refusals"], json!([]), "{plan}");
    let sources = &plan["sources"];
    assert_eq!(
        (&sources["newly_dropped"], &sources["reasons"]),
        (&json!(2), &json!({"blocklisted": 2})),
        "{plan}"
    );
    let mut dropped: Vec<_> = sources["dropped"]
        .as_array()
        .context("no sources")?
        .iter()
        .map(|source| source["source"].as_str().unwrap_or_default())
        .collect();
    dropped.sort_unstable();
    assert_eq!(dropped, [seen.to_string().as_str(), "2001:db8:100:1::/64"], "{plan}");
    assert!(sources["seen"].as_u64() >= Some(3), "{plan}");
    assert_eq!(
        plan["tables"]["limits"]["then"].as_u64(),
        plan["tables"]["limits"]["now"].as_u64().map(|now| now + 1)
    );
    let text = stage.cli(&format!("plan {stricter}"))?;
    for part in ["+ service web", "+ list scanners", &seen.to_string(), "would now be dropped"] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    assert_eq!(stage.json("history")?["entries"].as_array().map(Vec::len), Some(1), "nothing was applied");
    stage.assert_passed(seen, "within-limit")?;

    // The buckets of a service are found by its salt.
    let service = stage.write("service.toml", SERVICE)?.display().to_string();
    stage.cli(&format!("apply {service}"))?;
    stage.assert_passed(hosts(3)[0], "within-limit")?;
    let drop = stage.write("drop.toml", "default_action = \"drop\"\n")?.display().to_string();
    // Whatever it says of this machine's resolvers.
    let plan: Value = serde_json::from_slice(&stage.daemon.cli_output(&["--json", "plan", &drop])?.stdout)?;
    let dropped = plan["sources"]["dropped"].to_string();
    assert!(dropped.contains(&hosts(3)[0].to_string()), "{plan}");
    assert!(dropped.contains(&format!("udp/{PORT}")), "{plan}");

    let bad = stage.write("bad.toml", "interfaces = [\"")?.display().to_string();
    assert_eq!(stage.refused(&format!("plan {bad}"))?.code, 5);
    Ok(())
}

#[test]
fn what_apply_would_refuse_is_a_plan_with_exit_code_1() -> Result<()> {
    if !kernel_or_skip("what_apply_would_refuse_is_a_plan_with_exit_code_1") {
        return Ok(());
    }
    let stage = Stage::under("")?;
    // The host's own address.
    let list = format!("{}\n", xdpgate_tests::veth::GUARDED_IPV4);
    stage.write("mine.txt", list)?;
    let policy =
        stage.write("mine.toml", "[[list]]\nname = \"mine\"\npath = \"mine.txt\"\n")?.display().to_string();
    let output = stage.daemon.cli_output(&["--json", "plan", &policy])?;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let plan: Value = serde_json::from_slice(&output.stdout)?;
    let refusal = plan["refusals"][0]["message"].as_str().context("no refusal")?;
    assert!(refusal.contains("own address") && refusal.contains("list mine"), "{refusal}");
    assert_eq!(stage.refused(&format!("apply {policy}"))?.code, 1);
    let elsewhere = stage.write("elsewhere.toml", "interfaces = [\"lo\"]\n")?.display().to_string();
    let plan = stage.json(&format!("plan {elsewhere}"))?;
    assert_eq!(
        (&plan["attach"], &plan["detach"]),
        (&json!(["lo"]), &json!([])),
        "{GUARDED} is on the command line"
    );
    Ok(())
}
