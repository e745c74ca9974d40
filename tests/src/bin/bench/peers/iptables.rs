//! iptables in the raw table with ipset and hashlimit: the earliest place that iptables has.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use anyhow::{Context, Result};
use xdpgate_tests::veth::Wire;

use super::{Counted, Guard};
use crate::prefixes::Prefixes4;

/// Buckets and entries of the hash of sources.
const SOURCES: &str = "262144";
const RULES: u64 = 3;

/// Rules in the namespace of its wire.
pub(crate) struct Iptables;

impl Iptables {
    pub(crate) fn set_up(wire: &Wire, prefixes: &Prefixes4) -> Result<Self> {
        wire.guarded.feed("ipset", &["restore"], &ipset_file("blocked", "hash:net", prefixes))?;
        let append = |rule: &[&str]| {
            let rule = [&["-t", "raw", "-A", "PREROUTING"], rule, &["-j", "DROP"]].concat();
            wire.guarded.run("iptables", &rule).map(drop)
        };
        append(&["-m", "set", "--match-set", "blocked", "src"])?;
        append(&[
            "-m",
            "hashlimit",
            "--hashlimit-name",
            "bench",
            "--hashlimit-mode",
            "srcip",
            "--hashlimit-above",
            "1/hour",
            "--hashlimit-burst",
            "1",
            "--hashlimit-htable-size",
            SOURCES,
            "--hashlimit-htable-max",
            SOURCES,
            "--hashlimit-htable-expire",
            "3600000",
        ])?;
        append(&[])?;
        Ok(Self)
    }
}

impl Guard for Iptables {
    fn name(&self) -> &'static str {
        "iptables, ipset, hashlimit"
    }

    fn counted(&self, wire: &Wire) -> Result<Counted> {
        let text = wire.guarded.run("iptables", &["-t", "raw", "-L", "PREROUTING", "-v", "-x", "-n"])?;
        let packets = |line: &str| line.split_whitespace().next()?.parse::<u64>().ok();
        let rules: Vec<u64> = text.lines().skip(2).filter_map(packets).collect();
        let all = (rules.len() as u64 == RULES).then(|| rules.iter().sum());
        Ok(Counted { dropped: all.with_context(|| format!("iptables printed {text:?}"))?, passed: 0 })
    }
}

/// What `ipset restore` reads.
pub(crate) fn ipset_file(set: &str, kind: &str, prefixes: &Prefixes4) -> String {
    let most = prefixes.len() + 1;
    let head = format!("create {set} {kind} family inet hashsize {most} maxelem {}\n", 2 * most);
    prefixes.iter().fold(head, |mut text, (at, length)| {
        // Writing to a String does not fail.
        let _ = writeln!(text, "add {set} {}/{length}", Ipv4Addr::from(*at));
        text
    })
}
