//! Pause and detach: the ways out, with the daemon alive and dead.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::Result;
use xdpgate_tests::kernel_or_skip;
use xdpgate_tests::veth::GUARDED;

use crate::foreign::shown;
use crate::stage::{BURST, Stage, hosts};

const AT_ONCE: Duration = Duration::from_secs(1);

#[test]
fn a_pause_lets_everything_pass_and_counts_it() -> Result<()> {
    if !kernel_or_skip("a_pause_lets_everything_pass_and_counts_it") {
        return Ok(());
    }
    let mut stage = Stage::under("")?;
    for source in hosts(1) {
        stage.cli(&format!("ban add {source} --ttl permanent"))?;
        stage.assert_dropped(source, "banned")?;
        stage.cli("pause")?;
        stage.assert_passed(source, "paused")?;
        assert_eq!(stage.json("status")?["paused"], true);
        // It is the operator's, not the daemon's.
        stage.daemon.kill()?;
        stage.daemon.start_again()?;
        stage.assert_passed(source, "paused")?;
        stage.cli("resume")?;
        stage.assert_dropped(source, "banned")?;
    }
    Ok(())
}

#[test]
fn a_pause_needs_no_daemon() -> Result<()> {
    if !kernel_or_skip("a_pause_needs_no_daemon") {
        return Ok(());
    }
    let mut stage = Stage::under("")?;
    let [source, _] = hosts(1);
    let pins = stage.daemon.pins().display().to_string();
    stage.cli(&format!("ban add {source} --ttl permanent"))?;
    stage.daemon.kill()?;
    let before = Instant::now();
    let said = stage.cli(&format!("pause --bpffs {pins}"))?;
    assert!(before.elapsed() < AT_ONCE, "{:?}", before.elapsed());
    println!("paused without a daemon after {:?}", before.elapsed());
    assert!(said.contains("no daemon answered"), "{said}");
    assert_eq!(stage.arrive(source)?, BURST);
    let answer = stage.json(&format!("resume --bpffs {pins}"))?;
    assert_eq!((&answer["paused"], &answer["by"]), (&false.into(), &"pins".into()), "{answer}");
    assert_eq!(stage.arrive(source)?, 0);

    stage.cli(&format!("pause --bpffs {pins}"))?;
    stage.daemon.start_again()?;
    stage.assert_passed(source, "paused")?;
    stage.cli("resume")?;
    stage.assert_dropped(source, "banned")
}

#[test]
fn detach_ends_it_with_a_daemon() -> Result<()> {
    if !kernel_or_skip("detach_ends_it_with_a_daemon") {
        return Ok(());
    }
    let stage = Stage::under("")?;
    let [source, _] = hosts(1);
    stage.cli(&format!("ban add {source} --ttl permanent"))?;
    assert_eq!(stage.arrive(source)?, 0);
    let answer = stage.json("detach")?;
    assert_eq!(answer["interfaces"], serde_json::json!([GUARDED]), "{answer}");
    assert_eq!(shown(&stage.wire.guarded, GUARDED)?.id, None);
    assert_eq!(fs::read_dir(stage.daemon.pins().join("links"))?.count(), 0);
    assert_eq!(stage.arrive(source)?, BURST);
    let status = stage.json("status")?;
    assert_eq!(status["ready"], false, "{status}");
    assert!(status["problems"].to_string().contains("detached by an operator"), "{status}");
    let again = stage.refused(&format!("detach --interface {GUARDED}"))?;
    assert_eq!(again.code, 4, "{again:?}");

    stage.cli("reload")?;
    assert_eq!(shown(&stage.wire.guarded, GUARDED)?.mode, "native");
    stage.assert_dropped(source, "banned")
}

#[test]
fn detach_leaves_nothing_without_a_daemon() -> Result<()> {
    if !kernel_or_skip("detach_leaves_nothing_without_a_daemon") {
        return Ok(());
    }
    let mut stage = Stage::under("")?;
    let [source, _] = hosts(1);
    let pins = stage.daemon.pins().display().to_string();
    stage.cli(&format!("ban add {source} --ttl permanent"))?;
    stage.daemon.kill()?;
    assert_eq!(stage.arrive(source)?, 0);
    let before = Instant::now();
    let answer = stage.json(&format!("detach --bpffs {pins}"))?;
    println!("detached without a daemon after {:?}", before.elapsed());
    assert_eq!(answer["interfaces"], serde_json::json!([GUARDED]), "{answer}");
    assert_eq!(shown(&stage.wire.guarded, GUARDED)?.id, None);
    assert!(!stage.daemon.pins().exists(), "something is left in {pins}");
    assert_eq!(stage.arrive(source)?, BURST);
    let again = stage.refused(&format!("detach --bpffs {pins}"))?;
    assert_eq!(again.code, 4, "{again:?}");
    let nothing = stage.refused(&format!("pause --bpffs {pins}"))?;
    assert_eq!(nothing.code, 4, "{nothing:?}");
    stage.daemon.start_again()?;
    stage.assert_dropped(source, "banned")
}
