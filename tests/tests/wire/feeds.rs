//! Lists that come from a real HTTPS server over the wire.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use ipnet::Ipv4Net;
use serde_json::Value;
use xdpgate_tests::account::Account;
use xdpgate_tests::flood::{Bounds, Generator, Sources};
use xdpgate_tests::nginx::Nginx;
use xdpgate_tests::prerequisites::nginx_or_skip;
use xdpgate_tests::veth::{GUARDED, OUTSIDE_IPV4};
use xdpgate_tests::{frame, prerequisites, senders};

use crate::metrics::Endpoint;
use crate::stage::{BURST, Stage, counted, guarded, hosts, wait};

/// How often the feeds of these tests are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// For a look, on a busy machine: the interval, the beat in which it is seen, TLS, and a compile.
const ENFORCED_WITHIN: Duration = Duration::from_secs(5);

fn policy(server: &Nginx, path: &str, keys: &str) -> String {
    format!(
        "[[list]]\nname = \"drop\"\nurl = \"https://{OUTSIDE_IPV4}/{path}\"\nca = \"{}\"\nevery = \"1 s\"\n{keys}",
        server.authority().display()
    )
}

/// A stage with a server outside, and a daemon with a feed from it. Addresses of documentation are no danger.
fn feed(text: &str, keys: &str) -> Result<(Stage, Nginx)> {
    let mut stage = Stage::prepare()?;
    let server = Nginx::start(&stage.wire.outside, OUTSIDE_IPV4.into())?;
    server.publish("drop.txt", text)?;
    stage.start_under(&policy(&server, "drop.txt", keys))?;
    Ok((stage, server))
}

fn status(stage: &Stage) -> Result<Value> {
    stage.json("list status drop")
}

fn entries(stage: &Stage, number: u64) -> Result<Duration> {
    let enforced = || Ok(status(stage)?["entries"] == number);
    wait(&format!("{number} entries"), ENFORCED_WITHIN, enforced)
}

/// Waits until nothing but the feed is on the wire, and compares what arrives: the daemon's own requests are counted too.
fn dropped(stage: &Stage, source: std::net::IpAddr) -> Result<bool> {
    Ok(stage.arrive(source)? == 0)
}

#[test]
fn a_feed_is_enforced_within_its_interval() -> Result<()> {
    if !nginx_or_skip("a_feed_is_enforced_within_its_interval") {
        return Ok(());
    }
    let [[first, first6], [second, _]] = [1, 2].map(hosts);
    let (stage, server) = feed(&format!("# feed\n{first} ; seen\n{first6}\n"), "")?;
    entries(&stage, 2)?;
    assert!(dropped(&stage, first)? && dropped(&stage, first6)?);
    assert_eq!(stage.arrive(second)?, BURST);
    let first_number = stage.json("status")?["policy"]["number"].clone();

    server.publish("drop.txt", format!("{second}\n"))?;
    let took = entries(&stage, 1)?;
    assert!(dropped(&stage, second)?);
    assert_eq!(stage.arrive(first)?, BURST, "what is no longer listed passes");
    println!("a changed feed was enforced after {took:?}, looked at every {EVERY:?}");
    let shown = status(&stage)?;
    assert_eq!((&shown["state"], &shown["format"]), (&"current".into(), &"plain".into()), "{shown}");
    assert_eq!(shown["updates"]["changed"], 2, "{shown}");
    assert_eq!(stage.json("status")?["policy"]["number"], first_number, "a feed is no entry of the history");
    let explained = stage.json(&format!("explain {second}"))?;
    assert_eq!(explained["lists"][0]["lines"][0]["line"], 1, "{explained}");

    // From now on the server has nothing new, and says so.
    wait("nothing new", ENFORCED_WITHIN, || Ok(status(&stage)?["updates"]["unchanged"].as_u64() > Some(1)))?;
    let requests = server.requests()?;
    assert!(requests.iter().any(|line| line == "GET /drop.txt 304"), "{requests:?}");
    assert_eq!(requests.iter().filter(|line| line.ends_with(" 200")).count(), 2, "{requests:?}");
    Ok(())
}

