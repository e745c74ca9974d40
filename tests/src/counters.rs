//! What xdpgate counted, as `xdpgate stats --json` says it.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::daemon::Daemon;

/// Packets of one interface, by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Counted at entry.
    pub seen: u64,
    /// By reason.
    pub passed: BTreeMap<String, u64>,
    /// By reason.
    pub dropped: BTreeMap<String, u64>,
}

impl Counters {
    /// Reads those of one interface through the command line.
    ///
    /// # Errors
    ///
    /// When the daemon does not answer or does not guard the interface.
    pub fn read(daemon: &Daemon, interface: &str) -> Result<Self> {
        let stats: Stats = serde_json::from_value(daemon.json(&["stats", "--once"])?)?;
        let of_interface = stats.interfaces.into_iter().find(|candidate| candidate.name == interface);
        let row = of_interface.with_context(|| format!("the daemon has no counters of {interface}"))?;
        Ok(Self { seen: row.seen.packets, passed: packets(row.passed), dropped: packets(row.dropped) })
    }

    /// What was counted since `earlier`, without reasons that no packet had.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            seen: self.seen.saturating_sub(earlier.seen),
            passed: difference(&self.passed, &earlier.passed),
            dropped: difference(&self.dropped, &earlier.dropped),
        }
    }

    /// The sum over all reasons.
    #[must_use]
    pub fn decided(&self) -> u64 {
        self.passed.values().chain(self.dropped.values()).sum()
    }
}

#[derive(Deserialize)]
struct Stats {
    interfaces: Vec<Interface>,
}

#[derive(Deserialize)]
struct Interface {
    name: String,
    seen: Count,
    passed: BTreeMap<String, Count>,
    dropped: BTreeMap<String, Count>,
}

#[derive(Deserialize)]
struct Count {
    packets: u64,
}

fn packets(counts: BTreeMap<String, Count>) -> BTreeMap<String, u64> {
    counts.into_iter().map(|(reason, count)| (reason, count.packets)).collect()
}

fn difference(now: &BTreeMap<String, u64>, earlier: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let since = |(reason, count): (&String, &u64)| {
        (reason.clone(), count.saturating_sub(earlier.get(reason).copied().unwrap_or(0)))
    };
    now.iter().map(since).filter(|(_, count)| *count > 0).collect()
}
