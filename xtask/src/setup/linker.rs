//! bpf-linker: built once, against the LLVM of the compiler in use.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::toolchain::Toolchain;
use super::{llvm, say};
use crate::command;
use crate::workspace::Workspace;

/// The pinned version.
pub(super) const VERSION: &str = "0.13.0";

/// Gives the linker's path, after building it when it is missing or of another LLVM.
pub(super) fn prepare(workspace: &Workspace, toolchain: &Toolchain) -> Result<PathBuf> {
    let tools = workspace.tools();
    let linker = path(&tools);
    if is_ready(&tools, toolchain.llvm) {
        return Ok(linker);
    }
    build(&tools, toolchain.llvm)?;
    if !is_ready(&tools, toolchain.llvm) {
        bail!("bpf-linker was built but does not start; see what `{} --version` says", linker.display());
    }
    Ok(linker)
}

/// Whether the linker is there, of this version and LLVM, and starts: an upgrade may have taken its library away.
pub(super) fn is_ready(tools: &Path, llvm: u32) -> bool {
    let of_this_kind = fs::read_to_string(stamp(tools)).is_ok_and(|text| text == identity(llvm));
    of_this_kind && command::succeeds(Command::new(path(tools)).arg("--version"))
}

fn build(tools: &Path, major: u32) -> Result<()> {
    let Some(prefix) = llvm::prefix(major) else {
        bail!("bpf-linker needs LLVM {major}: {}, then run `cargo xtask setup` again", llvm::advice(major));
    };
    say(&format!("building bpf-linker {VERSION} against {} (one to three minutes, once)", prefix.display()));
    let target = tools.join("build");
    let cargo = command::cargo();
    let mut install = command::with_clean_environment(cargo.get_program());
    // The toolchain that runs xtask: bpf-linker is an ordinary program of this machine.
    if let Some(name) = std::env::var_os("RUSTUP_TOOLCHAIN") {
        install.env("RUSTUP_TOOLCHAIN", name);
    }
    install.env("LLVM_PREFIX", &prefix).args([
        "install",
        "bpf-linker",
        "--locked",
        "--force",
        "--version",
        VERSION,
    ]);
    install.args(["--no-default-features", "--features", &format!("llvm-{major}")]);
    install.arg("--root").arg(tools).arg("--target-dir").arg(&target);
    command::run(&mut install).context(
        "cannot build bpf-linker; it needs a C++ standard library (Debian: g++) and access to the crate registry",
    )?;
    // 300 MB that nothing reads again.
    fs::remove_dir_all(&target).with_context(|| format!("cannot remove {}", target.display()))?;
    let stamp = stamp(tools);
    fs::write(&stamp, identity(major)).with_context(|| format!("cannot write {}", stamp.display()))
}

fn path(tools: &Path) -> PathBuf {
    tools.join("bin/bpf-linker")
}

fn stamp(tools: &Path) -> PathBuf {
    tools.join("bpf-linker.stamp")
}

fn identity(llvm: u32) -> String {
    format!("bpf-linker {VERSION} llvm-{llvm}\n")
}