#[test]
fn what_is_bad_changes_nothing_and_is_reported() -> Result<()> {
    if !nginx_or_skip("what_is_bad_changes_nothing_and_is_reported") {
        return Ok(());
    }
    let [listed, _] = hosts(1);
    let endpoint = Endpoint::default();
    let mut stage = Stage::prepare()?;
    let server = Nginx::start(&stage.wire.outside, OUTSIDE_IPV4.into())?;
    let good = |more: &str| format!("{listed}\n{more}");
    server.publish("drop.txt", good(""))?;
    let file = stage.write_policy(&policy(&server, "drop.txt", ""))?.display().to_string();
    let options = ["--config", &file, "--interface", GUARDED, "--metrics", &endpoint.address()];
    stage.daemon.start_with(&options)?;
    entries(&stage, 1)?;
    let generation = stage.json("status")?["generation"].clone();

    let grown =
        (0..1000).map(|n| format!("203.0.{}.{}\n", 100 + n / 256, n % 256)).collect::<Vec<_>>().concat();
    let bad = [
        ("junk", good("203.0.113.300\n"), "no-list", "line 2"),
        ("a page", "<!DOCTYPE html>\n<html><body>gone</body></html>\n".to_owned(), "no-list", "HTML"),
        ("nothing", String::new(), "blank", "nothing in it"),
        ("everybody", good("0.0.0.0/0\n"), "no-list", "line 2"),
        ("a quarter of everybody", good("64.0.0.0/2\n"), "dangerous", "line 2"),
        ("a private network", good("# x\n10.0.0.0/8\n"), "dangerous", "line 3"),
        ("itself", good("192.0.2.2\n"), "dangerous", "192.0.2.2"),
        ("growth", good(&grown), "size", "had 1 before"),
    ];
    for (what, text, kind, part) in bad {
        server.publish("drop.txt", text)?;
        let output = stage.daemon.cli_output(&["list", "update", "drop"])?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(1), "{what}: {said}");
        assert!(said.contains("drop: refused") && said.contains(part), "{what}: {said}");
        let shown = status(&stage)?;
        assert_eq!((&shown["state"], &shown["entries"]), (&"refused".into(), &1.into()), "{what}: {shown}");
        assert_eq!(shown["trouble"]["kind"], kind, "{what}: {shown}");
        let problems = stage.json("status")?["problems"].to_string();
        assert!(problems.contains("list drop: refused: ") && problems.contains(part), "{what}: {problems}");
        assert!(stage.daemon.whole_log()?.contains(part), "{what}");
        let errors = endpoint
            .metrics(&stage)?
            .value("xdpgate_list_errors_total", &[("list", "drop"), ("kind", kind)])?;
        assert!(errors >= 1.0, "{what}: {errors}");
    }
    assert_eq!(stage.json("status")?["generation"], generation);
    assert!(dropped(&stage, listed)?);

    server.publish("drop.txt", good("203.0.113.9\n"))?;
    let said = stage.cli("list update drop")?;
    assert!(said.contains("2 entries"), "{said}");
    assert_eq!(stage.json("status")?["problems"], Value::Array(Vec::new()));
    let failures = endpoint.metrics(&stage)?.value("xdpgate_list_failures", &[("list", "drop")])?;
    assert!(failures.abs() < f64::EPSILON, "{failures}");
    Ok(())
}

