//! nftables at netdev ingress: an interval set, then a meter for each source. At the hook that comes first, before the
//! stack has looked at a packet; the skb is built by then.

use std::fmt::Write as _;
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

/// Merged beforehand: nft would take minutes to merge them itself.
pub(super) fn elements(prefixes: &Prefixes4) -> String {
    let ranges = merged(prefixes.iter().map(|(at, length)| Range::prefix(*at, *length)).collect());
    ranges.iter().fold(String::new(), |mut text, range| {
        let [first, last] = [range.first, range.last].map(Ipv4Addr::from);
        let comma = if text.is_empty() { "" } else { ", " };
        // Writing to a String does not fail.
        let _ = match first == last {
            true => write!(text, "{comma}{first}"),
            false => write!(text, "{comma}{first}-{last}"),
        };
        text
    })
}
