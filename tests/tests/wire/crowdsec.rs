//! Decisions of a real CrowdSec local API, enforced on real packets.

use std::fs::{self, Permissions};
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use xdpgate_tests::kernel_or_skip;
use xdpgate_tests::servers::Crowdsec;

use crate::stage::{Stage, hosts, wait};

const EVERY: Duration = Duration::from_secs(1);
/// What a decision may take beyond the time between two questions.
const BEYOND: Duration = Duration::from_millis(100);
/// For what depends on two processes that start, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// Time for a packet that passes to be seen.
const SEEN: Duration = Duration::from_millis(15);

/// A daemon under a policy that names the server, which has answered.
fn stage(server: impl FnOnce(&Stage) -> Result<(Crowdsec, String)>) -> Result<(Stage, Crowdsec)> {
    let mut stage = Stage::prepare()?;
    let (server, login) = server(&stage)?;
    let policy = policy(&server, &login);
    stage.start_under(&policy)?;
    wait("the server has answered", PATIENCE, || Ok(stage.json("status")?["crowdsec"]["reachable"] == true))?;
    Ok((stage, server))
}

fn with_key() -> Result<(Stage, Crowdsec)> {
    stage(|stage| {
        let server = Crowdsec::start(&stage.wire.guarded)?;
        let key = server.key("gate")?;
        Ok((server, format!("api_key_file = \"{}\"\n", key.display())))
    })
}

fn policy(server: &Crowdsec, more: &str) -> String {
    format!("[crowdsec]\nurl = \"{}\"\nevery = \"{} s\"\n{more}", server.url(), EVERY.as_secs())
}

fn decide(server: &Crowdsec, what: &str) -> Result<()> {
    let words: Vec<&str> = ["decisions", "add"].into_iter().chain(what.split_whitespace()).collect();
    server.cscli(&words).map(drop)
}

fn delete(server: &Crowdsec, what: &str) -> Result<()> {
    let words: Vec<&str> = ["decisions", "delete"].into_iter().chain(what.split_whitespace()).collect();
    server.cscli(&words).map(drop)
}

/// Waits until packets of `source` are dropped, or pass. Returns how long after `since` that was.
fn until(stage: &Stage, source: IpAddr, dropped: bool, since: Instant) -> Result<Duration> {
    loop {
        let (before, sent) = (stage.arrived(source), since.elapsed());
        stage.send(source)?;
        thread::sleep(SEEN);
        if (stage.arrived(source) == before) == dropped {
            return Ok(sent);
        }
        ensure!(
            sent < PATIENCE,
            "{source} is {} after {sent:?}",
            if dropped { "not dropped" } else { "dropped" }
        );
    }
}

/// As [`until`], from when the server has it on, within the time between two questions.
#[track_caller]
fn assert_in_time(stage: &Stage, source: IpAddr, dropped: bool) -> Result<()> {
    let took = until(stage, source, dropped, Instant::now())?;
    println!(
        "{source} is {} {took:?} after the server has it",
        if dropped { "dropped" } else { "let through" }
    );
    assert!(took <= EVERY + BEYOND, "{took:?}");
    Ok(())
}

fn sources(stage: &Stage, address: IpAddr) -> Result<Vec<String>> {
    let bans = stage.json(&format!("ban list --covering {address}"))?;
    let bans = bans["bans"].as_array().context("no bans")?;
    Ok(bans.iter().map(|ban| ban["source"].as_str().unwrap_or_default().to_owned()).collect())
}

#[test]
fn a_decision_is_enforced_and_lifted_within_a_question() -> Result<()> {
    if !kernel_or_skip("a_decision_is_enforced_and_lifted_within_a_question") {
        return Ok(());
    }
    let (stage, server) = with_key()?;
    for source in hosts(1) {
        stage.assert_passed(source, "default-pass")?;
        decide(&server, &format!("--ip {source} --duration 1h --reason guessing"))?;
        assert_in_time(&stage, source, true)?;
        stage.assert_dropped(source, "banned")?;
        let bans = stage.json(&format!("ban list --covering {source}"))?;
        let ban = &bans["bans"][0];
        assert_eq!((&ban["source"], &ban["reason"]), (&"crowdsec".into(), &"guessing".into()), "{ban}");
        assert_eq!(ban["note"], "origin cscli", "{ban}");
        let left = ban["remaining_seconds"].as_u64();
        assert!(left.is_some_and(|left| (3_580..=3_600).contains(&left)), "{ban}");
        delete(&server, &format!("--ip {source}"))?;
        assert_in_time(&stage, source, false)?;
        stage.assert_passed(source, "default-pass")?;
        assert_eq!(stage.json("ban list")?["bans"], serde_json::json!([]));
    }
    let bouncers = server.cscli(&["bouncers", "list", "-o", "json"])?;
    assert!(bouncers.contains("xdpgate"), "{bouncers}");
    Ok(())
}

