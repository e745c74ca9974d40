//! nftables at netdev ingress: an interval set, then a meter for each source. At the hook that comes first, before the
//! stack has looked at a packet; the skb is built by then.

use std::net::Ipv4Addr;

use anyhow::{Context, Result};
use serde_json::Value;
use xdpgate::feeds::{Range, merged};
use xdpgate_tests::veth::{GUARDED, Wire};

use super::{Counted, Guard};
use crate::prefixes::Prefixes4;

/// Room for sources: the meter would refuse those beyond.
const SOURCES: u32 = 1 << 18;

/// A table in the namespace of its wire.
pub(crate) struct Nftables;

impl Nftables {
    pub(crate) fn set_up(wire: &Wire, prefixes: &Prefixes4) -> Result<Self> {
        wire.guarded.feed("nft", &["-f", "-"], &ruleset(prefixes))?;
        Ok(Self)
    }
}

impl Guard for Nftables {
    fn name(&self) -> &'static str {
        "nftables"
    }

    fn counted(&self, wire: &Wire) -> Result<Counted> {
        let text = wire.guarded.run("nft", &["-j", "list", "counters", "table", "netdev", "bench"])?;
        let listed: Value = serde_json::from_str(&text)?;
        let objects = listed["nftables"].as_array().context("nft printed no list")?;
        let counters = objects.iter().filter_map(|object| object.pointer("/counter/packets"));
        Ok(Counted { dropped: counters.filter_map(Value::as_u64).sum(), passed: 0 })
    }
}

fn ruleset(prefixes: &Prefixes4) -> String {
    let elements = elements(prefixes);
    format!(
        "table netdev bench {{\n\
         counter listed {{ }}\n\
         counter limited {{ }}\n\
         counter rest {{ }}\n\
         set blocked {{ type ipv4_addr; flags interval; elements = {{ {elements} }} }}\n\
         set sources {{ type ipv4_addr; size {SOURCES}; flags dynamic; }}\n\
         chain ingress {{\n\
         type filter hook ingress device \"{GUARDED}\" priority -500; policy accept;\n\
         ip saddr @blocked counter name listed drop\n\
         update @sources {{ ip saddr limit rate over 1/hour burst 1 packets }} counter name limited drop\n\
         counter name rest drop\n\
         }}\n}}\n"
    )
}

/// Merged beforehand: nft would take long to merge them itself.
fn elements(prefixes: &Prefixes4) -> String {
    let ranges = merged(prefixes.iter().map(|(at, length)| Range::prefix(*at, *length)).collect());
    listed(ranges.into_iter().map(|Range { first, last }| {
        let [first, last] = [first, last].map(Ipv4Addr::from);
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    }))
}

/// A file for `nft -f` that makes a set of these prefixes, as they are: nft merges those that overlap.
pub(crate) fn nft_file(prefixes: &Prefixes4) -> String {
    let elements = listed(prefixes.iter().map(|(at, length)| format!("{}/{length}", Ipv4Addr::from(*at))));
    format!(
        "table netdev bench {{\n\
         set blocked {{ type ipv4_addr; flags interval; auto-merge; elements = {{ {elements} }} }}\n}}\n"
    )
}

fn listed(elements: impl Iterator<Item = String>) -> String {
    let mut text = String::new();
    for element in elements {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&element);
    }
    text
}
