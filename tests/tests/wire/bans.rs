//! Bans: at once, for a time or for good, of one address or a prefix.

use std::thread;
use std::time::Duration;

use anyhow::Result;
use xdpgate_tests::kernel_or_skip;

use crate::stage::{BURST, Stage, hosts, wait};

/// Bans of one request: long enough in the making to be killed before they are stored.
const MANY: usize = 60_000;
/// A ban of two seconds ends within this.
const ENDS_WITHIN: Duration = Duration::from_secs(4);

#[test]
fn a_ban_holds_at_once_and_ends_by_itself() -> Result<()> {
    if !kernel_or_skip("a_ban_holds_at_once_and_ends_by_itself") {
        return Ok(());
    }
    let stage = Stage::under("")?;
    for source in hosts(1) {
        stage.assert_passed(source, "default-pass")?;
        stage.cli(&format!("ban add {source} --ttl 2s --reason guessing --source test"))?;
        stage.assert_dropped(source, "banned")?;
        let bans = stage.json("ban list")?;
        assert_eq!(bans["bans"].as_array().map(Vec::len), Some(1), "{bans}");
        let ban = &bans["bans"][0];
        assert_eq!(ban["prefix"], source.to_string(), "{ban}");
        assert_eq!((&ban["reason"], &ban["source"]), (&"guessing".into(), &"test".into()), "{ban}");
        assert!(ban["remaining_seconds"].as_u64() <= Some(2), "{ban}");
        let ended = wait("the ban ends", ENDS_WITHIN, || Ok(stage.arrive(source)? == BURST))?;
        println!("a ban of 2 s, added a moment ago, ended after {ended:?}");
        stage.assert_passed(source, "default-pass")?;
        wait("the ban is cleared away", ENDS_WITHIN, || Ok(stage.json("status")?["bans"] == 0))?;
        assert_eq!(stage.json("ban list")?["bans"], serde_json::json!([]));
    }
    Ok(())
}

#[test]
fn a_ban_ends_without_a_daemon() -> Result<()> {
    if !kernel_or_skip("a_ban_ends_without_a_daemon") {
        return Ok(());
    }
    let mut stage = Stage::under("")?;
    let [source, _] = hosts(1);
    stage.cli(&format!("ban add {source} --ttl 2s"))?;
    stage.daemon.kill()?;
    assert_eq!(stage.arrive(source)?, 0, "the kernel goes on enforcing");
    wait("the ban ends", ENDS_WITHIN, || Ok(stage.arrive(source)? == BURST))?;
    stage.daemon.start_again()?;
    assert_eq!(stage.json("ban list")?["bans"], serde_json::json!([]));
    stage.assert_passed(source, "default-pass")
}

#[test]
fn bans_survive_a_restart_with_their_ends() -> Result<()> {
    if !kernel_or_skip("bans_survive_a_restart_with_their_ends") {
        return Ok(());
    }
    let mut stage = Stage::under("")?;
    let [[short, _], [long, permanent]] = [1, 2].map(hosts);
    stage.cli(&format!("ban add {long} --ttl 1h"))?;
    stage.cli(&format!("ban add {permanent} --ttl permanent"))?;
    stage.cli(&format!("ban add {short} --ttl 4s"))?;
    stage.daemon.kill()?;
    stage.daemon.start_again()?;
    let bans = stage.json("ban list")?;
    let shown: Vec<_> =
        bans["bans"].as_array().into_iter().flatten().map(|ban| ban["prefix"].clone()).collect();
    assert_eq!(shown, [short, long, permanent].map(|source| source.to_string()), "{bans}");
    assert!(bans["bans"][2]["expires"].is_null(), "{bans}");
    for source in [long, permanent] {
        stage.assert_dropped(source, "banned")?;
    }
    wait("the short ban ends", 2 * ENDS_WITHIN, || Ok(stage.arrive(short)? == BURST))?;
    stage.assert_dropped(long, "banned")?;

    // Also when what is pinned is gone, as after a reboot.
    stage.daemon.terminate()?;
    stage.cli(&format!("detach --bpffs {}", stage.daemon.pins().display()))?;
    assert_eq!(stage.arrive(long)?, BURST, "detached");
    stage.daemon.start_again()?;
    for source in [long, permanent] {
        stage.assert_dropped(source, "banned")?;
    }
    stage.cli(&format!("ban del {long} {permanent}"))?;
    for source in [long, permanent] {
        stage.assert_passed(source, "default-pass")?;
    }
    let none = stage.refused(&format!("ban del {long}"))?;
    assert_eq!(none.code, 4, "{none:?}");
    Ok(())
}

