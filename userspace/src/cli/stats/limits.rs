use std::cmp::Reverse;
use std::io::{self, Write};

use super::frame::{heading, row};
use crate::api::types::{LimitStats, Stats};
use crate::cli::style::{BAD, DIM, GOOD, RESET, WARN};
use crate::policy::LimitUse;

/// A policy can have thousands of limits, a screen has a few dozen lines.
const MOST: usize = 12;

/// The limits of services that counted anything, those that drop most first.
pub(super) fn limits(
    out: &mut dyn Write,
    now: &Stats,
    before: Option<&Stats>,
    seconds: Option<f64>,
) -> io::Result<()> {
    let mut busy: Vec<&LimitStats> = now.limits.iter().filter(|limit| counted(limit) > 0).collect();
    if busy.is_empty() {
        return Ok(());
    }
    busy.sort_by_key(|limit| {
        Reverse((limit.dropped.packets + limit.monitored.packets, limit.charged.packets))
    });
    heading(out, "limits", seconds)?;
    for limit in busy.iter().take(MOST) {
        let earlier = before.and_then(|before| before.limits.iter().find(|old| old.of == limit.of));
        row(out, GOOD, &label(&limit.of), limit.charged, earlier.map(|old| old.charged), seconds)?;
        if limit.dropped.packets > 0 {
            row(out, BAD, "  dropped", limit.dropped, earlier.map(|old| old.dropped), seconds)?;
        }
        if limit.monitored.packets > 0 {
            row(out, WARN, "  would drop", limit.monitored, earlier.map(|old| old.monitored), seconds)?;
        }
    }
    match busy.len().saturating_sub(MOST) {
        0 => Ok(()),
        more => writeln!(out, "  {DIM}and {more} more; all of them: xdpgate stats --once --json{RESET}"),
    }
}

const fn counted(limit: &LimitStats) -> u64 {
    limit.charged.packets + limit.dropped.packets + limit.monitored.packets
}

fn label(of: &LimitUse) -> String {
    match &of.plan {
        Some(plan) => format!("{} {plan} {}", of.service, of.limit),
        None => format!("{} {}", of.service, of.limit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::types::{Count, EventCounts};
    use crate::config::Mode;

    fn limit(name: &str, charged: u64, dropped: u64) -> LimitStats {
        let count = |packets| Count { packets, bytes: packets * 64 };
        LimitStats {
            of: LimitUse { service: "api".parse().unwrap(), plan: None, limit: name.parse().unwrap() },
            mode: Mode::Enforce,
            charged: count(charged),
            dropped: count(dropped),
            monitored: count(0),
        }
    }

    fn shown(limits: Vec<LimitStats>) -> String {
        let stats = Stats {
            time: jiff::Timestamp::UNIX_EPOCH,
            paused: false,
            generation: 1,
            bans: 0,
            interfaces: Vec::new(),
            lists: Vec::new(),
            limits,
            countries: Vec::new(),
            events: EventCounts::default(),
        };
        let mut out = Vec::new();
        super::limits(&mut out, &stats, None, None).unwrap();
        anstream::adapter::strip_str(std::str::from_utf8(&out).unwrap()).to_string()
    }

    #[test]
    fn busy_limits_are_shown_those_that_drop_most_first() {
        assert_eq!(shown(vec![limit("idle", 0, 0)]), "");
        let text = shown(vec![limit("calm", 9, 0), limit("idle", 0, 0), limit("loud", 5, 3)]);
        let words: Vec<_> =
            text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(
            words,
            ["limits packets bytes", "api loud 5 320 B", "dropped 3 192 B", "api calm 9 576 B"]
        );
        let many: Vec<_> =
            (0..20_u64).map(|number| limit(&format!("limit-{number}"), 1 + number, 0)).collect();
        let text = shown(many);
        assert!(text.contains("and 8 more"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}
