//! What the tests in a kernel need, and where it is.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use rustix::fs::statfs;

use crate::daemon::BPFFS;

/// Set to 1 where every kernel test must run: a missing prerequisite is then a failure.
const REQUIRE: &str = "XDPGATE_REQUIRE_KERNEL";
/// `BPF_FS_MAGIC` of linux/magic.h.
const BPF_FS_MAGIC: u64 = 0xcafe_4a11;

/// Whether the tests in a kernel can run here. If not, says on standard error why `test` is skipped.
///
/// # Panics
///
/// When they cannot run and `XDPGATE_REQUIRE_KERNEL=1`.
#[must_use]
pub fn kernel_or_skip(test: &str) -> bool {
    or_skip(test, check()).is_some()
}

/// The `xdpgate` binary, for tests that need no kernel. Without one, says on standard error why `test` is skipped.
///
/// # Panics
///
/// As [`kernel_or_skip`].
#[must_use]
pub fn binary_or_skip(test: &str) -> Option<PathBuf> {
    or_skip(test, xdpgate_binary())
}

/// The real HTTPS server of the tests, where it is. If not, says on standard error why `test` is skipped.
///
/// # Panics
///
/// As [`kernel_or_skip`].
#[must_use]
pub fn nginx_or_skip(test: &str) -> bool {
    kernel_or_skip(test) && or_skip(test, crate::nginx::folder()).is_some()
}

fn or_skip<T>(test: &str, found: Result<T>) -> Option<T> {
    found
        .map_err(|why| {
            let required = env::var_os(REQUIRE).is_some_and(|value| value == "1");
            assert!(!required, "{test} cannot run, and {REQUIRE}=1 requires it: {why:#}");
            eprintln!("skipped: {test}: {why:#}");
        })
        .ok()
}

/// The generator's object.
///
/// # Errors
///
/// When it was not built.
pub fn flood_object() -> Result<PathBuf> {
    existing("XDPGATE_FLOOD_OBJECT", target_directory()?.join("bpf/flood.o"))
}

/// The object of the XDP program.
///
/// # Errors
///
/// When it was not built.
pub fn xdpgate_object() -> Result<PathBuf> {
    existing("XDPGATE_BPF_OBJECT", target_directory()?.join("bpf/xdpgate.o"))
}

/// The `xdpgate` binary: of the same build as this executable, so the release lab runs the release daemon.
///
/// # Errors
///
/// When it was not built.
pub fn xdpgate_binary() -> Result<PathBuf> {
    existing("XDPGATE_BINARY", build_directory()?.join("xdpgate"))
}

/// A file named by an environment variable, else the given one.
fn existing(variable: &str, otherwise: PathBuf) -> Result<PathBuf> {
    let path = env::var_os(variable).map_or(otherwise, PathBuf::from);
    ensure!(path.is_file(), "{} is missing; run `cargo xtask build`, or set {variable}", path.display());
    Ok(path)
}

/// Says what is missing for a run with the kernel.
///
/// # Errors
///
/// When something is.
pub fn check() -> Result<()> {
    ensure!(rustix::process::geteuid().is_root(), "not root");
    let filesystem = statfs(BPFFS).with_context(|| format!("no {BPFFS}"))?;
    ensure!(
        u64::try_from(filesystem.f_type).is_ok_and(|kind| kind == BPF_FS_MAGIC),
        "no bpffs on {BPFFS}; run `mount -t bpf bpf {BPFFS}`"
    );
    for program in ["ip", "tc", "nsenter", "timeout"] {
        ensure!(in_path(program), "`{program}` is not installed");
    }
    xdpgate_object()?;
    flood_object()?;
    xdpgate_binary()?;
    Ok(())
}

fn in_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]).any(|dir| dir.join(program).is_file())
}

/// `target/debug` or `target/release`; test executables are in its `deps`.
fn build_directory() -> Result<PathBuf> {
    let executable = env::current_exe()?;
    let directory = executable.parent().context("an executable outside any directory")?;
    let directory = if directory.ends_with("deps") { directory.parent() } else { Some(directory) };
    directory.map(Path::to_path_buf).context("an executable outside a build directory")
}

fn target_directory() -> Result<PathBuf> {
    build_directory()?.parent().map(Path::to_path_buf).context("a build directory outside any directory")
}