#[test]
fn a_decision_about_a_range_is_of_all_its_addresses() -> Result<()> {
    if !kernel_or_skip("a_decision_about_a_range_is_of_all_its_addresses") {
        return Ok(());
    }
    let (stage, server) = with_key()?;
    for (range, of) in [("198.51.100.2/31", 0), ("2001:db8:100:2::/63", 1)] {
        decide(&server, &format!("--range {range} --duration 1h"))?;
        until(&stage, hosts(2)[of], true, Instant::now())?;
        for number in [2, 3] {
            stage.assert_dropped(hosts(number)[of], "banned")?;
        }
        stage.assert_passed(hosts(1)[of], "default-pass")?;
        delete(&server, &format!("--range {range}"))?;
        until(&stage, hosts(2)[of], false, Instant::now())?;
    }
    Ok(())
}

#[test]
fn of_two_decisions_the_longer_one_holds_and_then_the_other() -> Result<()> {
    if !kernel_or_skip("of_two_decisions_the_longer_one_holds_and_then_the_other") {
        return Ok(());
    }
    let (stage, server) = with_key()?;
    let [source, _] = hosts(1);
    let left =
        || -> Result<Option<u64>> { Ok(stage.json("ban list")?["bans"][0]["remaining_seconds"].as_u64()) };
    decide(&server, &format!("--ip {source} --duration 4h --reason long"))?;
    decide(&server, &format!("--ip {source} --duration 1h --reason short"))?;
    until(&stage, source, true, Instant::now())?;
    thread::sleep(2 * EVERY);
    assert!(left()?.is_some_and(|left| left > 4 * 3_500), "{}", stage.json("ban list")?);
    // The first decision of this server has the number 1.
    delete(&server, "--id 1")?;
    let shorter = || Ok(left()?.is_some_and(|left| left <= 3_600));
    wait("the shorter one holds", EVERY + Duration::from_secs(1), shorter)?;
    stage.assert_dropped(source, "banned")?;
    delete(&server, "--id 2")?;
    assert_in_time(&stage, source, false)?;

    // One that nobody deletes ends by itself, and an operator's ban beside it stays.
    let [_, other] = hosts(2);
    decide(&server, &format!("--ip {source} --duration 4s"))?;
    decide(&server, &format!("--ip {other} --duration 4s"))?;
    until(&stage, source, true, Instant::now())?;
    stage.cli(&format!("ban add {other} --ttl 1h --source me"))?;
    let started = Instant::now();
    let after = until(&stage, source, false, started)?;
    assert!(after <= Duration::from_secs(5), "{after:?}");
    stage.assert_dropped(other, "banned")?;
    let alone = || Ok(sources(&stage, other)? == ["me"]);
    wait("the decision about the other one has ended", PATIENCE, alone)?;
    Ok(())
}

#[test]
fn decisions_survive_a_restart_of_either_side() -> Result<()> {
    if !kernel_or_skip("decisions_survive_a_restart_of_either_side") {
        return Ok(());
    }
    let (mut stage, mut server) = with_key()?;
    let [[kept, _], [gone, _], [late, _], [own, _]] = [1, 2, 3, 4].map(hosts);
    decide(&server, &format!("--ip {kept} --duration 1h"))?;
    decide(&server, &format!("--ip {gone} --duration 1h"))?;
    stage.cli(&format!("ban add {own} --ttl 1h"))?;
    until(&stage, kept, true, Instant::now())?;
    until(&stage, gone, true, Instant::now())?;

    // The server is away: what it decided holds, and that it is away is said.
    server.stop()?;
    wait("the daemon notices", PATIENCE, || Ok(stage.json("status")?["crowdsec"]["reachable"] == false))?;
    let status = stage.cli("status")?;
    for part in [
        "CrowdSec does not answer",
        "cannot connect to 127.0.0.1:8080",
        "2 decisions from http://127.0.0.1:8080",
    ] {
        assert!(status.contains(part), "{part}: {status}");
    }
    for source in [kept, gone, own] {
        stage.assert_dropped(source, "banned")?;
    }
    server.start_again()?;
    decide(&server, &format!("--ip {late} --duration 1h"))?;
    until(&stage, late, true, Instant::now())?;
    delete(&server, &format!("--ip {late}"))?;
    assert_in_time(&stage, late, false)?;

    // The daemon is away: the kernel goes on, and what happened meanwhile is made up for.
    stage.daemon.kill()?;
    delete(&server, &format!("--ip {gone}"))?;
    decide(&server, &format!("--ip {late} --duration 1h"))?;
    assert_eq!((stage.arrive(kept)?, stage.arrive(gone)?), (0, 0), "the kernel goes on enforcing");
    let started = Instant::now();
    stage.daemon.start_again()?;
    until(&stage, gone, false, started)?;
    until(&stage, late, true, started)?;
    for source in [kept, own] {
        stage.assert_dropped(source, "banned")?;
    }
    assert_eq!(
        (sources(&stage, kept)?, sources(&stage, own)?),
        (vec!["crowdsec".to_owned()], vec!["cli".to_owned()])
    );
    Ok(())
}

