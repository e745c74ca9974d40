//! The decision over a capture.

mod report;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;

use super::args::ReplayArgs;
use super::capture_file::{self, Input, Progress};
use super::numbers::grouped;
use super::output::{Output, Stop};
use super::policy_file;
use crate::api::Failure;
use crate::captures::{Capture, End};
use crate::daemon::Inputs;
use crate::policy::Model;
use crate::replay::{Fate, Findings, Replay};

/// What `replay --json` prints.
#[derive(Debug, Serialize)]
struct Replayed {
    /// `-` for standard input.
    capture: PathBuf,
    /// `null`: the built-in one.
    policy: Option<PathBuf>,
    /// What the replay took.
    elapsed_seconds: f64,
    /// How fast it was.
    packets_per_second: f64,
    #[serde(flatten)]
    findings: Findings,
}

pub(super) fn replay(args: &ReplayArgs, output: Output) -> Result<(), Stop> {
    let (policy, config) = policy_file::load(args.policy.as_deref())?;
    let inputs = Inputs::load(config, None)?;
    let image = inputs.compile(1)?;
    let tables = Model::for_traffic(image, inputs.config.tables.sources)
        .map_err(|error| Failure::invalid(format!("{}: {error}", policy_file::name(policy.as_deref()))))?;
    let mut replay = Replay::new(tables, &inputs.config.source_limits);
    let mut verdicts = args.verdicts.as_deref().map(Verdicts::create).transpose()?;

    let mut capture = capture_file::open(&args.capture)?;
    let started = Instant::now();
    let end = run(&mut capture, &mut replay, verdicts.as_mut())?;
    let elapsed_seconds = started.elapsed().as_secs_f64();
    if let Some(verdicts) = verdicts {
        verdicts.finish()?;
    }
    let findings = replay.findings(&capture, &end, args.top);
    if let Some(path) = &args.svg {
        let title = format!(
            "{}: {} packets under {}",
            short_name(&args.capture),
            grouped(findings.seen.packets),
            policy.as_deref().map_or_else(|| "the built-in policy".to_owned(), short_name)
        );
        fs::write(path, replay.chart(&title)).map_err(|error| cannot_write(path, &error))?;
    }
    let replayed = Replayed {
        capture: args.capture.clone(),
        policy,
        elapsed_seconds,
        packets_per_second: rate(capture.packets(), elapsed_seconds),
        findings,
    };
    output.show(&replayed, report::print)?;
    match replayed.findings.problems.end {
        Some(problem) => {
            Err(Stop::Reported(Failure::failed(format!("{}: {problem}", capture_file::name(&args.capture)))))
        }
        None => Ok(()),
    }
}

fn run(
    capture: &mut Capture<Input>,
    replay: &mut Replay,
    mut verdicts: Option<&mut Verdicts>,
) -> Result<End, Stop> {
    let mut progress = Progress::new();
    loop {
        let record = match capture.next_packet() {
            Ok(record) => record,
            Err(end) => return Ok(end),
        };
        progress.at(record.number);
        let fate = replay.packet(&record);
        if let Some(verdicts) = &mut verdicts {
            verdicts.write(record.number, record.time_ns, fate)?;
        }
    }
}

/// The file of `--verdicts`.
struct Verdicts {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Verdicts {
    fn create(path: &Path) -> Result<Self, Failure> {
        let file = File::create(path).map_err(|error| cannot_write(path, &error))?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file) })
    }

    fn write(&mut self, number: u64, time_ns: u64, fate: Fate) -> Result<(), Failure> {
        let (seconds, part) = (time_ns / 1_000_000_000, time_ns % 1_000_000_000);
        writeln!(self.file, "{number} {seconds}.{part:09} {} {}", fate.action(), fate.label())
            .map_err(|error| cannot_write(&self.path, &error))
    }

    fn finish(mut self) -> Result<(), Failure> {
        self.file.flush().map_err(|error| cannot_write(&self.path, &error))
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::failed(format!("can't write {}: {error}", path.display()))
}

fn short_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn rate(packets: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { packets as f64 / seconds } else { 0.0 }
}
