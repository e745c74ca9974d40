//! Puts the object that the kernel runs where the daemon embeds it: `OUT_DIR/xdpgate.o`.
//!
//! Without the object that file is empty, so that `cargo build`, `clippy` and `test` need no BPF toolchain; the daemon
//! then says how to build it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{env, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=XDPGATE_BPF_OBJECT");

    let embedded = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?).join("xdpgate.o");
    let Some(object) = env::var_os("XDPGATE_BPF_OBJECT").map(PathBuf::from) else {
        return fs::write(embedded, []);
    };
    if object.is_file() {
        println!("cargo::rerun-if-changed={}", object.display());
        return fs::copy(&object, embedded).map(|_| ());
    }
    // Cargo takes a missing file for changed at every build, but a folder only when something appears in it. It reads
    // the whole folder for that, so only our own is given to it.
    match object.parent() {
        Some(folder) if folder.ends_with("target/bpf") && make_old(folder).is_ok() => {
            println!("cargo::rerun-if-changed={}", folder.display());
        }
        _ => println!("cargo::rerun-if-changed={}", object.display()),
    }
    fs::write(embedded, [])
}

/// Makes the folder if need be, older than this script's start: else cargo would call it changed at the next build.
fn make_old(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    File::open(folder)?.set_modified(SystemTime::UNIX_EPOCH)
}
