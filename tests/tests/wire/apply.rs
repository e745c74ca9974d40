//! Policies on trial: who does not confirm gets the one before back, whatever happens to the daemon.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::Signal;
use xdpgate_tests::veth::GUARDED;
use xdpgate_tests::{kernel_or_skip, senders};

use crate::stage::{BURST, Stage, guarded, hosts, wait};

const AT_ONCE: Duration = Duration::from_secs(1);
const PER_SECOND: u32 = 2_000;
const SETTLED_WITHIN: Duration = Duration::from_secs(5);
/// A policy that drops host 1, beside the one that the daemon was started with.
const LISTED: &str = "[[list]]\nname = \"bad\"\npath = \"bad.txt\"\n";

/// With a policy that drops nobody, and the file of one that drops host 1.
fn stage() -> Result<(Stage, String, IpAddr)> {
    let [listed, _] = hosts(1);
    let stage = Stage::under("# everybody passes\n")?;
    stage.write("bad.txt", format!("# scanners\n{listed}\n"))?;
    let file = stage.write("stricter.toml", LISTED)?.display().to_string();
    Ok((stage, file, listed))
}

/// Sends until the source gets through again; after how long since `applied`.
fn back_after(stage: &Stage, source: IpAddr, applied: Instant) -> Result<Duration> {
    wait("the policy before is back", Duration::from_secs(10), || Ok(stage.arrive(source)? == BURST))?;
    Ok(applied.elapsed())
}

#[test]
fn a_policy_that_nobody_confirms_goes_with_a_living_daemon() -> Result<()> {
    if !kernel_or_skip("a_policy_that_nobody_confirms_goes_with_a_living_daemon") {
        return Ok(());
    }
    let (stage, file, listed) = stage()?;
    stage.assert_passed(listed, "default-pass")?;
    let applied = Instant::now();
    let answer = stage.json(&format!("apply {file} --confirm 3s"))?;
    assert_eq!(answer["pending"]["seconds_left"], 3, "{answer}");
    assert_eq!(stage.arrive(listed)?, 0);
    let status = stage.json("status")?;
    assert_eq!(status["policy"]["pending"]["number"], answer["number"], "{status}");

    // Nothing else changes the policy meanwhile, and bans go on.
    stage.write("other.txt", "203.0.113.1\n")?;
    let other = stage.daemon.directory().join("other.txt").display().to_string();
    for line in [
        "reload".to_owned(),
        "apply".to_owned(),
        "allow add 203.0.113.1".to_owned(),
        format!("list add other {other}"),
        "monitor country".to_owned(),
        "geo off".to_owned(),
    ] {
        let refused = stage.refused(&line)?;
        assert_eq!(refused.code, 1, "{line}: {refused:?}");
        assert!(refused.message.contains("xdpgate confirm"), "{line}: {refused:?}");
        assert!(refused.message.contains("xdpgate undo"), "{line}: {refused:?}");
    }
    stage.cli("ban add 203.0.113.1")?;

    let back = back_after(&stage, listed, applied)?;
    assert!(back > Duration::from_millis(2_900) && back < Duration::from_secs(4), "{back:?}");
    wait("the daemon has taken it over", SETTLED_WITHIN, || {
        Ok(stage.json("status")?["policy"]["pending"].is_null())
    })?;
    stage.assert_passed(listed, "default-pass")?;
    let late = stage.refused("confirm")?;
    assert_eq!(late.code, 4, "{late:?}");
    let history = stage.json("history")?;
    assert_eq!(history["entries"][0]["command"], "return to history entry 1", "{history}");
    assert_eq!(history["entries"][0]["who"]["user"], "daemon", "{history}");
    assert_eq!(history["entries"][1]["confirmed"], false, "{history}");
    println!("not confirmed: back {back:?} after the command");
    Ok(())
}