#[test]
fn many_bans_survive_a_kill_right_after_their_answer() -> Result<()> {
    if !kernel_or_skip("many_bans_survive_a_kill_right_after_their_answer") {
        return Ok(());
    }
    let mut stage = Stage::under("")?;
    let [[outside, _], [single, _]] = [1, 2].map(hosts);
    let many = (0..MANY).map(|n| format!("11.{}.{}.{}", n >> 16, n >> 8 & 255, n & 255));
    let text = many.chain([outside.to_string()]).collect::<Vec<_>>().join("\n");
    let file = stage.write("many.txt", text)?;
    stage.cli(&format!("ban add --from {} --ttl 1h --reason feed", file.display()))?;
    stage.cli(&format!("ban add {single} --ttl 1h --reason guessing"))?;
    stage.daemon.kill()?;
    for source in [outside, single] {
        assert_eq!(stage.arrive(source)?, 0, "the kernel goes on enforcing");
    }
    // The second time the kernel has forgotten them, as after a reboot.
    for _ in 0..2 {
        stage.daemon.start_again()?;
        for source in [outside, single] {
            stage.assert_dropped(source, "banned")?;
        }
        let bans = stage.json("ban list")?;
        let reasons = |reason: &str| {
            let bans = bans["bans"].as_array().into_iter().flatten();
            bans.filter(|ban| ban["reason"] == reason).count()
        };
        assert_eq!((reasons("feed"), reasons("guessing")), (MANY + 1, 1));
        stage.daemon.terminate()?;
        stage.cli(&format!("detach --bpffs {}", stage.daemon.pins().display()))?;
    }
    Ok(())
}

#[test]
fn many_bans_that_do_not_all_fit_are_none() -> Result<()> {
    if !kernel_or_skip("many_bans_that_do_not_all_fit_are_none") {
        return Ok(());
    }
    let stage = Stage::under("[tables]\nbans = 1024\n")?;
    let [outside, _] = hosts(1);
    let others = (0..1024).map(|n| format!("11.0.{}.{}", n >> 8, n & 255));
    let text = [outside.to_string()].into_iter().chain(others).collect::<Vec<_>>().join("\n");
    let file = stage.write("many.txt", text)?;
    let full = stage.refused(&format!("ban add --from {}", file.display()))?;
    assert_eq!(full.code, 11, "{full:?}");
    for part in ["none of the 1025 bans was made", "`bans-ipv4` is full (1024 entries)", "raise tables.bans"]
    {
        assert!(full.message.contains(part), "{full:?}");
    }
    assert_eq!(stage.json("ban list")?["bans"], serde_json::json!([]));
    stage.assert_passed(outside, "default-pass")
}

#[test]
fn a_ban_of_a_prefix_holds_for_every_address_in_it() -> Result<()> {
    if !kernel_or_skip("a_ban_of_a_prefix_holds_for_every_address_in_it") {
        return Ok(());
    }
    let stage = Stage::under("")?;
    stage.cli("ban add 198.51.100.0/30 2001:db8:100::/62 --ttl permanent")?;
    for source in [1, 2, 3].into_iter().flat_map(hosts) {
        stage.assert_dropped(source, "banned")?;
    }
    for source in hosts(4) {
        stage.assert_passed(source, "default-pass")?;
    }
    // One inside that ends changes nothing: the wider one still holds.
    stage.cli("ban add 198.51.100.0/31 2001:db8:100:1::/64 --ttl 1s")?;
    thread::sleep(Duration::from_millis(2500));
    for source in hosts(1) {
        stage.assert_dropped(source, "banned")?;
    }
    stage.cli("ban del 198.51.100.0/30 2001:db8:100::/62")?;
    for source in hosts(1) {
        stage.assert_passed(source, "default-pass")?;
    }
    Ok(())
}

