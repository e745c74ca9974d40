//! The LLVM that bpf-linker links against: it must be of the compiler's own major version.

use std::env;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command;

/// From 22: the object needs its misaligned access. To 23: the newest that the pinned bpf-linker has a feature for.
pub(super) const SUPPORTED: RangeInclusive<u32> = 22..=23;

/// The prefix of an LLVM of this major with its headers and library.
pub(super) fn prefix(major: u32) -> Option<PathBuf> {
    let told = env::var_os("LLVM_PREFIX").map(PathBuf::from);
    // Debian and its relatives, Fedora, Gentoo, Homebrew.
    let usual = [
        format!("/usr/lib/llvm-{major}"),
        format!("/usr/lib64/llvm{major}"),
        format!("/usr/lib/llvm/{major}"),
        format!("/home/linuxbrew/.linuxbrew/opt/llvm@{major}"),
    ];
    told.into_iter()
        .chain(usual.into_iter().map(PathBuf::from))
        .find(|prefix| is_complete(&prefix.join("bin/llvm-config"), major))
        .or_else(|| on_search_path(major))
}

/// What a person does to get it.
pub(super) fn advice(major: u32) -> String {
    format!(
        "install LLVM {major} with its headers (Debian, Ubuntu: llvm-{major}-dev; Fedora: llvm{major}-devel; \
         Arch: llvm) or set LLVM_PREFIX to where it lies"
    )
}

fn on_search_path(major: u32) -> Option<PathBuf> {
    let names = [format!("llvm-config-{major}"), format!("llvm-config{major}"), "llvm-config".to_owned()];
    let config =
        names.iter().filter_map(|name| command::find(name)).find(|config| is_complete(config, major))?;
    Some(PathBuf::from(ask(&config, "--prefix")?))
}

fn is_complete(config: &Path, major: u32) -> bool {
    let of_this_major = || {
        ask(config, "--version").is_some_and(|version| version.split('.').next() == Some(&major.to_string()))
    };
    let has_headers =
        || ask(config, "--includedir").is_some_and(|dir| Path::new(&dir).join("llvm-c").is_dir());
    config.is_file() && of_this_major() && has_headers()
}

fn ask(config: &Path, question: &str) -> Option<String> {
    command::read(Command::new(config).arg(question)).ok().map(|answer| answer.trim().to_owned())
}