#[test]
fn a_policy_that_nobody_confirms_goes_with_a_dead_daemon() -> Result<()> {
    if !kernel_or_skip("a_policy_that_nobody_confirms_goes_with_a_dead_daemon") {
        return Ok(());
    }
    let (mut stage, file, listed) = stage()?;
    stage.cli(&format!("apply {file} --confirm 3s"))?;
    let applied = Instant::now();
    stage.daemon.kill()?;
    assert_eq!(stage.arrive(listed)?, 0);
    let back = back_after(&stage, listed, applied)?;
    assert!(back < Duration::from_secs(3) + AT_ONCE, "{back:?}");
    println!("not confirmed and killed: back {back:?} after the command");

    // The next daemon starts with it, at any time, and it stays.
    for _ in 0..2 {
        stage.daemon.start_again()?;
        stage.assert_passed(listed, "default-pass")?;
        let status = stage.json("status")?;
        assert!(status["policy"]["pending"].is_null(), "{status}");
        stage.daemon.kill()?;
        assert_eq!(stage.arrive(listed)?, BURST);
    }
    Ok(())
}

#[test]
fn the_policy_file_itself_can_be_on_trial() -> Result<()> {
    if !kernel_or_skip("the_policy_file_itself_can_be_on_trial") {
        return Ok(());
    }
    let (mut stage, _, listed) = stage()?;
    stage.write_policy(LISTED)?;
    stage.cli("apply --confirm 1s")?;
    stage.daemon.kill()?;
    thread::sleep(Duration::from_millis(1_200));
    // The file still says what was rejected.
    stage.daemon.start_again()?;
    stage.assert_passed(listed, "default-pass")?;
    let status = stage.json("status")?;
    assert_eq!(status["policy"]["differs_from_file"], true, "{status}");
    assert!(status["problems"].to_string().contains("xdpgate reload"), "{status}");
    assert!(stage.daemon.whole_log()?.contains("THE POLICY FILE IS NOT WHAT IS IN FORCE"));
    stage.daemon.terminate()?;
    stage.daemon.start_again()?;
    stage.assert_passed(listed, "default-pass")?;

    // Whoever changes the file means it.
    stage.daemon.terminate()?;
    stage.write_policy(&format!("{LISTED}# really\n"))?;
    stage.daemon.start_again()?;
    stage.assert_dropped(listed, "blocklisted")?;
    assert_eq!(stage.json("status")?["policy"]["differs_from_file"], false);
    Ok(())
}

#[test]
fn a_confirmed_policy_stays() -> Result<()> {
    if !kernel_or_skip("a_confirmed_policy_stays") {
        return Ok(());
    }
    let (mut stage, file, listed) = stage()?;
    stage.cli(&format!("apply {file} --confirm 2s"))?;
    let said = stage.cli("confirm")?;
    assert!(said.contains("confirmed"), "{said}");
    thread::sleep(Duration::from_millis(2_500));
    stage.assert_dropped(listed, "blocklisted")?;
    stage.daemon.kill()?;
    assert_eq!(stage.arrive(listed)?, 0);
    stage.daemon.start_again()?;
    stage.assert_dropped(listed, "blocklisted")?;
    assert_eq!(stage.json("status")?["policy"]["differs_from_file"], true, "another file was applied");
    stage.cli("reload")?;
    stage.assert_passed(listed, "default-pass")
}

#[test]
fn a_restart_in_between_changes_nothing() -> Result<()> {
    if !kernel_or_skip("a_restart_in_between_changes_nothing") {
        return Ok(());
    }
    // Not confirmed: the same deadline.
    let (mut stage, file, listed) = stage()?;
    stage.cli(&format!("apply {file} --confirm 6s"))?;
    let applied = Instant::now();
    stage.daemon.kill()?;
    stage.daemon.start_again()?;
    assert_eq!(stage.arrive(listed)?, 0);
    let status = stage.json("status")?;
    let left = status["policy"]["pending"]["seconds_left"].as_u64().context("nothing waits")?;
    assert!((1..=6).contains(&left), "{status}");
    let refused = stage.refused("reload")?;
    assert!(refused.message.contains("xdpgate confirm"), "{refused:?}");
    let back = back_after(&stage, listed, applied)?;
    assert!(back > Duration::from_millis(5_900) && back < Duration::from_secs(6) + AT_ONCE, "{back:?}");
    wait("the daemon has taken it over", SETTLED_WITHIN, || {
        Ok(stage.json("status")?["policy"]["pending"].is_null())
    })?;
    stage.assert_passed(listed, "default-pass")?;

    // Confirmed by the second daemon.
    stage.cli(&format!("apply {file} --confirm 20s"))?;
    stage.daemon.terminate()?;
    stage.daemon.start_again()?;
    stage.cli("confirm")?;
    stage.daemon.kill()?;
    stage.daemon.start_again()?;
    stage.assert_dropped(listed, "blocklisted")
}