#[test]
fn servers_that_do_not_give_are_told_apart() -> Result<()> {
    if !nginx_or_skip("servers_that_do_not_give_are_told_apart") {
        return Ok(());
    }
    let stage = Stage::under("")?;
    let server = Nginx::start(&stage.wire.outside, OUTSIDE_IPV4.into())?;
    server.publish("drop.txt", "203.0.113.7\n")?;
    let told = |policy: &str, kind: &str, part: &str| -> Result<()> {
        stage.write_policy(policy)?;
        stage.cli("reload")?;
        let output = stage.daemon.cli_output(&["list", "update", "drop"])?;
        assert_eq!(output.status.code(), Some(1), "{policy}");
        let shown = status(&stage)?;
        assert_eq!(shown["trouble"]["kind"], kind, "{shown}");
        assert!(
            shown["trouble"]["message"].as_str().is_some_and(|text| text.contains(part)),
            "{part}: {shown}"
        );
        assert_eq!((&shown["entries"], &shown["loaded"]), (&0.into(), &Value::Null), "{shown}");
        Ok(())
    };
    for (path, kind, part) in [
        ("missing.txt", "status", "404"),
        ("limited", "status", "429"),
        ("loop", "redirect", "more than 5 redirects"),
        ("downgrade", "redirect", "not encrypted"),
        ("page", "no-list", "HTML"),
    ] {
        told(&policy(&server, path, ""), kind, part)?;
    }
    let limited = policy(&server, "limited", "");
    told(&limited, "status", "429")?;
    assert!(status(&stage)?["next_seconds"].as_u64() > Some(3500), "it asked for an hour");
    let untrusted = format!("[[list]]\nname = \"drop\"\nurl = \"https://{OUTSIDE_IPV4}/drop.txt\"\n");
    told(&untrusted, "tls", "not trusted here")?;
    let nobody = "[[list]]\nname = \"drop\"\nurl = \"http://192.0.2.1:81/drop.txt\"\n";
    told(nobody, "connect", "cannot connect")?;
    Ok(())
}

#[test]
fn a_server_that_dies_and_a_daemon_that_restarts_change_nothing() -> Result<()> {
    if !nginx_or_skip("a_server_that_dies_and_a_daemon_that_restarts_change_nothing") {
        return Ok(());
    }
    let [[listed, _], [later, _]] = [1, 2].map(hosts);
    let (mut stage, mut server) = feed(&format!("{listed}\n"), "")?;
    entries(&stage, 1)?;
    server.stop()?;
    wait("it fails", ENFORCED_WITHIN, || Ok(status(&stage)?["state"] == "failing"))?;
    assert!(dropped(&stage, listed)?);

    // No network at all: what is enforced comes from the copy, before anything could be fetched.
    stage.daemon.kill()?;
    stage.daemon.start_again()?;
    assert_eq!(status(&stage)?["entries"], 1);
    assert!(dropped(&stage, listed)?);
    stage.cli("detach")?;
    stage.daemon.terminate()?;
    stage.daemon.start_again()?;
    assert!(dropped(&stage, listed)?, "also where nothing was left in the kernel");

    server.publish("drop.txt", format!("{listed}\n{later}\n"))?;
    server.start_again(&stage.wire.outside)?;
    stage.cli("list update")?;
    assert_eq!(status(&stage)?["state"], "current");
    assert!(dropped(&stage, listed)? && dropped(&stage, later)?);
    Ok(())
}

#[test]
fn undo_brings_no_old_copy_back() -> Result<()> {
    if !nginx_or_skip("undo_brings_no_old_copy_back") {
        return Ok(());
    }
    let [[first, _], [second, _], [third, _]] = [1, 2, 3].map(hosts);
    let (stage, server) = feed(&format!("{first}\n"), "")?;
    entries(&stage, 1)?;
    stage.daemon.cli_with_input(&["list", "add", "mine", "-"], &third.to_string())?;
    server.publish("drop.txt", format!("{first}\n{second}\n"))?;
    entries(&stage, 2)?;
    stage.cli("undo")?;
    assert_eq!(stage.arrive(third)?, BURST, "the operator's list is gone");
    assert_eq!(status(&stage)?["entries"], 2);
    assert!(dropped(&stage, second)?, "the feed is as new as before");
    let history = stage.json("history")?;
    assert_eq!(history["entries"].as_array().map(Vec::len), Some(3), "{history}");
    Ok(())
}