#[test]
fn a_full_table_refuses_and_forgets_nobody() -> Result<()> {
    if !kernel_or_skip("a_full_table_refuses_and_forgets_nobody") {
        return Ok(());
    }
    let stage = Stage::under("[tables]\nbans = 1024\n")?;
    let [[banned, _], [late, late6]] = [1, 2].map(hosts);
    let others: Vec<_> = (0..1023).map(|n| format!("203.0.{}.{}", 112 + n / 256, n % 256)).collect();
    stage.cli(&format!("ban add {banned} {}", others.join(" ")))?;
    let full = stage.refused(&format!("ban add {late}"))?;
    assert_eq!(full.code, 11, "{full:?}");
    for part in ["`bans-ipv4` is full (1024 entries)", "raise tables.bans"] {
        assert!(full.message.contains(part), "{full:?}");
    }
    stage.assert_passed(late, "default-pass")?;
    stage.assert_dropped(banned, "banned")?;
    assert_eq!(stage.json("ban list")?["bans"].as_array().map(Vec::len), Some(1024));

    stage.cli(&format!("ban add {banned} --ttl permanent"))?;
    assert!(stage.cli("status")?.contains("bans-ipv4 is nearly full"), "{}", stage.cli("status")?);
    stage.cli(&format!("ban add {late6}"))?;
    stage.assert_dropped(late6, "banned")?;
    stage.cli(&format!("ban del {}", others[0]))?;
    stage.cli(&format!("ban add {late}"))?;
    stage.assert_dropped(late, "banned")
}

#[test]
fn a_repeated_ban_is_one_ban() -> Result<()> {
    if !kernel_or_skip("a_repeated_ban_is_one_ban") {
        return Ok(());
    }
    let stage = Stage::under("")?;
    let [source, _] = hosts(1);
    stage.cli(&format!("ban add {source} --ttl 1h"))?;
    stage.cli(&format!("ban add {source} --ttl permanent --reason again"))?;
    let bans = stage.json("ban list")?;
    assert_eq!(bans["bans"].as_array().map(Vec::len), Some(1), "{bans}");
    assert!(bans["bans"][0]["expires"].is_null(), "{bans}");
    assert_eq!(bans["bans"][0]["reason"], "again", "{bans}");
    stage.assert_dropped(source, "banned")
}

#[test]
fn a_ban_of_the_management_network_is_refused() -> Result<()> {
    if !kernel_or_skip("a_ban_of_the_management_network_is_refused") {
        return Ok(());
    }
    let stage = Stage::under("[safety]\nmanagement_prefixes = [\"198.51.100.0/24\"]\n")?;
    let [source, _] = hosts(1);
    let refused = stage.refused(&format!("ban add {source}"))?;
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused.message.contains("198.51.100.0/24") && refused.message.contains("--force"),
        "{refused:?}"
    );
    stage.assert_passed(source, "default-pass")?;
    stage.cli(&format!("ban add {source} --force"))?;
    stage.assert_dropped(source, "banned")
}

