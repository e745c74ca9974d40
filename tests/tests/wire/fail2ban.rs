//! A real fail2ban that reads a log and bans with the action of the package.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use xdpgate_tests::servers::{Fail2ban, JAIL};
use xdpgate_tests::{kernel_or_skip, prerequisites};

use crate::stage::{BURST, Stage, hosts, wait};

/// fail2ban looks at its log about once a second, and starts slowly on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
const ACTION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/fail2ban/action.d/xdpgate.conf");

fn stage(seconds: u32) -> Result<(Stage, Fail2ban)> {
    let stage = Stage::under("")?;
    let binary = prerequisites::xdpgate_binary()?;
    let xdpgate = format!("{} --socket {}", binary.display(), stage.daemon.socket());
    let server = Fail2ban::start(Path::new(ACTION), &xdpgate, seconds)?;
    Ok((stage, server))
}

fn banned(stage: &Stage) -> Result<Vec<(String, Option<u64>)>> {
    let bans = stage.json(&format!("ban list --source fail2ban:{JAIL}"))?;
    let bans = bans["bans"].as_array().context("no bans")?;
    let shown = bans.iter().map(|ban| {
        (ban["prefix"].as_str().unwrap_or_default().to_owned(), ban["remaining_seconds"].as_u64())
    });
    Ok(shown.collect())
}

#[test]
fn who_knocks_too_often_is_banned_until_fail2ban_lifts_it() -> Result<()> {
    if !kernel_or_skip("who_knocks_too_often_is_banned_until_fail2ban_lifts_it") {
        return Ok(());
    }
    let (stage, server) = stage(600)?;
    for source in hosts(1) {
        stage.assert_passed(source, "default-pass")?;
        server.knock(source)?;
        wait("it is banned", PATIENCE, || Ok(stage.arrive(source)? == 0)).with_context(|| server.log())?;
        stage.assert_dropped(source, "banned")?;
        let bans = stage.json("ban list")?;
        let ban = &bans["bans"][0];
        assert_eq!(
            (&ban["reason"], &ban["prefix"]),
            (&"3 failures".into(), &source.to_string().into()),
            "{ban}"
        );
        assert!(ban["remaining_seconds"].as_u64().is_some_and(|left| (590..=600).contains(&left)), "{ban}");
        server.client(&["set", JAIL, "unbanip", &source.to_string()])?;
        stage.assert_passed(source, "default-pass")?;
        assert_eq!(banned(&stage)?, []);
    }
    // One that somebody else asked for too goes on to hold.
    let [source, _] = hosts(2);
    server.knock(source)?;
    wait("it is banned", PATIENCE, || Ok(stage.arrive(source)? == 0)).with_context(|| server.log())?;
    stage.cli(&format!("ban add {source} --ttl 1h --source me"))?;
    server.client(&["set", JAIL, "unbanip", &source.to_string()])?;
    assert_eq!(banned(&stage)?, []);
    stage.assert_dropped(source, "banned")?;
    assert!(!server.log().contains("ERROR"), "{}", server.log());
    Ok(())
}

#[test]
fn a_ban_of_fail2ban_ends_in_time() -> Result<()> {
    if !kernel_or_skip("a_ban_of_fail2ban_ends_in_time") {
        return Ok(());
    }
    let (stage, mut server) = stage(5)?;
    let [source, alone] = hosts(1);
    server.knock(source)?;
    wait("it is banned", PATIENCE, || Ok(stage.arrive(source)? == 0)).with_context(|| server.log())?;
    let held = wait("it ends", PATIENCE, || Ok(stage.arrive(source)? == BURST))?;
    println!("a ban of 5 s, seen within 1 s, ended after {held:?}");
    assert!(held <= Duration::from_secs(7), "{held:?}");

    // Also when fail2ban cannot lift it.
    server.knock(alone)?;
    wait("it is banned", PATIENCE, || Ok(stage.arrive(alone)? == 0)).with_context(|| server.log())?;
    server.kill()?;
    let held = wait("it ends", PATIENCE, || Ok(stage.arrive(alone)? == BURST))?;
    assert!(held <= Duration::from_secs(7), "{held:?}");
    assert!(!server.log().contains("ERROR"), "{}", server.log());
    Ok(())
}

#[test]
fn bans_of_fail2ban_survive_a_restart_of_either_side() -> Result<()> {
    if !kernel_or_skip("bans_of_fail2ban_survive_a_restart_of_either_side") {
        return Ok(());
    }
    let (mut stage, mut server) = stage(600)?;
    let [source, source6] = hosts(1);
    let [own, _] = hosts(2);
    stage.cli(&format!("ban add {own} --ttl 1h"))?;
    for source in [source, source6] {
        server.knock(source)?;
        wait("it is banned", PATIENCE, || Ok(stage.arrive(source)? == 0)).with_context(|| server.log())?;
    }
    let before = banned(&stage)?;
    assert_eq!(before.len(), 2, "{before:?}");

    stage.daemon.kill()?;
    assert_eq!(stage.arrive(source)?, 0, "the kernel goes on enforcing");
    stage.daemon.start_again()?;
    stage.assert_dropped(source, "banned")?;

    // It lifts its bans when it stops, and sends them again when it starts: until the same end as before.
    server.stop()?;
    assert_eq!(banned(&stage)?, []);
    stage.assert_passed(source6, "default-pass")?;
    stage.assert_dropped(own, "banned")?;
    server.start_again()?;
    wait("its bans are back", PATIENCE, || Ok(banned(&stage)?.len() == 2)).with_context(|| server.log())?;
    for source in [source, source6] {
        stage.assert_dropped(source, "banned")?;
    }
    let ends = |bans: &[(String, Option<u64>)]| bans.iter().filter_map(|(_, left)| *left).max();
    assert!(ends(&banned(&stage)?) <= ends(&before), "{before:?}");

    // Killed, it sends what is banned already.
    server.kill()?;
    server.start_again()?;
    wait("it has started", PATIENCE, || Ok(server.client(&["status", JAIL])?.contains(&source.to_string())))?;
    assert_eq!(banned(&stage)?.len(), 2);
    server.client(&["unban", "--all"])?;
    assert_eq!(banned(&stage)?, []);
    stage.assert_passed(source, "default-pass")?;
    assert!(!server.log().contains("ERROR"), "{}", server.log());
    Ok(())
}

#[test]
fn the_database_of_fail2ban_is_taken_over() -> Result<()> {
    if !kernel_or_skip("the_database_of_fail2ban_is_taken_over") {
        return Ok(());
    }
    let (stage, server) = stage(600)?;
    for source in hosts(1) {
        server.knock(source)?;
        wait("it is banned", PATIENCE, || Ok(stage.arrive(source)? == 0)).with_context(|| server.log())?;
    }
    let before = banned(&stage)?;
    stage.cli(&format!("ban del --all --source fail2ban:{JAIL}"))?;
    assert_eq!(banned(&stage)?, []);
    let database = server.database();
    let said = stage.cli(&format!("ban import {}", database.display()))?;
    assert_eq!(said, "2 bans in force, 2 of them new\n");
    for source in hosts(1) {
        stage.assert_dropped(source, "banned")?;
    }
    let after = banned(&stage)?;
    assert_eq!(after.len(), 2);
    assert!(
        after.iter().zip(&before).all(|((_, after), (_, before))| after <= before),
        "{before:?} {after:?}"
    );
    let again = stage.cli(&format!("ban import {}", database.display()))?;
    assert_eq!(again, "2 bans in force, 0 of them new\n");
    Ok(())
}