/// What a feed would do to the lists beside it, and what it shares with them.
#[test]
fn diff_and_overlap_change_nothing() -> Result<()> {
    if !nginx_or_skip("diff_and_overlap_change_nothing") {
        return Ok(());
    }
    let both = "[[list]]\nname = \"mine\"\npath = \"mine.txt\"\n\
        [[list]]\nname = \"all\"\nunion = [\"drop\", \"mine\"]\nexcept = [\"203.0.113.1\"]\nmode = \"monitor\"\n";
    let mut stage = Stage::prepare()?;
    let server = Nginx::start(&stage.wire.outside, OUTSIDE_IPV4.into())?;
    server.publish("drop.txt", "203.0.113.0/25\n")?;
    stage.write("mine.txt", "203.0.113.64/26\n198.51.100.0/24\n")?;
    let rare = policy(&server, "drop.txt", both).replace("\"1 s\"", "\"1 h\"");
    stage.start_under(&rare)?;
    entries(&stage, 1)?;
    let overlap = stage.json("list overlap drop mine")?;
    let pair = &overlap["pairs"][0];
    assert_eq!((&pair["ipv4_addresses"], &pair["ranges"]), (&64.into(), &1.into()), "{overlap}");
    assert_eq!(overlap["lists"][0]["ipv4_addresses"], 128, "{overlap}");
    let table = stage.cli("list overlap")?;
    assert!(table.contains("50.0 %"), "{table}");
    let all = stage.json("list status all")?;
    assert_eq!((&all["kind"], &all["source"]), (&"union".into(), &"union of drop, mine".into()), "{all}");

    server.publish("drop.txt", "203.0.113.128/25\n")?;
    let diff = stage.json("list diff drop")?;
    assert_eq!(diff["added_ipv4"]["examples"], serde_json::json!(["203.0.113.128/25"]), "{diff}");
    assert_eq!(diff["removed_ipv4"]["addresses"], 128, "{diff}");
    let with_file =
        stage.daemon.cli_with_input(&["list", "diff", "drop", "-"], "203.0.113.0/25\n2001:db8::1\n")?;
    assert!(with_file.contains("+ 1 IPv6 prefixes, 1 addresses"), "{with_file}");
    let refused = stage.refused("list diff all")?;
    assert_eq!(refused.code, 2, "{refused:?}");
    assert_eq!(status(&stage)?["entries"], 1);
    assert_eq!(status(&stage)?["updates"]["changed"], 1, "nothing was put in force");
    Ok(())
}

#[test]
fn a_watched_file_takes_effect_without_a_reload() -> Result<()> {
    if !xdpgate_tests::kernel_or_skip("a_watched_file_takes_effect_without_a_reload") {
        return Ok(());
    }
    let [[first, _], [second, _]] = [1, 2].map(hosts);
    let mut stage = Stage::prepare()?;
    stage.write("mine.txt", first.to_string())?;
    stage.start_under("[[list]]\nname = \"drop\"\npath = \"mine.txt\"\nevery = \"1 s\"\n")?;
    assert!(dropped(&stage, first)?);
    stage.write("mine.txt", format!("{first}\n{second}\n"))?;
    entries(&stage, 2)?;
    assert!(dropped(&stage, second)?);
    stage.write("mine.txt", "nonsense\n")?;
    wait("it is refused", ENFORCED_WITHIN, || Ok(status(&stage)?["state"] == "refused"))?;
    assert!(dropped(&stage, second)?);
    Ok(())
}

