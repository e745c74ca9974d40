//! What has to be reached: the one list of rows that have a goal. `docs/benchmarks/README.md` has the same table, and a
//! test compares them.

/// A row and what it has to reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Goal {
    /// The name in JSON, and what `--only` looks for.
    pub(crate) name: &'static str,
    /// What is measured.
    pub(crate) what: &'static str,
    /// Which figure the bound is for.
    pub(crate) of: Compared,
    /// On which side of the bound it has to be.
    pub(crate) rule: Rule,
    pub(crate) bound: f64,
    /// Of our own figure.
    pub(crate) unit: &'static str,
}

/// Which figure of a row has a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compared {
    /// How many times better we are than the peer.
    Ratio,
    /// Our own figure.
    Ours,
}

/// On which side of a bound a figure has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    AtLeast,
    AtMost,
}

impl Goal {
    /// Whether these figures reach it.
    pub(crate) fn is_met(&self, ours: f64, ratio: Option<f64>) -> bool {
        let figure = match self.of {
            Compared::Ours => Some(ours),
            Compared::Ratio => ratio,
        };
        figure.is_some_and(|figure| match self.rule {
            Rule::AtLeast => figure >= self.bound,
            Rule::AtMost => figure <= self.bound,
        })
    }
}

impl Rule {
    /// In JSON.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::AtLeast => "at least",
            Self::AtMost => "at most",
        }
    }
}

impl Compared {
    /// In JSON.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Ratio => "ratio",
            Self::Ours => "ours",
        }
    }
}

/// How many times better than the peer, at least. The unit is that of both figures.
const fn times(name: &'static str, what: &'static str, bound: f64, unit: &'static str) -> Goal {
    Goal { name, what, of: Compared::Ratio, rule: Rule::AtLeast, bound, unit }
}

const fn at_least(name: &'static str, what: &'static str, bound: f64, unit: &'static str) -> Goal {
    Goal { name, what, of: Compared::Ours, rule: Rule::AtLeast, bound, unit }
}

const fn at_most(name: &'static str, what: &'static str, bound: f64, unit: &'static str) -> Goal {
    Goal { name, what, of: Compared::Ours, rule: Rule::AtMost, bound, unit }
}

/// All of them, in the order of the table.
pub(crate) const GOALS: [Goal; 30] = [
    times(
        "ipv4-lookup-10k",
        "IPv4 prefix look-up against the kernel's trie, 10 thousand prefixes",
        8.0,
        "ns",
    ),
    times(
        "ipv4-lookup-100k",
        "IPv4 prefix look-up against the kernel's trie, 100 thousand prefixes",
        20.0,
        "ns",
    ),
    times("ipv4-lookup-1m", "IPv4 prefix look-up against the kernel's trie, 1 million prefixes", 20.0, "ns"),
    times(
        "ipv6-lookup-10k",
        "IPv6 prefix look-up against the kernel's trie, 10 thousand prefixes",
        4.0,
        "ns",
    ),
    times(
        "ipv6-lookup-100k",
        "IPv6 prefix look-up against the kernel's trie, 100 thousand prefixes",
        8.0,
        "ns",
    ),
    times("ipv6-lookup-1m", "IPv6 prefix look-up against the kernel's trie, 1 million prefixes", 12.0, "ns"),
    at_most("ipv4-memory-random", "bytes for each of 1 million random IPv4 prefixes", 4.0, "bytes/prefix"),
    at_most("ipv6-memory-random", "bytes for each of 1 million random IPv6 prefixes", 24.0, "bytes/prefix"),
    at_most("ipv4-memory-geo", "bytes for each IPv4 prefix of the real geo data", 4.0, "bytes/prefix"),
    at_most("ipv6-memory-geo", "bytes for each IPv6 prefix of the real geo data", 24.0, "bytes/prefix"),
    times("verdict-resident", "whole verdict, 1 million prefixes, 100 thousand active sources", 10.0, "ns"),
    times("verdict-spoofed", "whole verdict, every source new", 8.0, "ns"),
    at_most(
        "verdict-spoofed-resident",
        "our verdict with every source new against resident sources",
        2.0,
        "×",
    ),
    times("verdict-hot", "whole verdict, hot, against parsing, an array load and an LRU look-up", 1.0, "ns"),
    at_most("verdict-4-limits", "our verdict with four limits of a service against one limit", 2.0, "×"),
    times("2-cpus", "whole verdicts per second, 100 thousand sources, 2 CPUs against 1", 1.9, "packets/s"),
    at_least(
        "sources-kept",
        "sources kept limited through a flood of 10 million spoofed sources",
        100.0,
        "%",
    ),
    at_most("accuracy", "admitted beyond or below an ideal token bucket, one source on 2 CPUs", 0.1, "%"),
    times("veth-hot", "packets dropped per second on veth, hot, against bare XDP_DROP", 0.9, "packets/s"),
    times(
        "veth-random",
        "packets dropped per second on veth, 1 million prefixes and random sources, against bare XDP_DROP",
        0.8,
        "packets/s",
    ),
    times(
        "veth-nftables",
        "packets dropped per second on veth, against nftables with 100 thousand prefixes and a meter",
        8.0,
        "packets/s",
    ),
    times(
        "veth-iptables",
        "packets dropped per second on veth, against iptables with ipset and hashlimit",
        4.0,
        "packets/s",
    ),
    times("veth-xdp-filter", "packets dropped per second on veth, against xdp-filter", 1.0, "packets/s"),
    times("load-1m-nftables", "1 million IPv4 prefixes from file to enforced, against nft -f", 50.0, "s"),
    times("load-1m-ipset", "1 million IPv4 prefixes from file to enforced, against ipset restore", 18.0, "s"),
    at_most("load-10m", "10 million IPv4 prefixes from file to enforced", 3.0, "s"),
    at_most("ban-p99", "one ban through the socket to enforced, 1 million entries, p99", 200.0, "µs"),
    at_least("bans-bulk", "bans per second in one request", 1e6, "bans/s"),
    at_most("daemon-memory", "memory of the daemon with 1 million prefixes", 100.0, "MiB"),
    at_most("daemon-growth", "growth of the daemon's memory over 1,000 reloads", 1.0, "MiB"),
];

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::report::bound;

    #[test]
    fn the_page_promises_the_same() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks/README.md");
        let page = fs::read_to_string(path).unwrap();
        let row = |goal: &Goal| format!("| `{}` | {} | {} |", goal.name, goal.what, bound(goal));
        let expected: Vec<_> = GOALS.iter().map(row).collect();
        let promised = page.lines().skip_while(|line| *line != "## Figures to reach");
        let rows: Vec<_> = promised.filter(|line| line.starts_with("| `")).take(GOALS.len()).collect();
        assert_eq!(rows, expected, "docs/benchmarks/README.md: the table of goals");
    }

    #[test]
    fn a_bound_belongs_to_what_it_holds() {
        let goal = times("x", "", 8.0, "ns");
        assert!(goal.is_met(1.0, Some(8.0)) && !goal.is_met(9.0, Some(7.9)) && !goal.is_met(9.0, None));
        let goal = at_most("x", "", 4.0, "ns");
        assert!(goal.is_met(4.0, None) && !goal.is_met(4.1, Some(100.0)));
    }
}
