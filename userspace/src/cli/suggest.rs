//! Limits out of a capture.

use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use tempfile::NamedTempFile;

use super::args::SuggestArgs;
use super::capture_file;
use super::numbers::{bytes, counted, grouped};
use super::output::{Output, Stop};
use super::style::{BOLD, DIM, GOOD, RESET, WARN};
use crate::api::Failure;
use crate::captures;
use crate::config::{self, Config, InterfaceName};
use crate::suggest::{self, Candidate, Peaks, Percentiles, ServiceFindings, Suggestions, Wish};

/// Shorter captures say little about limits.
const SHORT_SECONDS: f64 = 60.0;

/// What `suggest --json` prints.
#[derive(Debug, Serialize)]
struct Suggested {
    capture: PathBuf,
    policy: Option<PathBuf>,
    /// The share of sources that a suggested limit may touch.
    touch_percent: f64,
    #[serde(flatten)]
    suggestions: Suggestions,
}

pub(super) fn suggest(args: &SuggestArgs, output: Output) -> Result<(), Stop> {
    let config = match &args.policy {
        Some(file) => config::load(file).map_err(Failure::from)?,
        None => Config::default(),
    };
    // Gone with this function.
    let watched = args.interface.as_ref().zip(args.time);
    let watched = watched.map(|(interface, time)| watch(interface, time)).transpose()?;
    let capture = match (&watched, &args.capture) {
        (Some(file), _) => file.path(),
        (None, Some(capture)) if capture != Path::new("-") => capture,
        (None, _) => {
            return Err(Failure::usage(
                "`suggest` reads a capture three times, so it takes no standard input; write it to a file first",
            )
            .into());
        }
    };
    let wish = Wish { config: &config, services: &args.service, touch_percent: args.touch };
    let suggestions = suggest::suggest(&wish, || capture_file::open(capture))?;
    let named =
        args.interface.as_ref().map_or_else(|| capture.to_owned(), |interface| interface.as_str().into());
    let suggested =
        Suggested { capture: named, policy: args.policy.clone(), touch_percent: args.touch, suggestions };
    output.show(&suggested, print)?;
    match suggested.suggestions.end {
        Some(problem) => Err(Stop::Reported(Failure::failed(format!(
            "{}: {problem}",
            capture_file::name(&suggested.capture)
        )))),
        None => Ok(()),
    }
}

/// More packets than this say no more, and would fill a disk.
const MOST_PACKETS: u64 = 10_000_000;

/// What comes in on an interface, as a capture.
fn watch(interface: &InterfaceName, time: Duration) -> Result<NamedTempFile, Failure> {
    let file =
        NamedTempFile::new().map_err(|error| Failure::failed(format!("no room for a capture: {error}")))?;
    if io::stderr().is_terminal() {
        eprintln!("watching {interface} for {} ...", config::display_duration(time));
    }
    let seen = captures::record(interface, time, MOST_PACKETS, &mut BufWriter::new(file.as_file()))
        .map_err(Failure::failed)?;
    if seen.packets == 0 {
        return Err(Failure::not_found(format!(
            "nothing came in on {interface} in {}; choose another interface, or watch for longer",
            config::display_duration(time)
        )));
    }
    Ok(file)
}

fn print(out: &mut dyn Write, suggested: &Suggested) -> io::Result<()> {
    let found = &suggested.suggestions;
    let (name, packets) = (capture_file::name(&suggested.capture), counted(found.packets, "packet"));
    writeln!(out, "{BOLD}{name}{RESET}: {packets} in {:.0} s", found.seconds)?;
    if found.services.is_empty() {
        writeln!(out, "{WARN}no service has enough packets; name one with --service tcp/443{RESET}")?;
    }
    found.services.iter().try_for_each(|service| self::service(out, service))?;
    if found.seconds < SHORT_SECONDS && !found.services.is_empty() {
        writeln!(
            out,
            "\n{WARN}the capture is short: what a burst hides is not seen; take one of an hour{RESET}"
        )?;
    }
    if found.outgoing > 0 {
        let packets = counted(found.outgoing, "packet");
        writeln!(out, "\n{WARN}{packets} that the host sent were left out{RESET}")?;
    }
    if found.beyond > 0 {
        let (packets, room) = (counted(found.beyond, "packet"), grouped(found.room));
        writeln!(
            out,
            "\n{WARN}{packets} came from sources beyond the first {room}: nothing is said of them{RESET}"
        )?;
    }
    if !found.toml.is_empty() {
        writeln!(
            out,
            "\n{DIM}# for the policy; with mode = \"monitor\" a limit only counts at first{RESET}"
        )?;
        write!(out, "\n{}", found.toml)?;
    }
    Ok(())
}

fn service(out: &mut dyn Write, service: &ServiceFindings) -> io::Result<()> {
    let ServiceFindings { name, protocol, ports, packets, bytes: all, connections, sources, .. } = service;
    let at = if ports.is_empty() { String::new() } else { format!(" {}", ports.join(", ")) };
    writeln!(out, "\n{BOLD}{name}{RESET} {DIM}({protocol}{at}){RESET}")?;
    let (sources, connections) = (counted(*sources, "source"), counted(*connections, "new connection"));
    writeln!(out, "  {}, {}, from {sources}; {connections}", counted(*packets, "packet"), bytes(*all))?;
    writeln!(
        out,
        "  {BOLD}{:<24}{:>10} {:>10} {:>10} {:>10} {:>10}{RESET}",
        "most of a source", "50 %", "90 %", "99 %", "99.9 %", "max"
    )?;
    let Peaks { packets_per_second, bytes_per_second, connections_per_minute } = &service.peaks;
    percentiles(out, "packets in a second", packets_per_second, grouped)?;
    percentiles(out, "bytes in a second", bytes_per_second, bytes)?;
    if connections_per_minute.max > 0 {
        percentiles(out, "connections in a minute", connections_per_minute, grouped)?;
    }
    writeln!(
        out,
        "  {BOLD}{:<24}{:>21} {:>27}{RESET}",
        "a limit of", "would touch sources", "reject packets"
    )?;
    service.candidates.iter().try_for_each(|candidate| self::candidate(out, candidate))
}

fn percentiles(
    out: &mut dyn Write,
    label: &str,
    found: &Percentiles,
    shown: impl Fn(u64) -> String,
) -> io::Result<()> {
    let [p50, p90, p99, p999, max] = [found.p50, found.p90, found.p99, found.p999, found.max].map(shown);
    writeln!(out, "  {label:<24}{p50:>10} {p90:>10} {p99:>10} {p999:>10} {max:>10}")
}

fn candidate(out: &mut dyn Write, candidate: &Candidate) -> io::Result<()> {
    let (style, mark) = if candidate.suggested { (GOOD, " suggested") } else { ("", "") };
    let limit = format!("{}/s, burst {}", grouped(candidate.packets_per_second), grouped(candidate.burst));
    let (sources, packets) = (grouped(candidate.sources_touched), grouped(candidate.packets_rejected));
    writeln!(
        out,
        "  {style}{limit:<24}{sources:>11} {:>7.3} % {packets:>17} {:>7.3} %{mark}{RESET}",
        candidate.sources_percent, candidate.packets_percent
    )
}
