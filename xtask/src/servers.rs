//! Servers of other projects that tests talk to: Debian's packages, unpacked below `target`. Nothing is installed, and
//! nothing is started on the host.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::command;
use crate::setup::wait_for_turn;
use crate::workspace::Workspace;

/// A server.
pub(crate) struct Server {
    /// Its folder.
    name: &'static str,
    /// Names that folder to the tests.
    pub(crate) variable: &'static str,
    /// The packages that it consists of. What they need besides is in every Debian.
    packages: &'static [&'static str],
    /// A file that is there once all of it is.
    program: &'static str,
}

/// Every server.
pub(crate) const SERVERS: &[Server] = &[
    Server {
        name: "nginx",
        variable: "XDPGATE_NGINX",
        packages: &["nginx", "nginx-common"],
        program: "usr/sbin/nginx",
    },
    Server {
        name: "crowdsec",
        variable: "XDPGATE_CROWDSEC",
        packages: &["crowdsec"],
        program: "usr/bin/crowdsec",
    },
    // In Python, of which every Debian has a version that will do.
    Server {
        name: "fail2ban",
        variable: "XDPGATE_FAIL2BAN",
        packages: &["fail2ban"],
        program: "usr/bin/fail2ban-server",
    },
];

impl Server {
    /// The folder that its packages are unpacked in, after fetching them when they are not there yet.
    pub(crate) fn fetched(&self, workspace: &Workspace) -> Result<PathBuf> {
        let _turn = wait_for_turn(workspace)?;
        let folder = workspace.lab().join("servers").join(self.name);
        if folder.join(self.program).is_file() {
            return Ok(folder);
        }
        let scratch = folder.with_extension("new");
        // What an interrupted run has left.
        if scratch.exists() {
            remove(&scratch)?;
        }
        self.unpack(&scratch).with_context(|| {
            format!("cannot fetch {} from Debian; apt-get update may help", self.packages.join(" and "))
        })?;
        if folder.exists() {
            remove(&folder)?;
        }
        fs::rename(&scratch, &folder).with_context(|| format!("cannot put {} in place", folder.display()))?;
        eprintln!("servers: fetched {} from {}", folder.display(), self.packages.join(" and "));
        Ok(folder)
    }

    fn unpack(&self, scratch: &Path) -> Result<()> {
        let archives = scratch.join("archives");
        fs::create_dir_all(&archives).with_context(|| format!("cannot create {}", archives.display()))?;
        command::read(Command::new("apt-get").current_dir(&archives).arg("download").args(self.packages))?;
        for archive in fs::read_dir(&archives)?.flatten() {
            command::read(Command::new("dpkg-deb").arg("-x").arg(archive.path()).arg(scratch))?;
        }
        anyhow::ensure!(scratch.join(self.program).is_file(), "there is no {} in them", self.program);
        remove(&archives)
    }
}

fn remove(folder: &Path) -> Result<()> {
    fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))
}
