//! What the timeline shows: what passed, then each reason for which packets were dropped.

use xdpgate_ebpf::reason::Reason;
use xdpgate_ebpf::verdict::Action;

use crate::replay::timeline::{Bin, Timeline};
use crate::thousands::grouped;

/// What passes.
const PASSED: &str = "#8fd19e";
/// What is dropped, from the first reason on. Distinct also for those who see red and green alike.
const DROPPED: [&str; 8] =
    ["#cf222e", "#8250df", "#0969da", "#bf3989", "#57606a", "#bc4c00", "#1b7c83", "#4d2d00"];

/// One part of the stack, or the line over it.
pub(super) struct Series {
    pub(super) label: String,
    pub(super) colour: &'static str,
    /// The begin and the end of each bin, in seconds.
    pub(super) edges: Vec<(f64, f64)>,
    /// Packets each second at the lower edge, and at the upper one.
    pub(super) lower: Vec<f64>,
    pub(super) upper: Vec<f64>,
    pub(super) is_line: bool,
}

/// From the bottom of the stack to its top; last what would have been dropped.
pub(super) fn series(timeline: &Timeline, elapsed_ns: u64) -> Vec<Series> {
    let edges = edges(timeline, elapsed_ns);
    let mut base = vec![0.0; edges.len()];
    let mut shown = Vec::new();
    let mut stack = |label: String, colour, packets: &dyn Fn(&Bin) -> u64| {
        let upper: Vec<f64> =
            rates(timeline, &edges, packets).zip(&base).map(|(rate, low)| rate + low).collect();
        let lower = std::mem::replace(&mut base, upper.clone());
        shown.push(Series { label, colour, edges: edges.clone(), lower, upper, is_line: false });
    };
    let passed = |bin: &Bin| sum(bin, |reason| reason.action() == Action::Pass);
    stack(label("passed", total(timeline, passed)), PASSED, &passed);
    let drops = Reason::ALL.iter().filter(|reason| reason.action() == Action::Drop);
    let drops = drops.filter(|reason| total(timeline, |bin| sum(bin, |other| other == **reason)) > 0);
    for (reason, colour) in drops.zip(DROPPED.iter().cycle()) {
        let dropped = |bin: &Bin| sum(bin, |other| other == *reason);
        stack(label(&format!("dropped: {}", reason.label()), total(timeline, dropped)), colour, &dropped);
    }
    let would_drop = |bin: &Bin| bin.would_drop;
    let packets = total(timeline, would_drop);
    if packets > 0 {
        let upper: Vec<f64> = rates(timeline, &edges, &would_drop).collect();
        let label = label("passed, but a rule in monitor mode would drop it", packets);
        shown.push(Series { label, colour: "", lower: Vec::new(), upper, edges, is_line: true });
    }
    shown
}

fn label(what: &str, packets: u64) -> String {
    format!("{what}, {} packets", grouped(packets))
}

fn total(timeline: &Timeline, packets: impl Fn(&Bin) -> u64) -> u64 {
    timeline.bins().iter().map(packets).sum()
}

fn sum(bin: &Bin, wanted: impl Fn(Reason) -> bool) -> u64 {
    let reasons = Reason::ALL.iter().zip(bin.decided).filter(|(reason, _)| wanted(**reason));
    reasons.map(|(_, packets)| packets).sum()
}

/// The last bin ends with the capture.
fn edges(timeline: &Timeline, elapsed_ns: u64) -> Vec<(f64, f64)> {
    let width = timeline.width_ns();
    // Not shorter than a quarter, so that a packet just behind an edge makes no peak.
    let end = |start: u64| (start + width).min(elapsed_ns.max(start + width / 4));
    let starts = (0..).map(|index: u64| index * width).take(timeline.bins().len());
    starts.map(|start| (seconds(start), seconds(end(start)))).collect()
}

fn rates(
    timeline: &Timeline,
    edges: &[(f64, f64)],
    packets: impl Fn(&Bin) -> u64,
) -> impl Iterator<Item = f64> {
    timeline.bins().iter().zip(edges).map(move |(bin, (from, to))| float(packets(bin)) / (to - from))
}

fn seconds(ns: u64) -> f64 {
    float(ns) / 1e9
}

#[expect(clippy::cast_precision_loss, reason = "pixels")]
fn float(number: u64) -> f64 {
    number as f64
}
