//! The compiler of the kernel's half: Debian's pair with a prebuilt `core`, or a nightly that builds `core` itself.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::{apt, linker, llvm};
use crate::command;
use crate::workspace::Workspace;

/// What the kernel's half is compiled for.
pub(crate) const TARGET: &str = "bpfel-unknown-none";

/// Debian's compiler, cargo, and `core` for the BPF targets. The C++ library is what bpf-linker links with.
const DEBIAN: [&str; 4] = ["rustc-web", "cargo-web", "libstd-rust-web-dev-bpf", "g++"];

/// The workspace's own `rust-version`.
const MINIMUM: &str = env!("CARGO_PKG_RUST_VERSION");

/// A compiler that can build for the kernel.
pub(crate) struct Toolchain {
    /// Where `core` comes from.
    pub(crate) core: Core,
    /// The compiler itself, not a proxy of rustup.
    pub(crate) rustc: PathBuf,
    /// Its cargo.
    pub(crate) cargo: PathBuf,
    /// The folder that holds the compiler's libraries, and its source when there is one.
    pub(crate) sysroot: PathBuf,
    /// The major version of its LLVM.
    pub(super) llvm: u32,
    release: String,
}

/// Where `core` for the BPF target comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Core {
    /// A library beside the compiler.
    Prebuilt,
    /// Cargo builds it from the compiler's source.
    FromSource,
}

impl fmt::Display for Toolchain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.core {
            Core::Prebuilt => "system",
            Core::FromSource => "nightly",
        };
        write!(formatter, "{kind} rustc {}, LLVM {}", self.release, self.llvm)
    }
}

/// Takes what is complete; else completes Debian's pair; else says what the person must do.
pub(super) fn prepare(workspace: &Workspace) -> Result<Toolchain> {
    let tools = workspace.tools();
    if let Some(toolchain) = complete(&tools) {
        return Ok(toolchain);
    }
    if !apt::can_install() {
        bail!(advice());
    }
    if system().is_none() {
        apt::install(&DEBIAN)?;
    }
    let Some(toolchain) = system() else {
        bail!(
            "Debian's packages {} do not give a rustc {MINIMUM} or later with a core for {TARGET}: \
             is the security archive among the sources of apt?\n{}",
            DEBIAN.join(" "),
            nightly_advice()
        );
    };
    if !is_supported(&toolchain) {
        bail!(
            "{toolchain}: the object and bpf-linker {} need LLVM {} to {}.\n{}",
            linker::VERSION,
            llvm::SUPPORTED.start(),
            llvm::SUPPORTED.end(),
            nightly_advice()
        );
    }
    if !has_linker(&tools, &toolchain) {
        apt::install(&[&format!("llvm-{}-dev", toolchain.llvm)])?;
    }
    Ok(toolchain)
}

fn complete(tools: &Path) -> Option<Toolchain> {
    let usable =
        |toolchain: &Toolchain| llvm::SUPPORTED.contains(&toolchain.llvm) && has_linker(tools, toolchain);
    system().filter(usable).or_else(|| nightly().filter(usable))
}

fn is_supported(toolchain: &Toolchain) -> bool {
    llvm::SUPPORTED.contains(&toolchain.llvm)
}

fn has_linker(tools: &Path, toolchain: &Toolchain) -> bool {
    linker::is_ready(tools, toolchain.llvm) || llvm::prefix(toolchain.llvm).is_some()
}

fn system() -> Option<Toolchain> {
    let (rustc, cargo) = (PathBuf::from("/usr/bin/rustc"), PathBuf::from("/usr/bin/cargo"));
    let libraries = ask(&rustc, &["--print", "target-libdir", "--target", TARGET])?;
    let has_core = Path::new(&libraries).read_dir().ok()?.flatten().any(|entry| {
        let name = entry.file_name();
        name.to_string_lossy().starts_with("libcore-")
    });
    (has_core && cargo.is_file()).then(|| describe(Core::Prebuilt, rustc, cargo)).flatten()
}

