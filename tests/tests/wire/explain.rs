//! `explain` says what the kernel would do, and why.

use anyhow::Result;
use serde_json::Value;
use xdpgate_tests::kernel_or_skip;

use crate::stage::{BURST, COUNTED_WITHIN, Stage, hosts, wait};

const POLICY: &str = "[limits.source]\npackets = \"1/min\"\npackets_burst = 30\n\
    [[list]]\nname = \"scanners\"\npath = \"scanners.txt\"\n[geo]\ndatabase = \"countries.csv\"\n\
    [country]\ndeny = [\"KP\"]\n";

#[test]
fn each_reason_is_explained() -> Result<()> {
    if !kernel_or_skip("each_reason_is_explained") {
        return Ok(());
    }
    let [[banned, listed6], [listed, kp6], [kp, allowed6], [clean, clean6]] = [1, 2, 3, 4].map(hosts);
    let mut stage = Stage::prepare()?;
    stage.write("scanners.txt", format!("# seen\n{listed}\n\n2001:db8:100:1::/64 ; all of it\n"))?;
    stage.write("countries.csv", format!("{kp},{kp},KP\n{kp6},{kp6},KP\n{clean},{clean},DE\n"))?;
    stage.start_under(POLICY)?;
    stage.cli(&format!("ban add {banned} --ttl permanent --reason guessing"))?;
    stage.cli(&format!("allow add {allowed6} --note office"))?;
    let explain = |source| stage.json(&format!("explain {source} --port 443 --proto udp"));
    let says = |answer: &Value, action: &str, reason: &str| {
        assert_eq!((&answer["action"], &answer["reason"]), (&action.into(), &reason.into()), "{answer}");
    };

    let answer = explain(banned)?;
    says(&answer, "drop", "banned");
    assert_eq!(answer["bans"][0]["reason"], "guessing", "{answer}");
    stage.assert_dropped(banned, "banned")?;

    for (source, line) in [(listed, 2), (listed6, 4)] {
        let answer = explain(source)?;
        says(&answer, "drop", "blocklisted");
        assert_eq!(
            (&answer["list"], &answer["lists"][0]["lines"][0]["line"]),
            (&"scanners".into(), &line.into())
        );
        stage.assert_dropped(source, "blocklisted")?;
    }
    for source in [kp, kp6] {
        let answer = explain(source)?;
        says(&answer, "drop", "country-denied");
        assert_eq!(answer["country"]["country"], "KP", "{answer}");
        stage.assert_dropped(source, "country-denied")?;
    }
    let answer = explain(allowed6)?;
    says(&answer, "pass", "allowed");
    assert_eq!(answer["allow"][0]["note"], "office", "{answer}");
    stage.assert_passed(allowed6, "allowed")?;

    for source in [clean, clean6] {
        let answer = explain(source)?;
        says(&answer, "pass", "within-limit");
        assert_eq!((&answer["limits"][0]["left"], &answer["limits"][0]["burst"]), (&30.into(), &30.into()));
        stage.assert_passed(source, "within-limit")?;
        // No test takes a minute here, so nothing comes back.
        let answer = explain(source)?;
        assert_eq!(answer["limits"][0]["left"], 30 - BURST, "asking costs nothing: {answer}");
        stage.send(source)?;
        wait("the limit is reached", COUNTED_WITHIN, || Ok(explain(source)?["reason"] == "packet-limit"))?;
        says(&explain(source)?, "drop", "packet-limit");
        let text = stage.cli(&format!("explain {source}"))?;
        assert!(text.contains("0 of 30 packets left") && text.contains("1/min come back"), "{text}");
    }
    let text = stage.cli(&format!("explain {listed}"))?;
    assert!(text.contains("line 2"), "{text}");

    stage.cli("pause")?;
    says(&explain(banned)?, "pass", "paused");
    Ok(())
}
