//! Limits out of what comes in on an interface.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use xdpgate_tests::veth::GUARDED;
use xdpgate_tests::{kernel_or_skip, prerequisites};

use crate::stage::{BURST, Stage, hosts};

const BURSTS: u64 = 10;

#[test]
fn limits_are_suggested_from_what_comes_in() -> Result<()> {
    if !kernel_or_skip("limits_are_suggested_from_what_comes_in") {
        return Ok(());
    }
    let stage = Stage::under("default_action = \"pass\"\n")?;
    let mut command = stage.wire.guarded.command(prerequisites::xdpgate_binary()?);
    command.args(["suggest", "--interface", GUARDED, "--for", "4s", "--service", "udp/443", "--json"]);
    let watching = command.stdout(std::process::Stdio::piped()).spawn()?;
    // The watcher is there long before the half of its time is over.
    thread::sleep(Duration::from_millis(1_500));
    let [ipv4, ipv6] = hosts(1);
    for _ in 0..BURSTS {
        stage.send(ipv4)?;
        stage.send(ipv6)?;
        thread::sleep(Duration::from_millis(50));
    }
    let output = watching.wait_with_output()?;
    ensure!(output.status.success(), "{output:?}");
    let found: Value = serde_json::from_slice(&output.stdout)?;
    let service = found["services"].as_array().and_then(|services| services.first()).context("a service")?;
    assert_eq!(service["packets"], 2 * BURSTS * BURST, "{found}");
    assert_eq!(service["sources"], 2, "{found}");
    let toml = found["toml"].as_str().context("a piece of policy")?;
    xdpgate::config::parse(toml, std::path::Path::new("suggested.toml"))?;
    assert!(toml.contains("ports = [443]"), "{toml}");
    Ok(())
}