#[test]
fn a_bouncer_comes_with_a_certificate() -> Result<()> {
    if !kernel_or_skip("a_bouncer_comes_with_a_certificate") {
        return Ok(());
    }
    let mut files = None;
    let (stage, server) = stage(|stage| {
        let (server, tls) = Crowdsec::start_with_tls(&stage.wire.guarded)?;
        let login = login(&tls.bouncer, &tls.ca);
        files = Some(tls);
        Ok((server, login))
    })?;
    let [_, source] = hosts(1);
    decide(&server, &format!("--ip {source} --duration 1h"))?;
    assert_in_time(&stage, source, true)?;

    let tls = files.context("no certificates")?;
    let says = |policy: String, part: &str| {
        stage.write_policy(&policy)?;
        stage.cli("reload")?;
        wait(part, PATIENCE, || {
            Ok(stage.json("status")?["crowdsec"]["error"].as_str().is_some_and(|error| error.contains(part)))
        })
    };
    let stranger = policy(&server, &login(&tls.stranger, &tls.ca));
    says(stranger, "refuses the certificate (403); its organisational unit must be in bouncers_allowed_ou")?;
    let unknown = policy(&server, &login(&tls.bouncer, &tls.bouncer.0));
    says(unknown, "no secure connection to 127.0.0.1:8080")?;
    stage.assert_dropped(source, "banned")
}

fn login((certificate, key): &(impl AsRef<Path>, impl AsRef<Path>), ca: &Path) -> String {
    let (certificate, key) = (certificate.as_ref().display(), key.as_ref().display());
    format!("certificate = \"{certificate}\"\nkey = \"{key}\"\nca = \"{}\"\n", ca.display())
}

#[test]
fn a_wrong_key_is_named_and_a_right_one_is_taken_at_once() -> Result<()> {
    if !kernel_or_skip("a_wrong_key_is_named_and_a_right_one_is_taken_at_once") {
        return Ok(());
    }
    let mut stage = Stage::prepare()?;
    let server = Crowdsec::start(&stage.wire.guarded)?;
    let key = server.key("gate")?;
    let good = fs::read(&key)?;
    fs::write(&key, "0123456789abcdef")?;
    stage.start_under(&policy(&server, &format!("api_key_file = \"{}\"\n", key.display())))?;
    let says = |part: &str| {
        wait(part, PATIENCE, || {
            Ok(stage.json("status")?["crowdsec"]["error"].as_str().is_some_and(|error| error.contains(part)))
        })
    };
    says("refuses the key (403); make one with `cscli bouncers add NAME`")?;
    fs::set_permissions(&key, Permissions::from_mode(0o644))?;
    says("others can read it")?;
    fs::remove_file(&key)?;
    says("cannot read the key in")?;
    fs::write(&key, &good)?;
    fs::set_permissions(&key, Permissions::from_mode(0o600))?;
    wait("the key is taken", 2 * PATIENCE, || Ok(stage.json("status")?["crowdsec"]["reachable"] == true))?;
    Ok(())
}

#[test]
fn what_is_not_enforced_is_counted_and_named() -> Result<()> {
    if !kernel_or_skip("what_is_not_enforced_is_counted_and_named") {
        return Ok(());
    }
    let (stage, server) = with_key()?;
    let [[banned, _], [captcha, _]] = [1, 2].map(hosts);
    decide(&server, "--scope AS --value AS64500 --duration 1h")?;
    decide(&server, &format!("--ip {captcha} --type captcha --duration 1h"))?;
    decide(&server, "--ip 10.1.2.3 --duration 1h")?;
    decide(&server, &format!("--ip {banned} --duration 1h"))?;
    until(&stage, banned, true, Instant::now())?;
    stage.assert_passed(captcha, "default-pass")?;
    let status = stage.cli("status")?;
    for part in [
        "2 decisions from",
        "1 would lock out an operator",
        "1 of scope AS: not enforced, no ASN database",
        "1 of type captcha, which is no ban",
    ] {
        assert!(status.contains(part), "{part}: {status}");
    }

    // A policy that names no server any more wants none of its bans.
    stage.write_policy("")?;
    stage.cli("reload")?;
    until(&stage, banned, false, Instant::now())?;
    assert!(stage.json("status")?["crowdsec"].is_null());
    Ok(())
}

