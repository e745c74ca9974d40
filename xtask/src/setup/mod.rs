//! Makes the machine ready: each thing is looked for first, so that a second run does nothing.

mod apt;
mod bpffs;
mod linker;
mod llvm;
mod privileges;
mod runtime;
mod toolchain;

use std::fs::{self, File};
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::workspace::Workspace;

pub(crate) use privileges::is_root;
pub(crate) use toolchain::{Core, TARGET, Toolchain, source};

/// What the build of the object uses.
pub(crate) struct Ready {
    /// The compiler with a `core` for the BPF target, or with the source of it.
    pub(crate) toolchain: Toolchain,
    /// The path of bpf-linker.
    pub(crate) linker: PathBuf,
}

/// Finds or installs everything, and says in one line each what it does.
pub(crate) fn prepare(workspace: &Workspace) -> Result<Ready> {
    let _turn = wait_for_turn(workspace)?;
    let toolchain = toolchain::prepare(workspace)?;
    let linker = linker::prepare(workspace, &toolchain)?;
    runtime::prepare()?;
    bpffs::prepare();
    say(&format!("ready ({toolchain}, bpf-linker {})", linker::VERSION));
    Ok(Ready { toolchain, linker })
}

/// Finds or installs the programs that the benchmarks compare with.
pub(crate) fn prepare_peers() -> Result<()> {
    runtime::prepare_peers()
}

/// One line about what setup does.
fn say(what: &str) {
    eprintln!("setup: {what}");
}

/// Two runs in one checkout would write into the same folders: the second waits, until the first drops the file.
pub(crate) fn wait_for_turn(workspace: &Workspace) -> Result<File> {
    let folder = workspace.tools();
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let path = folder.join("lock");
    let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    if file.try_lock().is_err() {
        say("waiting for another `cargo xtask` in this checkout");
        file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    }
    Ok(file)
}
