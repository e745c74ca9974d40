//! Servers of other projects, as Debian ships them: `cargo xtask` unpacks them without installing them, and tests start them
//! in their namespaces.

mod crowdsec;
mod fail2ban;

pub use crowdsec::{Crowdsec, Tls};
pub use fail2ban::{Fail2ban, JAIL};

use std::env;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::cleanup::{self, Guard, Leftover};

/// The folder that a variable names.
fn folder(variable: &str) -> Result<PathBuf> {
    let path = env::var_os(variable).map(PathBuf::from);
    let path = path.with_context(|| format!("{variable} is not set; `cargo xtask test` sets it"))?;
    ensure!(path.is_dir(), "{variable} names {}, which is missing", path.display());
    Ok(path)
}

/// A process that writes to a log.
#[derive(Debug)]
struct Running {
    child: Child,
    _guard: Guard,
}

impl Running {
    fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let log = File::options().create(true).append(true).open(log)?;
        let child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = child.spawn().with_context(|| format!("cannot start {command:?}"))?;
        let guard = cleanup::register(Leftover::Process(child.id()));
        Ok(Self { child, _guard: guard })
    }

    fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    fn end(&mut self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).context("no process number")?;
        kill_process(pid, signal)?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
