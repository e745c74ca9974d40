//! The fuzz targets: builds them with the coverage that libFuzzer follows, and runs each for a while.
//!
//! cargo-fuzz is not needed, nor a nightly: what it would ask of the compiler are stable flags, as nothing here is `unsafe`
//! and no sanitizer has to look for broken memory.

use std::collections::VecDeque;
use std::env;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::command;
use crate::workspace::Workspace;

/// What `cargo xtask fuzz` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The targets; all, if none is named.
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// For how long each target runs.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// How many run at a time.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..))]
    jobs: u8,
    /// Print the names of the targets.
    #[arg(long)]
    list: bool,
}

/// How the compiler leaves the marks that libFuzzer follows: which branches were taken, and what was compared with what.
const RUSTFLAGS: &str = "--cfg fuzzing -C passes=sancov-module -C llvm-args=-sanitizer-coverage-level=4 \
    -C llvm-args=-sanitizer-coverage-inline-8bit-counters -C llvm-args=-sanitizer-coverage-pc-table \
    -C llvm-args=-sanitizer-coverage-trace-compares";

/// Bytes of an input: larger ones find the same, and slower. Files over a block of a reader have tests of their own.
const LONGEST_INPUT: u32 = 8 * 1024;
/// Seconds after which one input counts as endless.
const ENDLESS: u32 = 10;
/// MiB after which an input counts as one that fills the memory.
const MEMORY: u32 = 1024;

/// Builds the targets, then runs them. What fails is kept in `tests/fuzz/regressions`, for every later test run.
pub(crate) fn fuzz(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let place = Place::of(workspace);
    let all = place.targets()?;
    if arguments.list {
        println!("{}", all.join("\n"));
        return Ok(());
    }
    if let Some(unknown) = arguments.targets.iter().find(|name| !all.contains(name)) {
        bail!("there is no target {unknown}; there are: {}", all.join(", "));
    }
    let targets = if arguments.targets.is_empty() { all } else { arguments.targets.clone() };
    place.build(&targets)?;
    let mut waiting: VecDeque<String> = targets.into();
    let (mut running, mut failed) = (Vec::new(), Vec::new());
    loop {
        while running.len() < usize::from(arguments.jobs)
            && let Some(name) = waiting.pop_front()
        {
            running.push(Run::start(&place, name, arguments.seconds)?);
        }
        if running.is_empty() {
            break;
        }
        thread::sleep(Duration::from_millis(200));
        let mut still = Vec::new();
        for mut run in running {
            match run.child.try_wait()? {
                None => still.push(run),
                Some(status) if status.success() => println!("fuzz {} ... ok ({})", run.name, run.sums()),
                Some(_) => {
                    println!("fuzz {} ... FAILED", run.name);
                    eprintln!("{}", run.end());
                    failed.push(run.name.clone());
                }
            }
        }
        running = still;
    }
    ensure!(
        failed.is_empty(),
        "{} failed; the inputs are in tests/fuzz/regressions and fail in `cargo test --package xdpgate-tests --test fuzz` \
         until the cause is gone: commit them with the correction",
        failed.join(", ")
    );
    Ok(())
}

/// Where the targets lie, and what comes of them.
struct Place {
    /// The sources, with the committed inputs.
    sources: PathBuf,
    /// What is built, what the fuzzer finds out, and what it says.
    target: PathBuf,
}

impl Place {
    fn of(workspace: &Workspace) -> Self {
        Self { sources: workspace.root().join("tests/fuzz"), target: workspace.fuzz() }
    }

    fn targets(&self) -> Result<Vec<String>> {
        let folder = self.sources.join("fuzz_targets");
        let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        let names =
            entries.flatten().filter_map(|entry| Some(entry.path().file_stem()?.to_str()?.to_owned()));
        let mut names: Vec<String> = names.collect();
        names.sort();
        Ok(names)
    }

