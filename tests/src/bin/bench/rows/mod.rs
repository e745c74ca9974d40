//! What is measured, in groups that share their preparation.

mod accuracy;
mod bans;
mod compiling;
mod daemon;
mod kept;
mod latency;
mod limits;
mod load;
mod lookup;
mod memory;
mod scaling;
mod verdict;
mod veth;

use anyhow::Result;

use crate::effort::Effort;
use crate::row::Measured;

/// Rows that are measured together.
pub(crate) struct Group {
    /// The names of all of them.
    pub(crate) rows: &'static [&'static str],
    /// Measures them.
    pub(crate) measure: fn(&Effort) -> Result<Vec<Measured>>,
}

/// All groups, in the order of the table.
pub(crate) const GROUPS: &[Group] = &[
    Group { rows: &["ipv4-lookup-10k"], measure: lookup::ipv4_10k },
    Group { rows: &["ipv4-lookup-100k"], measure: lookup::ipv4_100k },
    Group { rows: &["ipv4-lookup-1m", "ipv4-lookup-1m-inside"], measure: lookup::ipv4_1m },
    Group { rows: &["ipv6-lookup-10k"], measure: lookup::ipv6_10k },
    Group { rows: &["ipv6-lookup-100k"], measure: lookup::ipv6_100k },
    Group { rows: &["ipv6-lookup-1m", "ipv6-lookup-1m-inside"], measure: lookup::ipv6_1m },
    Group { rows: &["ipv4-memory-random", "ipv6-memory-random"], measure: memory::random },
    Group { rows: &["ipv4-memory-geo", "ipv6-memory-geo"], measure: memory::geo },
    Group {
        rows: &["verdict-resident", "verdict-spoofed", "verdict-spoofed-resident", "verdict-hot"],
        measure: verdict::measure,
    },
    Group { rows: &["verdict-4-limits"], measure: limits::measure },
    Group { rows: &["2-cpus"], measure: scaling::measure },
    Group { rows: &["memory-latency"], measure: latency::measure },
    Group { rows: &["sources-kept"], measure: kept::measure },
    Group { rows: &["accuracy"], measure: accuracy::measure },
    Group {
        rows: &[
            "veth-hot",
            "veth-random",
            "veth-nftables",
            "veth-iptables",
            "veth-xdp-filter",
            "veth-2-cpus",
        ],
        measure: veth::measure,
    },
    Group { rows: &["load-1m-nftables", "load-1m-ipset"], measure: load::one_million },
    Group { rows: &["load-10m"], measure: load::many },
    Group { rows: &["ban-p99", "bans-bulk"], measure: bans::measure },
    Group { rows: &["daemon-memory", "daemon-growth"], measure: daemon::measure },
    Group { rows: &["parse-1m", "flatten-1m", "tables-1m"], measure: compiling::measure },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goals::GOALS;

    #[test]
    fn every_goal_is_measured_once_and_in_its_order() {
        let rows: Vec<_> = GROUPS.iter().flat_map(|group| group.rows).copied().collect();
        let goals: Vec<_> = GOALS.iter().map(|goal| goal.name).collect();
        let with_goals: Vec<_> = rows.iter().copied().filter(|name| goals.contains(name)).collect();
        assert_eq!(with_goals, goals);
    }
}
