//! What the service manager is told.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;
use xdpgate_tests::kernel_or_skip;
use xdpgate_tests::veth::GUARDED;

use crate::stage::Stage;

#[test]
fn the_service_manager_hears_of_start_reload_and_end() -> Result<()> {
    if !kernel_or_skip("the_service_manager_hears_of_start_reload_and_end") {
        return Ok(());
    }
    let mut stage = Stage::prepare()?;
    let path = stage.daemon.directory().join("notify");
    let manager = UnixDatagram::bind(&path)?;
    manager.set_read_timeout(Some(Duration::from_secs(10)))?;
    stage.daemon.set_variable("NOTIFY_SOCKET", path.to_str().context("a path that is no text")?);
    stage.daemon.start_with(&["--interface", GUARDED])?;
    hears(&manager, "READY=1")?;
    stage.daemon.signal(Signal::HUP)?;
    let reloading = hears(&manager, "RELOADING=1")?;
    assert!(reloading.contains("MONOTONIC_USEC="), "{reloading}");
    hears(&manager, "READY=1")?;
    stage.daemon.terminate()?;
    hears(&manager, "STOPPING=1")?;
    Ok(())
}

/// The next message with this in it.
fn hears(manager: &UnixDatagram, wanted: &str) -> Result<String> {
    let mut message = [0; 1024];
    loop {
        let length = manager.recv(&mut message).with_context(|| format!("no {wanted}"))?;
        let text = String::from_utf8_lossy(&message[..length]).into_owned();
        if text.lines().any(|line| line == wanted) {
            return Ok(text);
        }
    }
}