/// Two feeds that change again and again while packets come: who is on both versions is dropped throughout, who is on none
/// passes throughout, and every packet has a verdict.
#[test]
fn updates_under_load_lose_no_verdict() -> Result<()> {
    const PER_SECOND: u32 = 2000;
    const UPDATES: u64 = 6;
    if !nginx_or_skip("updates_under_load_lose_no_verdict") {
        return Ok(());
    }
    let [[both, both6], [sometimes, _], [never, never6]] = [1, 2, 3].map(hosts);
    let versions = [format!("{both}\n{both6}\n"), format!("{both}\n{both6}\n{sometimes}\n")];
    let (stage, server) = feed(&versions[0], "")?;
    entries(&stage, 2)?;
    let stop = Arc::<AtomicBool>::default();
    let account = Account::open(&stage.wire, &stage.daemon, Vec::new())?;
    let sources = [both, both6, sometimes, never, never6];
    let senders = sources.map(|source| {
        senders::send_udp(&stage.wire.outside, source, guarded(source), PER_SECOND, Arc::clone(&stop))
    });
    for (update, version) in (1..=UPDATES).zip(versions.iter().rev().cycle()) {
        thread::sleep(Duration::from_millis(300));
        server.publish("drop.txt", version)?;
        let changed = || Ok(status(&stage)?["updates"]["changed"].as_u64() > Some(update));
        wait("the update is in force", ENFORCED_WITHIN, changed)?;
    }
    stop.store(true, Ordering::Relaxed);
    let mut sent = [0; 5];
    for (sent, sender) in sent.iter_mut().zip(senders) {
        *sent = senders::join(sender)?.packets;
    }
    let balance = account.at_rest(&stage.wire, &stage.daemon)?;
    let arrived = sources.map(|source| stage.arrived(source));
    let counters = &balance.counters;
    let blocked = counters.dropped.get("blocklisted").copied().context("nothing was dropped")?;
    assert_eq!(balance.lost, 0, "{balance:?}");
    assert_eq!(counters.seen, counters.decided(), "{balance:?}");
    assert_eq!(counters.seen, balance.sent, "every packet has a verdict: {balance:?}");
    let all: u64 = sent.iter().sum();
    let passed: u64 = arrived.iter().sum();
    assert_eq!(blocked, all - passed, "{balance:?}");
    // The server's own packets pass too, as everything of which no rule speaks.
    let replies = balance.sent - all;
    assert_eq!(*counters, counted(&[("default-pass", passed + replies)], &[("blocklisted", blocked)]));
    assert_eq!(arrived[..2], [0, 0], "who is on both versions got through");
    assert_eq!(arrived[3..], sent[3..], "who is on none lost something");
    assert!(0 < arrived[2] && arrived[2] < sent[2], "{arrived:?} of {sent:?}");
    println!("{UPDATES} updates under {all} packets: none lost, none let through that is on both versions");
    Ok(())
}

/// Every packet of a flood from a network that the feed has throughout is dropped, whatever changes beside it.
#[test]
fn updates_under_a_flood_let_nothing_through() -> Result<()> {
    const BOUNDS: Bounds = Bounds { frames: 5_000_000, time: Duration::from_secs(20), per_second: 200_000 };
    if !nginx_or_skip("updates_under_a_flood_let_nothing_through") {
        return Ok(());
    }
    let network: Ipv4Net = "203.0.113.0/24".parse()?;
    let text = |more: u32| -> String {
        let others = (0..more * 1000).map(|n| format!("198.18.{}.{}\n", n / 256 % 256, n % 256));
        format!("{network}\n{}", others.collect::<String>())
    };
    let (stage, server) = feed(&text(1), "ratio = 1000")?;
    entries(&stage, 1001)?;
    let frame = frame::udp(guarded(network.network().into()), &[0; 18])?;
    let sources = Sources::evenly([network.into()])?;
    let generator = Generator::load(&prerequisites::flood_object()?, &stage.wire, &sources, frame)?;
    let account = Account::open(&stage.wire, &stage.daemon, vec![generator.sent()])?;
    let stop = Arc::<AtomicBool>::default();
    let flood = generator.start(&stage.wire, BOUNDS, Arc::clone(&stop));
    for more in 2..7 {
        server.publish("drop.txt", text(more))?;
        entries(&stage, u64::from(more) * 1000 + 1)?;
    }
    stop.store(true, Ordering::Relaxed);
    senders::join(flood)?;

    let balance = account.at_rest(&stage.wire, &stage.daemon)?;
    let counters = &balance.counters;
    assert!(balance.flooded > 100_000, "{balance:?}");
    assert_eq!(counters.seen + balance.lost, balance.sent, "{balance:?}");
    assert_eq!(counters.decided(), counters.seen, "{balance:?}");
    let through: u64 = network.hosts().map(|host| stage.arrived(host.into())).sum();
    assert_eq!(through, 0, "{balance:?}");
    let blocked = counters.dropped.get("blocklisted").copied().unwrap_or_default();
    assert!(blocked + balance.lost >= balance.flooded && blocked <= balance.flooded, "{balance:?}");
    println!("5 updates under a flood of {} packets: none let through", balance.flooded);
    Ok(())
}