#[test]
fn in_monitor_mode_decisions_are_only_counted() -> Result<()> {
    if !kernel_or_skip("in_monitor_mode_decisions_are_only_counted") {
        return Ok(());
    }
    let mut login = String::new();
    let (stage, server) = stage(|stage| {
        let server = Crowdsec::start(&stage.wire.guarded)?;
        login = format!("api_key_file = \"{}\"\n", server.key("gate")?.display());
        Ok((server, login.clone()))
    })?;
    let [source, _] = hosts(1);
    decide(&server, &format!("--ip {source} --duration 1h"))?;
    until(&stage, source, true, Instant::now())?;
    stage.write_policy(&policy(&server, &format!("{login}mode = \"monitor\"\n")))?;
    stage.cli("reload")?;
    until(&stage, source, false, Instant::now())?;
    let counted = || Ok(stage.cli("status")?.contains("1 decision (monitor: only counted) from"));
    wait("it is counted", PATIENCE, counted)?;
    stage.assert_passed(source, "default-pass")
}

#[test]
fn a_decision_about_a_country_is_of_all_its_ranges() -> Result<()> {
    if !kernel_or_skip("a_decision_about_a_country_is_of_all_its_ranges") {
        return Ok(());
    }
    let (mut stage, server) = with_key()?;
    decide(&server, "--scope Country --value KP --duration 1h")?;
    let says = |stage: &Stage, part: &str| wait(part, PATIENCE, || Ok(stage.cli("status")?.contains(part)));
    says(&stage, "1 of scope Country: not enforced, no geo database")?;
    let database = "198.51.100.1,198.51.100.2,KP\n198.51.100.3,198.51.100.3,DE\n\
        2001:db8:100:1::,2001:db8:100:2:ffff:ffff:ffff:ffff,KP\n";
    let file = stage.write("countries.csv", database)?;
    stage.cli(&format!("geo database {}", file.display()))?;
    until(&stage, hosts(1)[0], true, Instant::now())?;
    for source in [1, 2].into_iter().flat_map(hosts) {
        stage.assert_dropped(source, "blocklisted")?;
    }
    stage.assert_passed(hosts(3)[0], "default-pass")?;
    assert!(!stage.cli("status")?.contains("of scope Country"), "{}", stage.cli("status")?);

    stage.daemon.terminate()?;
    stage.daemon.start_again()?;
    stage.assert_dropped(hosts(1)[0], "blocklisted")?;
    delete(&server, "--id 1")?;
    until(&stage, hosts(1)[0], false, Instant::now())?;
    assert_eq!(stage.json("list show")?["lists"], serde_json::json!([]));
    Ok(())
}

#[test]
fn a_decision_about_an_autonomous_system_is_of_all_that_it_announces() -> Result<()> {
    if !kernel_or_skip("a_decision_about_an_autonomous_system_is_of_all_that_it_announces") {
        return Ok(());
    }
    let (stage, server) = stage(|stage| {
        let systems = "198.51.100.1,198.51.100.2,64500,One\n198.51.100.3,198.51.100.3,64501,Two\n\
            2001:db8:100:1::,2001:db8:100:2:ffff:ffff:ffff:ffff,64500,One\n";
        stage.write("asn.csv", systems)?;
        let server = Crowdsec::start(&stage.wire.guarded)?;
        let key = server.key("gate")?;
        let more = format!("api_key_file = \"{}\"\n[geo]\nasn_database = \"asn.csv\"\n", key.display());
        Ok((server, more))
    })?;
    decide(&server, "--scope AS --value AS64500 --duration 1h")?;
    until(&stage, hosts(1)[0], true, Instant::now())?;
    for source in [1, 2].into_iter().flat_map(hosts) {
        stage.assert_dropped(source, "blocklisted")?;
    }
    stage.assert_passed(hosts(3)[0], "default-pass")?;
    let explained = stage.json(&format!("explain {}", hosts(1)[0]))?;
    assert_eq!(explained["lists"][0]["name"], "crowdsec-systems", "{explained}");
    assert!(
        explained["lists"][0]["lines"][0]["text"].as_str().is_some_and(|line| line.ends_with("# AS64500")),
        "{explained}"
    );
    delete(&server, "--id 1")?;
    until(&stage, hosts(1)[0], false, Instant::now())?;
    assert_eq!(stage.json("list show")?["lists"], serde_json::json!([]));
    Ok(())
}
