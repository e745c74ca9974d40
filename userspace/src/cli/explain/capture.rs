//! The packets of one source out of a capture, as if each of them came now.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use hyper::Method;
use jiff::Timestamp;
use serde::Serialize;
use xdpgate_ebpf::packet::{Packet, View as _, parse};

use super::print_explanation;
use crate::api::Failure;
use crate::api::types::{ExplainRequest, ExplainedPackets, Explanation, Probe, Protocol};
use crate::captures::{Capture, Record};
use crate::cli::capture_file::{self, Input, Progress};
use crate::cli::numbers::{counted, grouped};
use crate::cli::output::Stop;
use crate::cli::session::Session;
use crate::cli::style::{BAD, BOLD, DIM, GOOD, RESET, WARN};
use crate::daemon::probe_of;

/// Kinds of packets that the daemon is asked about.
const MOST_KINDS: usize = 1_000;

/// What `explain --in --json` prints.
#[derive(Debug, Serialize)]
struct Explained {
    /// `-` for standard input.
    capture: PathBuf,
    /// The packets of the source.
    packets: u64,
    /// Those of them that were too many of different kinds to be asked about.
    not_asked: u64,
    /// What would become of them, by action and reason.
    verdicts: BTreeMap<String, BTreeMap<String, u64>>,
    /// The number in the capture of the packet that is explained, from 1.
    number: u64,
    /// When it was captured.
    time: Option<Timestamp>,
    explanation: Explanation,
}

/// Packets that are alike to every rule.
struct Kind {
    probe: Probe,
    number: u64,
    time_ns: u64,
    packets: u64,
}

/// Those of one source.
#[derive(Default)]
struct Kinds {
    all: Vec<Kind>,
    places: HashMap<Probe, usize>,
    not_asked: u64,
}

pub(super) fn explain(session: &Session, address: IpAddr, path: &Path) -> Result<(), Stop> {
    let address = address.to_canonical();
    let kinds = read(&mut capture_file::open(path)?, address);
    if kinds.all.is_empty() {
        let name = capture_file::name(path);
        return Err(Failure::not_found(format!(
            "{name}: no packet that this host received is from {address}"
        ))
        .into());
    }
    let request = ExplainRequest { probes: kinds.all.iter().map(|kind| kind.probe).collect() };
    let url = format!("/v1/explain/{address}");
    let answer: ExplainedPackets = session.send(Method::POST, &url, &request)?;
    let mut verdicts: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for (kind, verdict) in kinds.all.iter().zip(answer.verdicts) {
        *verdicts.entry(verdict.action).or_default().entry(verdict.reason).or_default() += kind.packets;
    }
    let shown = kinds.all.get(answer.explained);
    let explained = Explained {
        capture: path.to_owned(),
        packets: kinds.not_asked + kinds.all.iter().map(|kind| kind.packets).sum::<u64>(),
        not_asked: kinds.not_asked,
        verdicts,
        number: shown.map_or(0, |kind| kind.number),
        time: shown.and_then(|kind| Timestamp::from_nanosecond(kind.time_ns.into()).ok()),
        explanation: answer.explanation,
    };
    session.output.show(&explained, print)
}

fn read(capture: &mut Capture<Input>, address: IpAddr) -> Kinds {
    let mut kinds = Kinds::default();
    let mut progress = Progress::new();
    // A capture that is cut short has told what it holds.
    while let Ok(record) = capture.next_packet() {
        progress.at(record.number);
        if let Some(probe) = probe_from(&record, address) {
            kinds.add(probe, &record);
        }
    }
    kinds
}

/// What the packet is to the rules, if this host received it from there.
fn probe_from(record: &Record<'_>, address: IpAddr) -> Option<Probe> {
    let frame = record.frame();
    if record.outgoing || frame.is_outgoing() {
        return None;
    }
    let mut packet = Packet::unread(frame.len());
    parse(&frame, &mut packet).ok()?;
    if frame.is_cut() {
        return None;
    }
    let (source, probe) = probe_of(&packet).filter(|(source, _)| *source == address)?;
    // Only neighbour discovery is told by its hop limit.
    let hop_limit = probe.hop_limit.filter(|_| source.is_ipv6() && probe.protocol == Protocol::Icmp);
    Some(Probe { hop_limit, ..probe })
}

impl Kinds {
    fn add(&mut self, probe: Probe, record: &Record<'_>) {
        if let Some(kind) = self.places.get(&probe).and_then(|place| self.all.get_mut(*place)) {
            kind.packets += 1;
        } else if self.all.len() < MOST_KINDS {
            self.places.insert(probe, self.all.len());
            let Record { number, time_ns, .. } = *record;
            self.all.push(Kind { probe, number, time_ns, packets: 1 });
        } else {
            self.not_asked += 1;
        }
    }
}

fn print(out: &mut dyn Write, explained: &Explained) -> io::Result<()> {
    let name = capture_file::name(&explained.capture);
    let from = explained.explanation.address;
    let packets = counted(explained.packets, "packet");
    writeln!(out, "{BOLD}{name}{RESET}: {packets} from {from}; if each of them came now:")?;
    for (action, reasons) in &explained.verdicts {
        let style = if action == "pass" { GOOD } else { BAD };
        for (reason, packets) in reasons {
            writeln!(out, "  {style}{action}{RESET} {reason:<18} {}", grouped(*packets))?;
        }
    }
    if explained.not_asked > 0 {
        let left = grouped(explained.not_asked);
        writeln!(out, "  {WARN}not asked about, of too many different kinds: {left}{RESET}")?;
    }
    let time = explained.time.map(|time| format!(", captured {time}")).unwrap_or_default();
    writeln!(out, "{DIM}packet {} of the capture{time}:{RESET}", explained.number)?;
    print_explanation(out, &explained.explanation)
}
