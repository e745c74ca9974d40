//! The object that the kernel runs, and the binaries that embed it.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::command;
use crate::setup::{self, Core, Ready, TARGET};
use crate::workspace::Workspace;

/// A bin of the ebpf package, and the name of the object that others read.
type Object = (&'static str, &'static str);

const OBJECTS: [Object; 2] = [("xdpgate-xdp", "xdpgate.o"), ("xdpgate-flood", "flood.o")];
/// What only the benchmarks load.
const BENCH_OBJECTS: [Object; 2] = [("xdpgate-bench", "bench.o"), ("xdpgate-baseline", "baseline.o")];

/// Names the flood generator's object to the lab, the tests and the benchmarks.
pub(crate) const FLOOD_VARIABLE: &str = "XDPGATE_FLOOD_OBJECT";
/// Names the object of the bench's driver.
pub(crate) const BENCH_VARIABLE: &str = "XDPGATE_BENCH_OBJECT";
/// Names the object of the usual design.
pub(crate) const BASELINE_VARIABLE: &str = "XDPGATE_BASELINE_OBJECT";

/// The flood generator's object.
pub(crate) fn flood_object(workspace: &Workspace) -> PathBuf {
    workspace.bpf().join("flood.o")
}

/// The object of the bench's driver and of the small programs that others are compared with.
pub(crate) fn bench_object(workspace: &Workspace) -> PathBuf {
    workspace.bpf().join("bench.o")
}

/// The object of the usual design.
pub(crate) fn baseline_object(workspace: &Workspace) -> PathBuf {
    workspace.bpf().join("baseline.o")
}

/// Setup, the objects, then the binaries.
pub(crate) fn everything(workspace: &Workspace) -> Result<()> {
    objects(workspace, &OBJECTS)?;
    binaries(workspace)
}

/// Likewise, with the objects that only the benchmarks load.
pub(crate) fn everything_and_peers(workspace: &Workspace) -> Result<()> {
    objects(workspace, &[OBJECTS.as_slice(), BENCH_OBJECTS.as_slice()].concat())?;
    binaries(workspace)
}

/// Setup, then the objects.
fn objects(workspace: &Workspace, objects: &[Object]) -> Result<()> {
    let ready = setup::prepare(workspace)?;
    let target = workspace.bpf().join("build");
    command::run(&mut compiler(workspace, &ready, &target, objects))?;
    for (bin, object) in objects {
        let built = target.join(TARGET).join("bpf").join(bin);
        copy_if_changed(&built, &workspace.bpf().join(object))?;
    }
    Ok(())
}

fn binaries(workspace: &Workspace) -> Result<()> {
    let mut cargo = command::cargo();
    cargo.current_dir(workspace.root()).args(["build", "--release", "-p", "xdpgate", "-p", "xdpgate-tests"]);
    command::run(&mut cargo)
}

fn compiler(workspace: &Workspace, ready: &Ready, target: &Path, objects: &[Object]) -> Command {
    let toolchain = &ready.toolchain;
    let mut cargo = command::with_clean_environment(&toolchain.cargo);
    cargo
        .current_dir(workspace.root())
        .env("RUSTC", &toolchain.rustc)
        // The compare-and-swap intrinsics and the BPF assembly are unstable in every compiler.
        .env("RUSTC_BOOTSTRAP", "1")
        // A wrapper such as sccache from the person's settings must not change the object.
        .env("RUSTC_WRAPPER", "")
        // Not among the flags: those are part of the crates' identity, and this path is of the machine.
        .env("CARGO_TARGET_BPFEL_UNKNOWN_NONE_LINKER", &ready.linker)
        .env("CARGO_ENCODED_RUSTFLAGS", flags(workspace, ready))
        .args(["build", "--profile", "bpf", "--target", TARGET, "-p", "xdpgate-ebpf", "--features", "bpf"]);
    for (bin, _) in objects {
        cargo.args(["--bin", bin]);
    }
    if toolchain.core == Core::FromSource {
        cargo.args(["-Z", "build-std=core"]);
    }
    cargo.arg("--target-dir").arg(target);
    cargo
}

fn flags(workspace: &Workspace, ready: &Ready) -> OsString {
    // v3: compare-and-swap. Misaligned access (LLVM 22): headers are read in words, not byte by byte, which the kernel
    // allows on every architecture whose loads may be unaligned; byte by byte the verifier passes its limit of a million
    // instructions. debug 2 and --btf: the types and lines that the loader and the verifier's log show.
    let mut flags: Vec<OsString> = [
        "-Ctarget-cpu=v3",
        "-Ctarget-feature=+allows-misaligned-mem-access",
        "-Cdebuginfo=2",
        "-Clink-arg=--btf",
        // Or clearing sixteen bytes becomes a call and a loop over bytes.
        "-Clink-arg=--disable-expand-memcpy-in-order",
    ]
    .map(OsString::from)
    .into();
    flags.push(format!("--cfg=bpf_target_arch=\"{}\"", env::consts::ARCH).into());
    for (from, to) in renamed(workspace, ready) {
        let mut flag = OsString::from("--remap-path-prefix=");
        flag.push(from);
        flag.push("=");
        flag.push(to);
        flags.push(flag);
    }
    flags.join(OsStr::new("\u{1f}"))
}

/// Folders of this machine, and what the object calls them: equal sources give equal bytes everywhere.
fn renamed(workspace: &Workspace, ready: &Ready) -> Vec<(PathBuf, &'static str)> {
    let mut renamed = vec![
        (workspace.root().to_owned(), "/xdpgate"),
        (setup::source(&ready.toolchain.sysroot), "/rustc/library"),
    ];
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(env::home_dir()?.join(".cargo")));
    // One folder for each registry, named after its address.
    let registries = home.and_then(|home| home.join("registry/src").read_dir().ok());
    renamed.extend(registries.into_iter().flatten().flatten().map(|registry| (registry.path(), "/registry")));
    renamed
}

/// Leaves an equal file alone: its time decides whether the daemon is compiled again.
fn copy_if_changed(from: &Path, to: &Path) -> Result<()> {
    let bytes = fs::read(from).with_context(|| format!("the build left no {}", from.display()))?;
    if fs::read(to).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    // Renamed into place, so that a build that runs beside this one never embeds half of it.
    let fresh = to.with_extension("new");
    fs::write(&fresh, bytes).with_context(|| format!("cannot write {}", fresh.display()))?;
    fs::rename(&fresh, to).with_context(|| format!("cannot put {} in place", to.display()))
}
