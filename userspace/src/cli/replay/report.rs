use std::collections::BTreeMap;
use std::io::{self, Write};

use xdpgate_ebpf::reason::Reason;

use super::Replayed;
use crate::api::types::Count;
use crate::cli::numbers::{bytes, counted, duration, grouped, short, time};
use crate::cli::style::{BAD, BOLD, DIM, GOOD, RESET, WARN};
use crate::cli::{capture_file, policy_file};
use crate::replay::{Findings, Problems, SourceFindings, Sources};

pub(super) fn print(out: &mut dyn Write, replayed: &Replayed) -> io::Result<()> {
    let findings = &replayed.findings;
    let name = capture_file::name(&replayed.capture);
    writeln!(out, "{BOLD}{name}{RESET} under {}", policy_file::name(replayed.policy.as_deref()))?;
    if let (Some(first), Some(last)) = (findings.first, findings.last) {
        let long = span(findings.seconds);
        writeln!(out, "  captured from {} to {}, {long}", time(first), time(last))?;
    }
    writeln!(
        out,
        "  {DIM}decided in {:.2} s, {} packets/s{RESET}\n",
        replayed.elapsed_seconds,
        short(replayed.packets_per_second)
    )?;
    writeln!(out, "{BOLD}{:<28}{:>17} {:>11} {:>9}{RESET}", "decision", "packets", "bytes", "share")?;
    let all = findings.seen.packets;
    row(out, BOLD, "all", findings.seen, all)?;
    reasons(out, GOOD, "pass", &findings.passed, all)?;
    reasons(out, BAD, "drop", &findings.dropped, all)?;
    reasons(out, WARN, "would drop", &findings.monitored, all)?;
    if findings.monitored.len() > 1 {
        row(out, WARN, "would drop, any rule", findings.would_drop, all)?;
    }
    lists(out, findings)?;
    sources(out, &findings.sources)?;
    problems(out, &findings.problems)
}

/// Those that counted anything, in the order of the decision, each with what it means.
fn reasons(
    out: &mut dyn Write,
    style: &str,
    action: &str,
    counts: &BTreeMap<String, Count>,
    all: u64,
) -> io::Result<()> {
    for reason in Reason::ALL {
        let Some(count) = counts.get(reason.label()) else { continue };
        row(out, style, &format!("{action} {}", reason.label()), *count, all)?;
        writeln!(out, "    {DIM}{}{RESET}", reason.help())?;
    }
    Ok(())
}

fn lists(out: &mut dyn Write, findings: &Findings) -> io::Result<()> {
    if findings.lists.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{BOLD}{:<28}{:>17} {:>11} {:>9}{RESET}", "lists", "packets", "bytes", "share")?;
    for list in &findings.lists {
        let label = format!("{} ({})", list.name, list.mode);
        row(out, BAD, &label, list.dropped, findings.seen.packets)?;
        if list.monitored.packets > 0 {
            row(out, WARN, "  would drop", list.monitored, findings.seen.packets)?;
        }
    }
    Ok(())
}

fn sources(out: &mut dyn Write, sources: &Sources) -> io::Result<()> {
    if sources.top.is_empty() {
        return Ok(());
    }
    let shown = counted(sources.top.len() as u64, "source");
    let of = format!("{}{}", if sources.exact { "" } else { "more than " }, grouped(sources.counted));
    writeln!(
        out,
        "\n{BOLD}{:<41}{:>13} {:>10} {:>13}{RESET}",
        format!("top {shown} of {of}"),
        "packets",
        "bytes",
        "dropped"
    )?;
    for source in &sources.top {
        self::source(out, source)?;
    }
    if !sources.exact {
        let room = grouped(sources.room);
        writeln!(out, "  {DIM}{room} sources are told apart; of each at least so much was seen{RESET}")?;
    }
    Ok(())
}

fn source(out: &mut dyn Write, source: &SourceFindings) -> io::Result<()> {
    let style = if source.dropped > 0 { BAD } else { GOOD };
    let (packets, dropped) = (grouped(source.packets), grouped(source.dropped));
    let name = source.source.to_string();
    writeln!(out, "  {style}{name:<39}{RESET}{packets:>13} {:>10} {dropped:>13}", bytes(source.bytes))?;
    let mut notes: Vec<_> =
        source.reasons.iter().map(|(label, packets)| format!("{label} {}", grouped(*packets))).collect();
    if source.would_drop > 0 {
        notes.push(format!("would drop {}", grouped(source.would_drop)));
    }
    if source.more > 0 {
        notes.push(format!("up to {} more packets", grouped(source.more)));
    }
    if notes.is_empty() { Ok(()) } else { writeln!(out, "    {DIM}{}{RESET}", notes.join(", ")) }
}

fn problems(out: &mut dyn Write, problems: &Problems) -> io::Result<()> {
    let Problems { end: _, outgoing, cut, other_links, backwards, merged } = problems;
    let mut lines = Vec::new();
    if *outgoing > 0 {
        lines.push((*outgoing, "that the host sent were left out; xdpgate never sees those".to_owned()));
    }
    if *cut > 0 {
        let why =
            "were left out: the capture cut off their headers; capture with a larger snaplen (tcpdump -s 0)";
        lines.push((*cut, why.to_owned()));
    }
    for (link, packets) in other_links {
        lines.push((*packets, format!("were left out: their link is {link}")));
    }
    if *backwards > 0 {
        lines
            .push((*backwards, "are older than one before them; decided at the time of that one".to_owned()));
    }
    if *merged > 0 {
        let why = "are longer than any frame: the capturing host merged several (GRO); xdpgate sees them one by one, so \
                   limits reject more than shown here";
        lines.push((*merged, why.to_owned()));
    }
    if !lines.is_empty() {
        writeln!(out)?;
    }
    let mut lines = lines.into_iter();
    lines.try_for_each(|(packets, what)| writeln!(out, "{WARN}{} {what}{RESET}", counted(packets, "packet")))
}

#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn row(out: &mut dyn Write, style: &str, label: &str, count: Count, all: u64) -> io::Result<()> {
    let label: String = label.chars().take(26).collect();
    let share = if all == 0 { 0.0 } else { count.packets as f64 * 100.0 / all as f64 };
    let (packets, bytes) = (grouped(count.packets), bytes(count.bytes));
    writeln!(out, "  {style}{label:<26}{RESET}{packets:>17} {bytes:>11} {share:>7.2} %")
}

/// Short captures are told to the millisecond.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a time of a capture, in seconds"
)]
fn span(seconds: f64) -> String {
    if seconds < 60.0 { format!("{seconds:.3} s") } else { duration(seconds as u64) }
}
