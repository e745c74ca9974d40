//! What is measured, in groups that share their preparation.

mod accuracy;
mod kept;
mod lookup;
mod memory;
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
    Group { rows: &["ipv4-lookup-1m"], measure: lookup::ipv4_1m },
    Group { rows: &["ipv6-lookup-10k"], measure: lookup::ipv6_10k },
    Group { rows: &["ipv6-lookup-100k"], measure: lookup::ipv6_100k },
    Group { rows: &["ipv6-lookup-1m"], measure: lookup::ipv6_1m },
    Group { rows: &["ipv4-memory-random", "ipv6-memory-random"], measure: memory::random },
    Group { rows: &["ipv4-memory-geo", "ipv6-memory-geo"], measure: memory::geo },
    Group {
        rows: &["verdict-resident", "verdict-spoofed", "verdict-spoofed-resident"],
        measure: verdict::many_sources,
    },
    Group { rows: &["verdict-hot"], measure: verdict::hot },
    Group { rows: &["sources-kept"], measure: kept::measure },
    Group {
        rows: &["veth-hot", "veth-random", "veth-nftables", "veth-iptables", "veth-xdp-filter", "veth-2-cpus"],
        measure: veth::measure,
    },
    Group { rows: &["accuracy"], measure: accuracy::measure },
];
