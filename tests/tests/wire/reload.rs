//! A changed policy: all of it takes effect or nothing does, and no packet is lost on the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use rustix::process::Signal;
use xdpgate_tests::account::Account;
use xdpgate_tests::veth::GUARDED;
use xdpgate_tests::{kernel_or_skip, senders};

use crate::metrics::Endpoint;
use crate::stage::{Stage, counted, guarded, hosts, wait};

const PER_SECOND: u32 = 1000;
const RELOADS: u64 = 10;
const BETWEEN: Duration = Duration::from_millis(200);
const RELOADED_WITHIN: Duration = Duration::from_secs(10);
const POLICY: &str = "[[list]]\nname = \"bad\"\npath = \"bad.txt\"\n";

/// Lists change places at each reload; who is on both is dropped throughout, who is on none passes throughout.
#[test]
fn no_packet_is_lost_while_policies_change() -> Result<()> {
    if !kernel_or_skip("no_packet_is_lost_while_policies_change") {
        return Ok(());
    }
    let [[first, _], [second, both], [clean4, clean6]] = [1, 2, 3].map(hosts);
    let mut stage = Stage::prepare()?;
    let files = [format!("{first}\n{both}\n"), format!("{second}\n{both}\n")];
    stage.write("bad.txt", &files[0])?;
    stage.start_under(POLICY)?;
    let account = Account::open(&stage.wire, &stage.daemon, Vec::new())?;
    let stop = Arc::<AtomicBool>::default();
    let sources = [first, second, both, clean4, clean6];
    let senders = sources.map(|source| {
        senders::send_udp(&stage.wire.outside, source, guarded(source), PER_SECOND, Arc::clone(&stop))
    });
    for (reload, file) in (1..=RELOADS).zip(files.iter().rev().cycle()) {
        stage.write("bad.txt", file)?;
        stage.daemon.signal(Signal::HUP)?;
        thread::sleep(BETWEEN);
        wait("the new policy is live", RELOADED_WITHIN, || {
            Ok(stage.json("status")?["generation"] == 1 + reload)
        })?;
    }
    stop.store(true, Ordering::Relaxed);
    let mut sent = [0; 5];
    for (sent, sender) in sent.iter_mut().zip(senders) {
        *sent = senders::join(sender)?.packets;
    }
    let balance = account.at_rest(&stage.wire, &stage.daemon)?;
    let all: u64 = sent.iter().sum();
    let arrived = sources.map(|source| stage.arrived(source));
    let passed: u64 = arrived.iter().sum();
    assert_eq!(balance.lost, 0, "{balance:?}");
    assert_eq!(balance.counters, counted(&[("default-pass", passed)], &[("blocklisted", all - passed)]));
    assert_eq!(arrived[2], 0, "who is on both lists got through");
    assert_eq!(arrived[3..], sent[3..], "who is on none lost something");
    for place in [0, 1] {
        assert!(0 < arrived[place] && arrived[place] < sent[place], "{arrived:?} of {sent:?}");
    }
    println!("{RELOADS} reloads under {all} packets: none lost, none let through that is on both lists");
    Ok(())
}