    fn build(&self, targets: &[String]) -> Result<()> {
        // With this program's own environment: without it rustup would choose a toolchain anew in the folder of each crate,
        // and some crates name one that it would then fetch.
        let mut cargo = command::cargo();
        cargo.args(["build", "--release", "--locked", "--target", &host()?, "--manifest-path"]);
        cargo.arg(self.sources.join("Cargo.toml")).arg("--target-dir").arg(&self.target);
        // With a target named, build scripts and macros are built without these flags.
        cargo.env("RUSTFLAGS", RUSTFLAGS).env_remove("CARGO_ENCODED_RUSTFLAGS").current_dir(&self.sources);
        for target in targets {
            cargo.args(["--bin", target]);
        }
        command::run(&mut cargo)
    }

    fn program(&self, name: &str) -> Result<PathBuf> {
        Ok(self.target.join(host()?).join("release").join(name))
    }
}

/// The target triple of this machine, as the compiler names it.
fn host() -> Result<String> {
    let about =
        command::read(Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).arg("-vV"))?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc -vV names no host")?.to_owned())
}

/// A target at work.
struct Run {
    name: String,
    child: Child,
    log: PathBuf,
    /// Where inputs that fail are kept.
    failures: PathBuf,
}

impl Run {
    fn start(place: &Place, name: String, seconds: u32) -> Result<Self> {
        let (found, log) =
            (place.target.join("corpus").join(&name), place.target.join(format!("{name}.log")));
        let failures = place.sources.join("regressions").join(&name);
        for folder in [&found, &failures] {
            fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        let file = File::create(&log).with_context(|| format!("cannot create {}", log.display()))?;
        let mut program = Command::new(place.program(&name)?);
        program.arg(format!("-max_total_time={seconds}")).arg(format!("-timeout={ENDLESS}"));
        program.arg(format!("-rss_limit_mb={MEMORY}")).arg(format!("-max_len={LONGEST_INPUT}"));
        program.arg(format!("-artifact_prefix={}/", failures.display())).arg("-print_final_stats=1");
        // What is new goes to the first folder; the committed inputs are only read.
        program.arg(&found).arg(place.sources.join("corpus").join(&name)).arg(&failures);
        program.current_dir(&place.target).stdout(Stdio::null()).stderr(file);
        let child = program.spawn().with_context(|| format!("cannot start `{}`", command::line(&program)))?;
        Ok(Self { name, child, log, failures })
    }

    /// What the fuzzer counted.
    fn sums(&self) -> String {
        let said = self.said();
        let inputs = value(&said, "stat::number_of_executed_units:").unwrap_or("0");
        let new = value(&said, "stat::new_units_added:").unwrap_or("0");
        let memory = value(&said, "stat::peak_rss_mb:").unwrap_or("?");
        format!("{inputs} inputs, {new} of them new, {memory} MiB at most")
    }

    fn end(&self) -> String {
        const LINES: usize = 40;
        let said = self.said();
        let lines: Vec<&str> = said.lines().collect();
        lines.iter().skip(lines.len().saturating_sub(LINES)).copied().collect::<Vec<_>>().join("\n")
    }

    fn said(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }
}

impl Drop for Run {
    /// After an error elsewhere nothing is left running.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Kept only where something failed.
        let _ = fs::remove_dir(&self.failures);
    }
}

fn value<'a>(said: &'a str, name: &str) -> Option<&'a str> {
    said.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_are_read_from_what_libfuzzer_says() {
        let said = "INFO: x\nstat::number_of_executed_units: 123\nstat::peak_rss_mb:              45\n";
        assert_eq!(value(said, "stat::number_of_executed_units:"), Some("123"));
        assert_eq!(value(said, "stat::peak_rss_mb:"), Some("45"));
        assert_eq!(value(said, "stat::new_units_added:"), None);
    }

    #[test]
    fn targets_are_found() {
        let targets = Place::of(&Workspace::locate().unwrap()).targets().unwrap();
        assert!(targets.contains(&"plain".to_owned()), "{targets:?}");
    }
}
