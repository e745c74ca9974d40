//! What cannot be done: one sentence, its exit code, and what was enforced stays in force.
//!
//! Not here, because this kernel has it all: a kernel that is too old or lacks a feature (exit code 10).

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

use anyhow::Result;
use aya::maps::{Array, Map, MapData};
use xdpgate_tests::veth::GUARDED;
use xdpgate_tests::{kernel_or_skip, prerequisites};

use crate::foreign::{beside, shown};
use crate::stage::{BURST, Stage, hosts};

const INTERFACE: [&str; 2] = ["--interface", GUARDED];
const NOBODY: [&str; 6] = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
const ROOT_WITHOUT_POWER: [&str; 3] = ["setpriv", "--bounding-set", "-all"];

#[test]
fn who_may_not_gets_told_so() -> Result<()> {
    if !kernel_or_skip("who_may_not_gets_told_so") {
        return Ok(());
    }
    let stage = Stage::prepare()?;
    for through in [&NOBODY[..], &ROOT_WITHOUT_POWER] {
        let refused = stage.daemon.refused_start(through, &INTERFACE)?;
        println!("{}: {}", through.join(" "), refused.message);
        assert_eq!(refused.code, 6, "{through:?}: {refused:?}");
        assert!(refused.message.contains("run as root, or with CAP_BPF"), "{through:?}: {refused:?}");
        assert_eq!(refused.message.lines().count(), 1, "{through:?}: {refused:?}");
        assert_eq!(shown(&stage.wire.guarded, GUARDED)?.id, None);
    }
    Ok(())
}

#[test]
fn who_may_not_use_the_socket_gets_told_so() -> Result<()> {
    if !kernel_or_skip("who_may_not_use_the_socket_gets_told_so") {
        return Ok(());
    }
    let stage = Stage::under("")?;
    // Its own mode keeps others out, not only the directory's.
    fs::set_permissions(stage.daemon.directory(), Permissions::from_mode(0o755))?;
    let mut command = stage.wire.guarded.command(NOBODY[0]);
    command.args(&NOBODY[1..]).arg(prerequisites::xdpgate_binary()?);
    let output = command.args(["--socket", &stage.daemon.socket(), "status"]).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(6), "{said}");
    assert!(said.contains("you may not use the socket"), "{said}");
    Ok(())
}

#[test]
fn a_second_daemon_is_refused() -> Result<()> {
    if !kernel_or_skip("a_second_daemon_is_refused") {
        return Ok(());
    }
    let stage = Stage::under("")?;
    let before = shown(&stage.wire.guarded, GUARDED)?;
    let refused = stage.daemon.refused_start(&[], &INTERFACE)?;
    assert_eq!(refused.code, 8, "{refused:?}");
    assert!(refused.message.contains("another xdpgate daemon"), "{refused:?}");

    // With pins of its own it still finds the socket in use.
    let mut other = Stage::prepare()?;
    let socket = stage.daemon.socket();
    let pins = beside(stage.daemon.pins(), "other")?;
    let pins_text = pins.display().to_string();
    let refused = other.refused_with_socket(&socket, &pins_text)?;
    let _ = fs::remove_dir_all(pins);
    assert_eq!(refused.code, 8, "{refused:?}");
    assert!(refused.message.contains(&socket), "{refused:?}");

    assert_eq!(shown(&stage.wire.guarded, GUARDED)?, before, "the first one's program is untouched");
    let [source, _] = hosts(1);
    stage.assert_passed(source, "default-pass")?;
    other.daemon.start_with(&INTERFACE)
}

#[test]
fn a_stale_socket_is_replaced() -> Result<()> {
    if !kernel_or_skip("a_stale_socket_is_replaced") {
        return Ok(());
    }
    let mut stage = Stage::prepare()?;
    // Its listener is closed, the file stays: what a killed daemon leaves.
    drop(UnixListener::bind(stage.daemon.socket())?);
    let dead = stage.refused("status")?;
    assert_eq!(dead.code, 3, "{dead:?}");
    stage.daemon.start_with(&INTERFACE)?;
    stage.daemon.kill()?;
    assert!(fs::exists(stage.daemon.socket())?);
    stage.daemon.start_again()?;
    assert_eq!(stage.json("status")?["ready"], true);
    Ok(())
}