#[test]
fn a_bad_policy_changes_nothing_and_says_where() -> Result<()> {
    if !kernel_or_skip("a_bad_policy_changes_nothing_and_says_where") {
        return Ok(());
    }
    let [[listed, listed6], [other, _]] = [1, 2].map(hosts);
    let endpoint = Endpoint::default();
    let mut stage = Stage::prepare()?;
    stage.write("bad.txt", format!("{listed}\n{listed6}\n"))?;
    let file = stage.write_policy(POLICY)?.display().to_string();
    stage.daemon.start_with(&[
        "--config",
        &file,
        "--interface",
        GUARDED,
        "--metrics",
        &endpoint.address(),
    ])?;
    let successful =
        |stage: &Stage| endpoint.metrics(stage)?.value("xdpgate_config_last_reload_successful", &[]);
    assert!((successful(&stage)? - 1.0).abs() < f64::EPSILON);
    let generation = stage.json("status")?["generation"].clone();

    let list = "[[list]]\nname = \"bad\"\npath = \"bad.txt\"\n";
    let bad = [
        ("[limits.source]\npackts = \"1/s\"\n".to_owned(), ":2: limits.source.packts: "),
        ("[limits.source]\npackets = \"0/s\"\n".to_owned(), ":2: limits.source.packets: "),
        ("[limits.source]\npackets = \"99999999999999999999/s\"\n".to_owned(), ":2: limits.source.packets: "),
        (format!("{list}{list}"), ":5: list.name: "),
        ("[allow]\nprefixes = [\n  \"198.51.100.1/24\",\n]\n".to_owned(), ":3: allow.prefixes: "),
        ("default_action = pass\n".to_owned(), ":1: syntax: "),
        ("[[list]]\nname = \"bad\"\npath = \"missing.txt\"\n".to_owned(), "missing.txt"),
        ("[country]\ndeny = [\"KP\"]\n".to_owned(), ":2: country.deny: "),
    ];
    for (policy, place) in bad {
        stage.write_policy(&policy)?;
        let refused = stage.refused("reload")?;
        assert_eq!(refused.code, 5, "{policy}: {refused:?}");
        assert!(refused.message.contains(place), "{policy}: no {place:?} in {refused:?}");
        let checked = stage.refused(&format!("check {file}"))?;
        assert_eq!(checked.code, 5, "{policy}: {checked:?}");
        assert!(checked.message.contains(place), "{policy}: no {place:?} in {checked:?}");
    }
    stage.daemon.signal(Signal::HUP)?;
    wait("the log says it", RELOADED_WITHIN, || {
        Ok(stage.daemon.whole_log()?.matches("reload failed").count() == 9)
    })?;
    assert!(stage.daemon.log().contains("policy.toml:2: country.deny"), "{}", stage.daemon.log());
    assert!(successful(&stage)?.abs() < f64::EPSILON);
    let status = stage.json("status")?;
    assert_eq!((&status["generation"], &status["ready"]), (&generation, &true.into()), "{status}");
    assert!(status["problems"].to_string().contains("the last reload failed"), "{status}");
    stage.assert_dropped(listed, "blocklisted")?;
    stage.assert_dropped(listed6, "blocklisted")?;
    stage.assert_passed(other, "default-pass")?;

    // A start refuses it too, and the kernel goes on enforcing.
    stage.daemon.terminate()?;
    let refused = stage.daemon.refused_start(&[], &["--config", &file, "--interface", GUARDED])?;
    assert_eq!(refused.code, 5, "{refused:?}");
    assert_eq!(stage.arrive(listed)?, 0);

    stage.write_policy("")?;
    stage.daemon.start_again()?;
    stage.assert_passed(listed, "default-pass")?;
    assert!((successful(&stage)? - 1.0).abs() < f64::EPSILON);
    Ok(())
}

#[test]
fn interfaces_of_the_policy_come_and_go() -> Result<()> {
    if !kernel_or_skip("interfaces_of_the_policy_come_and_go") {
        return Ok(());
    }
    let stage = Stage::under("")?;
    let namespace = stage.wire.guarded.name();
    stage.wire.outside.ip(&format!("link add outside1 type veth peer name guarded1 netns {namespace}\n"))?;
    let mode = || Ok::<_, anyhow::Error>(crate::foreign::shown(&stage.wire.guarded, "guarded1")?.mode);
    stage.write_policy("interfaces = [\"guarded1\"]\n")?;
    let answer = stage.json("reload")?;
    assert_eq!(answer["attached"], serde_json::json!(["guarded1"]), "{answer}");
    assert_eq!(mode()?, "native");

    stage.write_policy("interfaces = [\"guarded1\", \"eth99\"]\n")?;
    let refused = stage.refused("reload")?;
    assert_eq!(refused.code, 7, "{refused:?}");
    assert_eq!(mode()?, "native", "what was enforced still is");

    stage.write_policy("[tables]\nbans = 2048\n")?;
    let answer = stage.json("reload")?;
    assert_eq!(answer["detached"], serde_json::json!(["guarded1"]), "{answer}");
    assert_eq!(answer["needs_restart"], serde_json::json!(["tables"]), "{answer}");
    assert_eq!(mode()?, "none");
    let [source, _] = hosts(1);
    stage.assert_passed(source, "default-pass")
}