#[test]
fn each_source_lifts_only_what_it_has_banned() -> Result<()> {
    if !kernel_or_skip("each_source_lifts_only_what_it_has_banned") {
        return Ok(());
    }
    let mut stage = Stage::under("")?;
    let [source, _] = hosts(1);
    stage.cli(&format!("ban add {source} --ttl 1h --source one --note seen-at-night"))?;
    stage.cli(&format!("ban add {source} --ttl 2s --source two"))?;
    thread::sleep(ENDS_WITHIN);
    stage.assert_dropped(source, "banned")?;
    stage.cli(&format!("ban add {source} --ttl permanent --source two"))?;
    stage.daemon.kill()?;
    stage.daemon.start_again()?;
    let shown = stage.cli("ban list")?;
    assert!(shown.contains("(seen-at-night)") && shown.contains("2 bans of 1 prefix"), "{shown}");
    assert_eq!(stage.cli("ban list --source one --ending-within 2h --count")?, "1 ban\n");
    assert_eq!(stage.cli("ban list --ending-within 5m --count")?, "0 bans\n");
    let said = stage.cli(&format!("ban del {source} --source two"))?;
    assert_eq!(said, format!("{source}: lifted; still banned by one\n"));
    stage.assert_dropped(source, "banned")?;
    let none = stage.refused(&format!("ban del {source} --source two"))?;
    assert_eq!(none.code, 4, "{none:?}");
    stage.cli(&format!("ban del {source} --source two --if-banned"))?;
    stage.cli("ban del --all --source one")?;
    stage.assert_passed(source, "default-pass")
}

#[test]
fn repeated_bans_lengthen_where_that_is_wished() -> Result<()> {
    if !kernel_or_skip("repeated_bans_lengthen_where_that_is_wished") {
        return Ok(());
    }
    let stage = Stage::under("[bans]\nlengthen = true\nlongest = \"3 h\"\n")?;
    let [source, other] = hosts(1);
    let ban = |source, more: &str| -> Result<u64> {
        let made = stage.json(&format!("ban add {source} --ttl 1h {more}"))?;
        Ok(made["bans"][0]["remaining_seconds"].as_u64().unwrap_or(0))
    };
    assert_eq!(
        (ban(source, "")?, ban(source, "")?),
        (3_600, 3_600),
        "once more while it holds is no repetition"
    );
    for longer in [7_200, 10_800, 10_800] {
        stage.cli(&format!("ban del {source}"))?;
        assert_eq!(ban(source, "")?, longer);
    }
    stage.cli(&format!("ban del {source}"))?;
    assert_eq!(ban(source, "--lengthen=false")?, 3_600);
    assert_eq!(ban(other, "")?, 3_600);
    Ok(())
}

#[test]
fn what_is_exported_can_be_imported() -> Result<()> {
    if !kernel_or_skip("what_is_exported_can_be_imported") {
        return Ok(());
    }
    let stage = Stage::under("[safety]\nmanagement_prefixes = [\"203.0.113.0/24\"]\n")?;
    let [[one, one6], [other, _]] = [1, 2].map(hosts);
    for format in ["plain", "ipset", "nft", "nft-json", "json", "csv"] {
        stage.cli(&format!("ban add {one} {one6} --ttl 1h --reason scan"))?;
        stage.cli("ban add 198.51.100.2/31 --ttl permanent")?;
        let file = stage.write("export", stage.cli(&format!("ban export --format {format}"))?)?;
        stage.cli("ban del --all --source cli")?;
        stage.assert_passed(one, "default-pass")?;
        let said = stage.cli(&format!("ban import {} --ttl 30m", file.display()))?;
        assert_eq!(said, "3 bans in force, 3 of them new\n", "{format}");
        for source in [one, one6, other] {
            stage.assert_dropped(source, "banned")?;
        }
        let bans = stage.json("ban list")?;
        let of_one =
            bans["bans"].as_array().into_iter().flatten().find(|ban| ban["prefix"] == one.to_string());
        let left = of_one.and_then(|ban| ban["remaining_seconds"].as_u64()).unwrap_or(0);
        let whole = if format == "plain" { 1_800 } else { 3_600 };
        assert!((whole - 60..=whole).contains(&left), "{format}: {bans}");
        stage.cli("ban del --all --source import")?;
    }
    let file = stage.write("mixed", format!("{one}\n203.0.113.7\nnobody\n"))?;
    let refused = stage.refused(&format!("ban import {}", file.display()))?;
    assert_eq!(refused.code, 5, "{refused:?}");
    let said = stage.cli(&format!("ban import {} --skip-bad", file.display()))?;
    for part in [
        "1 ban in force, 1 of them new",
        "1 left out: line 3",
        "203.0.113.7: not banned: ",
        "management prefix",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    Ok(())
}
