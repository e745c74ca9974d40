//! Running other programs, with errors that name the command and show what it said.

use std::env;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

/// The variables of cargo and rustup that say where things come from. All others say how to build, and are dropped.
const KEPT: [&str; 8] = [
    "CARGO_HOME",
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_",
    "CARGO_SOURCE_",
    "CARGO_TERM_",
    "RUSTUP_HOME",
];

/// A command without what `cargo xtask` and the person's own settings put into the environment of a Rust build.
///
/// `RUSTUP_TOOLCHAIN`, `RUSTFLAGS` or `LD_LIBRARY_PATH` of one toolchain would break or silently change the build of
/// another.
pub(crate) fn with_clean_environment(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let of_rust = text.starts_with("CARGO") || text.starts_with("RUST") || text == "LD_LIBRARY_PATH";
        if of_rust && !KEPT.iter().any(|kept| text.starts_with(kept)) {
            command.env_remove(&name);
        }
    }
    command
}

/// The cargo that runs this program: the same toolchain builds the rest.
pub(crate) fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs to the end. Its output goes to our stderr.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .stdout(Stdio::from(io::stderr()))
        .status()
        .with_context(|| format!("cannot start `{}`", line(command)))?;
    if !status.success() {
        bail!("`{}` failed: {status}", line(command));
    }
    Ok(())
}

/// Runs to the end and gives its stdout. Silent, unless it fails.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start `{}`", line(command)))?;
    if !output.status.success() {
        bail!("`{}` failed: {}{}", line(command), output.status, said(&output));
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{}` printed no UTF-8", line(command)))
}

/// Whether the command starts and succeeds.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Where a program lies on the search path. The `sbin` folders count, which a plain user's path leaves out.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}

/// The command as a person would type it.
pub(crate) fn line(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        // Writing to a String cannot fail.
        let _ = write!(line, " {}", argument.to_string_lossy());
    }
    line
}

/// The last lines of what a failed command printed: there the reason is.
fn said(output: &Output) -> String {
    const LINES: usize = 15;
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines
        .iter()
        .skip(lines.len().saturating_sub(LINES))
        .fold(String::new(), |said, line| said + "\n  " + line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_names_the_command_and_what_it_said() {
        let error = read(Command::new("sh").args(["-c", "echo broken pipe dream >&2; exit 3"])).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("sh -c"), "{text}");
        assert!(text.contains("exit status: 3"), "{text}");
        assert!(text.contains("broken pipe dream"), "{text}");
    }

    #[test]
    fn only_the_end_of_a_long_output_is_shown() {
        let error = read(Command::new("sh").args(["-c", "seq 1 100; exit 1"])).unwrap_err().to_string();
        assert!(error.contains("\n  100"), "{error}");
        assert!(!error.contains("\n  85\n"), "{error}");
    }

    #[test]
    fn build_settings_of_the_outer_cargo_do_not_leak() {
        // Cargo itself sets both for a test.
        assert!(env::var_os("CARGO_MANIFEST_DIR").is_some());
        let seen = read(&mut with_clean_environment("env")).unwrap();
        assert!(!seen.lines().any(|line| line.starts_with("CARGO_MANIFEST_DIR=")), "{seen}");
        assert!(!seen.lines().any(|line| line.starts_with("LD_LIBRARY_PATH=")), "{seen}");
    }
}