#[test]
fn a_detach_or_a_reboot_is_no_confirmation() -> Result<()> {
    if !kernel_or_skip("a_detach_or_a_reboot_is_no_confirmation") {
        return Ok(());
    }
    let (mut stage, file, listed) = stage()?;
    stage.cli(&format!("apply {file} --confirm 1h"))?;
    assert_eq!(stage.arrive(listed)?, 0);
    stage.daemon.kill()?;
    // As a reboot does: nothing is left of the maps.
    let pins = stage.daemon.pins().display().to_string();
    stage.cli(&format!("detach --bpffs {pins} --state-dir {}", stage.daemon.directory().display()))?;
    stage.daemon.start_again()?;
    stage.assert_passed(listed, "default-pass")
}

#[test]
fn undo_ends_a_trial_at_once() -> Result<()> {
    if !kernel_or_skip("undo_ends_a_trial_at_once") {
        return Ok(());
    }
    let (stage, file, listed) = stage()?;
    stage.cli(&format!("apply {file} --confirm 1h"))?;
    assert_eq!(stage.arrive(listed)?, 0);
    stage.cli("undo")?;
    stage.assert_passed(listed, "default-pass")?;
    assert!(stage.json("status")?["policy"]["pending"].is_null());
    // And the slots are as they were.
    stage.cli(&format!("apply {file}"))?;
    stage.assert_dropped(listed, "blocklisted")?;
    stage.cli("reload")?;
    stage.assert_passed(listed, "default-pass")
}

/// Neither at the deadline nor while the daemon makes the return last does one packet meet the rejected policy again.
#[test]
fn the_rejected_policy_never_shows_again() -> Result<()> {
    if !kernel_or_skip("the_rejected_policy_never_shows_again") {
        return Ok(());
    }
    let (stage, file, listed) = stage()?;
    let stop = Arc::<AtomicBool>::default();
    let sender =
        senders::send_udp(&stage.wire.outside, listed, guarded(listed), PER_SECOND, Arc::clone(&stop));
    for _ in 0..3 {
        stage.cli(&format!("apply {file} --confirm 1s"))?;
        let before = stage.arrived(listed);
        wait("it gets through again", SETTLED_WITHIN, || Ok(stage.arrived(listed) > before))?;
        let dropped = stage.counters()?.dropped;
        wait("the daemon has taken it over", SETTLED_WITHIN, || {
            Ok(stage.json("status")?["policy"]["pending"].is_null())
        })?;
        thread::sleep(Duration::from_millis(300));
        assert_eq!(stage.counters()?.dropped, dropped, "the rejected policy was there again");
    }
    stop.store(true, Ordering::Relaxed);
    let sent = senders::join(sender)?.packets;
    println!("3 returns under {sent} packets: none was dropped after the first that passed");
    Ok(())
}

#[test]
fn interfaces_come_and_go_when_it_is_confirmed() -> Result<()> {
    if !kernel_or_skip("interfaces_come_and_go_when_it_is_confirmed") {
        return Ok(());
    }
    let stage = Stage::under("")?;
    let namespace = stage.wire.guarded.name();
    stage.wire.outside.ip(&format!("link add outside1 type veth peer name guarded1 netns {namespace}\n"))?;
    let mode = || Ok::<_, anyhow::Error>(crate::foreign::shown(&stage.wire.guarded, "guarded1")?.mode);
    let file = stage.write("both.toml", "interfaces = [\"guarded1\"]\n")?.display().to_string();
    let answer = stage.json(&format!("apply {file} --confirm 1h"))?;
    assert_eq!(answer["waiting"], serde_json::json!(["guarded1"]), "{answer}");
    assert_eq!(mode()?, "none");
    assert_eq!(stage.json("status")?["ready"], true);
    let answer = stage.json("confirm")?;
    assert_eq!(answer["attached"], serde_json::json!(["guarded1"]), "{answer}");
    assert_eq!(mode()?, "native");

    stage.cli("apply --confirm 1h")?;
    assert_eq!(mode()?, "native", "still guarded while nobody has confirmed that it shall not be");
    stage.cli("undo")?;
    assert_eq!(mode()?, "native");
    stage.cli("reload")?;
    assert_eq!(mode()?, "none");
    Ok(())
}