#[test]
fn what_is_no_socket_is_not_replaced() -> Result<()> {
    if !kernel_or_skip("what_is_no_socket_is_not_replaced") {
        return Ok(());
    }
    let stage = Stage::prepare()?;
    fs::write(stage.daemon.socket(), "precious")?;
    let refused = stage.daemon.refused_start(&[], &INTERFACE)?;
    assert!(refused.message.contains(&stage.daemon.socket()), "{refused:?}");
    assert_eq!(fs::read_to_string(stage.daemon.socket())?, "precious");
    Ok(())
}

#[test]
fn pins_of_another_version_are_refused_and_still_enforce() -> Result<()> {
    if !kernel_or_skip("pins_of_another_version_are_refused_and_still_enforce") {
        return Ok(());
    }
    let mut stage = Stage::under("")?;
    let [source, _] = hosts(1);
    let pins = stage.daemon.pins().display().to_string();
    stage.cli(&format!("ban add {source} --ttl permanent"))?;
    stage.daemon.terminate()?;
    let abi = stage.daemon.pins().join("maps/ABI");
    let mut version: Array<_, u64> = Map::from_map_data(MapData::from_pin(abi)?)?.try_into()?;
    let before = version.get(&0, 0)?;
    version.set(0, 99, 0)?;

    let refused = stage.daemon.refused_start(&[], &INTERFACE)?;
    assert_eq!(refused.code, 9, "{refused:?}");
    for part in ["99", &before.to_string(), "keep enforcing", "xdpgate detach"] {
        assert!(refused.message.contains(part), "no {part:?}: {refused:?}");
    }
    assert_eq!(stage.arrive(source)?, 0, "still enforcing");
    let paused = stage.refused(&format!("pause --bpffs {pins}"))?;
    assert_eq!(paused.code, 9, "{paused:?}");

    // The way out that the message names.
    stage.cli(&format!("detach --bpffs {pins}"))?;
    assert!(!stage.daemon.pins().exists(), "something is left in {pins}");
    assert_eq!(stage.arrive(source)?, BURST);
    stage.daemon.start_again()?;
    stage.assert_dropped(source, "banned")
}

#[test]
fn commands_without_a_daemon_say_so() -> Result<()> {
    if !kernel_or_skip("commands_without_a_daemon_say_so") {
        return Ok(());
    }
    let mut stage = Stage::prepare()?;
    let commands = [
        "status",
        "stats --once",
        "events",
        "ban add 192.0.2.9",
        "ban list",
        "allow list",
        "list show",
        "geo show",
        "explain 192.0.2.9",
        "reload",
    ];
    for line in commands {
        let refused = stage.refused(line)?;
        assert_eq!(refused.code, 3, "{line}: {refused:?}");
        assert!(refused.message.contains("xdpgate run"), "{line}: {refused:?}");
    }
    stage.daemon.start_with(&INTERFACE)?;
    stage.daemon.kill()?;
    let dead = stage.refused("status")?;
    assert_eq!(dead.code, 3, "{dead:?}");
    assert!(dead.message.contains("still enforced"), "{dead:?}");
    let output = stage.daemon.cli_output(&["status", "--json"])?;
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(answer["exit_code"], 3, "{answer}");
    assert_eq!(answer["error"]["code"], "unreachable", "{answer}");
    Ok(())
}

#[test]
fn no_bpf_file_system_is_named() -> Result<()> {
    if !kernel_or_skip("no_bpf_file_system_is_named") {
        return Ok(());
    }
    let stage = Stage::prepare()?;
    let ordinary = stage.daemon.directory().join("pins").display().to_string();
    let refused = stage.refused_with_socket(&stage.daemon.socket(), &ordinary)?;
    assert_eq!(refused.code, 10, "{refused:?}");
    assert!(refused.message.contains("mount -t bpf"), "{refused:?}");

    // A name that no BPF file system takes is another matter.
    let dotted = format!("{}.d", stage.daemon.pins().display());
    let refused = stage.refused_with_socket(&stage.daemon.socket(), &dotted)?;
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.message.contains("dot") && refused.message.contains("--bpffs"), "{refused:?}");
    Ok(())
}

impl Stage {
    /// Starts a daemon that must fail, with this socket and these pins.
    fn refused_with_socket(&self, socket: &str, pins: &str) -> Result<xdpgate_tests::refusal::Refusal> {
        let state = self.daemon.directory().join("other-state").display().to_string();
        let own = ["--socket", socket, "run", "--state-dir", &state, "--bpffs", pins, "--metrics", "off"];
        self.daemon.refused_alone(&[&own[..], &INTERFACE].concat())
    }
}
