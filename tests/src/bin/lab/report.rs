//! What the lab says, as lines with a tone: the terminal and the picture show the same.

use std::time::Duration;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, ContentArrangement, Table};

use crate::cast::{BLOCKLISTED, CLIENT, Cast, LOUD, LOUDNESS};
use crate::outcome::{Outcome, Progress};

/// How a line is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Title,
    Pass,
    Drop,
    Good,
    Bad,
}

/// One line.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) tone: Tone,
    pub(crate) text: String,
}

/// Who sends what, and what the policy gives it.
pub(crate) fn introduction(cast: &Cast) -> Vec<Line> {
    let country = cast.denied.code;
    let rate = grouped(u64::from(cast.loud_rate()));
    let rows = [
        (
            "client",
            format!("{} and {}", CLIENT.ipv4, CLIENT.ipv6),
            "fetches pages over HTTP: passes".to_owned(),
        ),
        (
            "loud",
            format!("{} and {}", LOUD.ipv4, LOUD.ipv6),
            format!("{rate}/s each, {LOUDNESS} × its limit: limited"),
        ),
        (
            "blocklisted",
            format!("{} and {}", BLOCKLISTED.ipv4, BLOCKLISTED.ipv6),
            "on a list: nothing passes".to_owned(),
        ),
        ("denied", format!("two hosts in {country}"), "country denied: no connection".to_owned()),
        (
            "flood IPv4",
            format!("{country}, blocklisted, 1.6 % anywhere"),
            "UDP, spoofed: drops but for strangers".to_owned(),
        ),
        (
            "flood IPv6",
            format!("{country}, blocklisted, 4 × /64, anywhere"),
            "UDP, spoofed: each /64 is one source".to_owned(),
        ),
    ];
    let mut table = plain_table(&["who", "from", "what, and what the policy gives it"]);
    table.add_rows(rows.map(|(who, from, what)| [who.to_owned(), from, what]));
    titled("xdpgate lab: real clients and a spoofed flood, in network namespaces of their own", &table)
}

/// The table of one moment.
pub(crate) fn table(progress: &Progress) -> Vec<Line> {
    let counters = &progress.balance.counters;
    let before = &progress.step.1.counters;
    let time = progress.elapsed.saturating_sub(progress.step.0);
    let mut table = plain_table(&["", "reason", "packets", "share", "per second"]);
    for column in 2..5 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let rows = [("pass", &counters.passed, &before.passed), ("drop", &counters.dropped, &before.dropped)];
    for (action, now, then) in rows {
        for (reason, packets) in now {
            let step = packets.saturating_sub(then.get(reason).copied().unwrap_or(0));
            table.add_row([
                action.to_owned(),
                reason.clone(),
                grouped(*packets),
                format!("{:.2} %", percent(*packets, counters.seen)),
                grouped(per_second(step, time)),
            ]);
        }
    }
    let mut lines = titled(&headline(progress), &table);
    lines.push(plain(format!(
        "HTTP client: {} pages fetched, {} failed",
        grouped(progress.requests),
        progress.failed
    )));
    lines
}

/// The table and the verdict.
pub(crate) fn end(outcome: &Outcome) -> Vec<Line> {
    let mut lines = table(&outcome.end);
    lines.push(plain(String::new()));
    for check in &outcome.checks {
        let (tone, mark) = if check.holds { (Tone::Good, "✓") } else { (Tone::Bad, "✗") };
        lines.push(Line { tone, text: format!("{mark} {}: {}", check.sentence, check.detail) });
    }
    lines
}

/// A number with its digits in groups of three.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn headline(progress: &Progress) -> String {
    let balance = &progress.balance;
    format!(
        "{:.1} s   sent {}   lost on the wire {}   seen {}   {}/s",
        progress.elapsed.as_secs_f64(),
        grouped(balance.sent),
        grouped(balance.lost),
        grouped(balance.counters.seen),
        grouped(per_second(balance.counters.seen, progress.elapsed)),
    )
}

fn plain_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header);
    table
}

fn titled(title: &str, table: &Table) -> Vec<Line> {
    let title = Line { tone: Tone::Title, text: title.to_owned() };
    let lines = table.lines().map(|text| {
        let first = text.split(['│', '┆']).nth(1).map(str::trim);
        let tone = match first {
            Some("pass") => Tone::Pass,
            Some("drop") => Tone::Drop,
            _ => Tone::Plain,
        };
        Line { tone, text }
    });
    std::iter::once(title).chain(lines).collect()
}

const fn plain(text: String) -> Line {
    Line { tone: Tone::Plain, text }
}

fn per_second(packets: u64, time: Duration) -> u64 {
    let micros = time.as_micros().max(1);
    u64::try_from(u128::from(packets) * 1_000_000 / micros).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn rates() {
        assert_eq!(per_second(500, Duration::from_millis(500)), 1000);
        assert!((percent(1, 8) - 12.5).abs() < 1e-9);
        assert!(percent(0, 0).abs() < 1e-9);
    }
}