/// The kernel goes back whatever happens; a daemon that cannot read the policy before says so and takes another one.
#[test]
fn a_policy_before_that_cannot_be_read_is_in_force_nevertheless() -> Result<()> {
    if !kernel_or_skip("a_policy_before_that_cannot_be_read_is_in_force_nevertheless") {
        return Ok(());
    }
    let [[listed, _], [other, _]] = [1, 2].map(hosts);
    let mut stage = Stage::prepare()?;
    let list = stage.write("bad.txt", listed.to_string())?;
    stage.start_under(LISTED)?;
    let file = stage.write("open.toml", "# everybody\n")?.display().to_string();
    stage.cli(&format!("apply {file} --confirm 4s"))?;
    assert_eq!(stage.arrive(listed)?, BURST);
    stage.daemon.terminate()?;
    std::fs::remove_file(list)?;
    stage.daemon.start_again()?;
    wait("the policy before is back", SETTLED_WITHIN, || Ok(stage.arrive(listed)? == 0))?;
    wait("the daemon says so", SETTLED_WITHIN, || {
        let status = stage.json("status")?;
        Ok(status["policy"]["pending"]["problem"].as_str().is_some_and(|problem| problem.contains("bad.txt")))
    })?;
    stage.assert_dropped(listed, "blocklisted")?;
    let refused = stage.refused("monitor country")?;
    assert!(refused.message.contains("bad.txt"), "nothing is built on what was rejected: {refused:?}");

    stage.write("worse.txt", other.to_string())?;
    let worse = stage.write("worse.toml", LISTED.replace("bad.txt", "worse.txt"))?;
    stage.cli(&format!("apply {}", worse.display()))?;
    stage.assert_dropped(other, "blocklisted")?;
    stage.assert_passed(listed, "default-pass")?;
    assert!(stage.json("status")?["policy"]["pending"].is_null());
    Ok(())
}

#[test]
fn a_policy_that_locks_somebody_out_is_refused_with_its_line() -> Result<()> {
    if !kernel_or_skip("a_policy_that_locks_somebody_out_is_refused_with_its_line") {
        return Ok(());
    }
    let (stage, file, listed) = stage()?;
    // Host 1 routes for the guarded host.
    stage.wire.guarded.ip(&format!(
        "route add {listed}/32 dev {GUARDED}\nroute add default via {listed} dev {GUARDED} metric 4000\n"
    ))?;
    let line = format!("line 2 of {}", stage.daemon.directory().join("bad.txt").display());
    for command in [format!("apply {file}"), format!("apply {file} --confirm 10s")] {
        let refused = stage.refused(&command)?;
        assert_eq!(refused.code, 1, "{refused:?}");
        for part in [
            format!("the default gateway {listed}"),
            "list bad".to_owned(),
            line.clone(),
            "--force".to_owned(),
        ] {
            assert!(refused.message.contains(&part), "{command}: no {part:?}: {refused:?}");
        }
    }
    stage.assert_passed(listed, "default-pass")?;

    // A signal can't be asked.
    stage.write_policy(LISTED)?;
    let refused = stage.refused("reload")?;
    assert!(refused.message.contains("the default gateway"), "{refused:?}");
    stage.daemon.signal(Signal::HUP)?;
    wait("the reload is refused", SETTLED_WITHIN, || {
        Ok(stage.json("status")?["policy"]["last_reload"]["successful"] == false)
    })?;
    stage.assert_passed(listed, "default-pass")?;
    stage.cli("reload --force")?;
    stage.assert_dropped(listed, "blocklisted")
}