fn nightly() -> Option<Toolchain> {
    let mut which = command::with_clean_environment(command::find("rustup")?);
    // Looking must not download.
    which.env("RUSTUP_AUTO_INSTALL", "0").args(["which", "--toolchain", "nightly", "rustc"]);
    let rustc = PathBuf::from(command::read(&mut which).ok()?.trim());
    let cargo = rustc.with_file_name("cargo");
    let toolchain = describe(Core::FromSource, rustc, cargo)?;
    source(&toolchain.sysroot).join("core/src/lib.rs").is_file().then_some(toolchain)
}

/// Where the component `rust-src` puts the standard library.
pub(crate) fn source(sysroot: &Path) -> PathBuf {
    sysroot.join("lib/rustlib/src/rust/library")
}

fn describe(core: Core, rustc: PathBuf, cargo: PathBuf) -> Option<Toolchain> {
    let version = Version::parse(&ask(&rustc, &["-vV"])?)?;
    if version.minor() < minor(MINIMUM) {
        return None;
    }
    let sysroot = PathBuf::from(ask(&rustc, &["--print", "sysroot"])?);
    Some(Toolchain { core, rustc, cargo, sysroot, llvm: version.llvm, release: version.release })
}

fn ask(rustc: &Path, arguments: &[&str]) -> Option<String> {
    let answer = command::read(command::with_clean_environment(rustc).args(arguments)).ok()?;
    Some(answer.trim().to_owned())
}

/// What `rustc -vV` says.
struct Version {
    release: String,
    llvm: u32,
}

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        let release = field("release: ")?.to_owned();
        let llvm = field("LLVM version: ")?.split('.').next()?.parse().ok()?;
        Some(Self { release, llvm })
    }

    fn minor(&self) -> Option<u32> {
        minor(&self.release)
    }
}

fn minor(release: &str) -> Option<u32> {
    release.split('.').nth(1)?.parse().ok()
}

/// The command for a person whose machine setup may not change.
fn advice() -> String {
    if let Some(found) = system().filter(is_supported).or_else(|| nightly().filter(is_supported)) {
        let llvm = if apt::is_debian() {
            apt::install_line(&[&format!("llvm-{}-dev", found.llvm), "g++"])
        } else {
            llvm::advice(found.llvm)
        };
        return format!(
            "{found}: its LLVM is missing, which bpf-linker needs. Run, then try again:\n  {llvm}"
        );
    }
    if !apt::is_debian() {
        return format!("no compiler for {TARGET} here.\n{}", nightly_advice());
    }
    // The major is known only when the compiler is there, so the shell asks it.
    let llvm = "llvm-$(/usr/bin/rustc -vV | sed -n 's/^LLVM version: \\([0-9]*\\).*/\\1/p')-dev";
    let first = apt::install_line(&DEBIAN);
    format!(
        "no compiler for {TARGET} here. Run, then try again:\n  {first} && sudo apt-get install -y \
         --no-install-recommends {llvm}\nOr without Debian's compiler. {}",
        nightly_advice()
    )
}

fn nightly_advice() -> String {
    let first = match command::find("rustup") {
        Some(_) => "Run",
        None => "Install rustup (https://rustup.rs), then run",
    };
    format!(
        "{first}:\n  rustup toolchain install nightly --component rust-src\nand install the LLVM of that compiler with \
         its headers: `rustc +nightly -vV` says its version N (Debian, Ubuntu: llvm-N-dev; Fedora: llvmN-devel; \
         Arch: llvm)."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEBIAN_SAYS: &str = "rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)\nbinary: rustc\n\
        host: x86_64-unknown-linux-gnu\nrelease: 1.96.0\nLLVM version: 22.1.8\n";

    #[test]
    fn version_and_llvm_major_come_from_the_compiler() {
        let version = Version::parse(DEBIAN_SAYS).unwrap();
        assert_eq!((version.release.as_str(), version.llvm), ("1.96.0", 22));
        let nightly = Version::parse("release: 1.99.0-nightly\nLLVM version: 23.0.0-rust-dev\n").unwrap();
        assert_eq!((nightly.minor(), nightly.llvm), (Some(99), 23));
    }

    #[test]
    fn a_compiler_that_does_not_tell_its_llvm_is_refused() {
        assert!(Version::parse("release: 1.96.0\n").is_none());
        assert!(Version::parse("").is_none());
    }

    #[test]
    fn minimum_has_a_minor() {
        assert!(minor(MINIMUM).is_some());
    }
}
