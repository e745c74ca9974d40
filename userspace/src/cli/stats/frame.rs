use std::collections::BTreeMap;
use std::io::{self, Write};

use xdpgate_ebpf::reason::Reason;

use super::limits;
use crate::api::types::{Count, InterfaceStats, Stats};
use crate::cli::numbers::{bytes, counted, grouped, short, time};
use crate::cli::style::{BAD, BOLD, DIM, GOOD, RESET, WARN};

/// Writes the counters, with rates where there is an earlier reading. At most 80 columns.
pub(super) fn frame(out: &mut dyn Write, now: &Stats, before: Option<&Stats>) -> io::Result<()> {
    let seconds = before.map(|before| now.time.duration_since(before.time).as_secs_f64());
    let state = if now.paused { format!("{WARN}PAUSED{RESET}") } else { format!("{GOOD}enforcing{RESET}") };
    let header =
        format!("xdpgate  {}  generation {}  {}", time(now.time), now.generation, counted(now.bans, "ban"));
    writeln!(out, "{BOLD}{header}{RESET}  {state}")?;
    for interface in &now.interfaces {
        let earlier =
            before.and_then(|before| before.interfaces.iter().find(|old| old.name == interface.name));
        self::interface(out, interface, earlier, seconds)?;
    }
    if !now.lists.is_empty() {
        heading(out, "lists", seconds)?;
    }
    for list in &now.lists {
        let earlier = before.and_then(|before| before.lists.iter().find(|old| old.name == list.name));
        let label = format!("{} ({})", list.name, list.mode);
        row(out, BAD, &label, list.dropped, earlier.map(|old| old.dropped), seconds)?;
        if list.monitored.packets > 0 {
            row(out, WARN, "  would drop", list.monitored, earlier.map(|old| old.monitored), seconds)?;
        }
    }
    limits::limits(out, now, before, seconds)?;
    let events = now.events;
    writeln!(
        out,
        "{DIM}events: {} written, {} over budget, {} lost{RESET}",
        grouped(events.written),
        grouped(events.skipped),
        grouped(events.lost)
    )
}

fn interface(
    out: &mut dyn Write,
    now: &InterfaceStats,
    before: Option<&InterfaceStats>,
    seconds: Option<f64>,
) -> io::Result<()> {
    writeln!(out)?;
    heading(out, &format!("{} ({})", now.name, now.mode.as_str()), seconds)?;
    if !now.enforcing {
        writeln!(out, "  {BAD}NOT GUARDED: the kernel does not run the program there{RESET}")?;
    }
    row(out, BOLD, "seen", now.seen, before.map(|before| before.seen), seconds)?;
    reasons(out, GOOD, "pass", &now.passed, before.map(|before| &before.passed), seconds)?;
    reasons(out, BAD, "drop", &now.dropped, before.map(|before| &before.dropped), seconds)?;
    reasons(out, WARN, "would drop", &now.monitored, before.map(|before| &before.monitored), seconds)
}

/// Those that counted anything, in the order of the decision.
fn reasons(
    out: &mut dyn Write,
    style: &str,
    action: &str,
    now: &BTreeMap<String, Count>,
    before: Option<&BTreeMap<String, Count>>,
    seconds: Option<f64>,
) -> io::Result<()> {
    for label in Reason::ALL.iter().map(|reason| reason.label()) {
        let Some(count) = now.get(label).filter(|count| count.packets > 0) else { continue };
        let earlier = before.map(|before| before.get(label).copied().unwrap_or_default());
        row(out, style, &format!("{action} {label}"), *count, earlier, seconds)?;
    }
    Ok(())
}

pub(super) fn heading(out: &mut dyn Write, title: &str, seconds: Option<f64>) -> io::Result<()> {
    let rates = if seconds.is_some() { format!(" {:>8} {:>10}", "packet/s", "bit/s") } else { String::new() };
    writeln!(out, "{BOLD}{title:<28}{:>17} {:>11}{rates}{RESET}", "packets", "bytes")
}

pub(super) fn row(
    out: &mut dyn Write,
    style: &str,
    label: &str,
    now: Count,
    before: Option<Count>,
    seconds: Option<f64>,
) -> io::Result<()> {
    let label: String = label.chars().take(26).collect();
    write!(out, "  {style}{label:<26}{RESET}{:>17} {:>11}", grouped(now.packets), bytes(now.bytes))?;
    if let Some((before, seconds)) = before.zip(seconds.filter(|seconds| *seconds > 0.0)) {
        let since = now.since(before);
        write!(
            out,
            " {:>8} {:>10}",
            short(rate(since.packets, seconds)),
            short(rate(since.bytes, seconds) * 8.0)
        )?;
    }
    writeln!(out)
}

#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn rate(count: u64, seconds: f64) -> f64 {
    count as f64 / seconds
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, ToSpan};

    use super::*;
    use crate::api::types::{EventCounts, ListStats, XdpMode};
    use crate::config::Mode;

    fn stats(packets: u64, time: Timestamp) -> Stats {
        let count = Count { packets, bytes: packets.saturating_mul(64) };
        Stats {
            time,
            paused: false,
            generation: 123_456,
            bans: 1_000_000,
            interfaces: vec![InterfaceStats {
                name: "abcdefghijklmno".parse().unwrap(),
                mode: XdpMode::Generic,
                enforcing: false,
                seen: count,
                passed: BTreeMap::from([
                    ("within-limit".to_owned(), count),
                    ("paused".to_owned(), Count::default()),
                ]),
                dropped: BTreeMap::from([("blocklisted".to_owned(), count)]),
                monitored: BTreeMap::from([("packet-limit".to_owned(), count)]),
            }],
            limits: Vec::new(),
            lists: vec![ListStats {
                name: "a-list-with-a-name-that-is-far-too-long-for-a-column".parse().unwrap(),
                mode: Mode::Monitor,
                entries: 1,
                dropped: count,
                monitored: count,
            }],
            countries: Vec::new(),
            events: EventCounts { written: u64::MAX, skipped: 0, lost: 0 },
        }
    }

    fn plain(now: &Stats, before: Option<&Stats>) -> String {
        let mut text = anstream::StripStream::new(Vec::new());
        frame(&mut text, now, before).unwrap();
        String::from_utf8(text.into_inner()).unwrap()
    }

    #[test]
    fn it_fits_80_columns_however_large_the_numbers() {
        let time = Timestamp::from_second(1_700_000_000).unwrap();
        let text = plain(&stats(999_999_999_999, time + 1.second()), Some(&stats(0, time)));
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
        }
    }

    #[test]
    fn rates_are_per_second_and_zero_rows_are_left_out() {
        let time = Timestamp::from_second(1_700_000_000).unwrap();
        let text = plain(&stats(3_000_000, time + 2.seconds()), Some(&stats(1_000_000, time)));
        assert!(text.contains("1.00M"), "{text}");
        assert!(!text.contains("paused"), "{text}");
        assert!(text.contains("would drop packet-limit"), "{text}");
        assert!(text.contains("(generic)") && text.contains("NOT GUARDED"), "{text}");
    }
}
