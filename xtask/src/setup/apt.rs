//! Debian's packages.

use std::fs;
use std::process::Command;
use std::sync::Once;

use anyhow::{Result, bail};

use super::privileges::is_root;
use super::say;
use crate::command;

/// Whether the system is Debian itself: derived systems lack the packages of the web toolchain.
pub(super) fn is_debian() -> bool {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    release.lines().any(|line| line == "ID=debian") && command::find("apt-get").is_some()
}

/// Whether missing packages can be installed without asking anyone.
pub(super) fn can_install() -> bool {
    is_debian() && is_root()
}

/// Installs packages, without what they only recommend.
pub(super) fn install(packages: &[&str]) -> Result<()> {
    static UPDATED: Once = Once::new();
    UPDATED.call_once(|| {
        say("apt-get update");
        // A source that does not answer need not matter: the install below says what is missing.
        if let Err(error) = command::read(apt_get().arg("update")) {
            say(&format!("apt-get update: {error:#}"));
        }
    });
    say(&format!("apt-get install {}", packages.join(" ")));
    let installed =
        command::read(apt_get().args(["install", "-y", "--no-install-recommends"]).args(packages));
    if let Err(error) = installed {
        bail!("{error:#}\nLook into the sources of apt, then run:\n  {}", install_line(packages));
    }
    Ok(())
}

/// What a person types to install the packages.
pub(super) fn install_line(packages: &[&str]) -> String {
    let sudo = super::privileges::sudo();
    format!("{sudo}apt-get update && {sudo}apt-get install -y --no-install-recommends {}", packages.join(" "))
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C").args(["-q", "-o", "Dpkg::Use-Pty=0"]);
    command
}
