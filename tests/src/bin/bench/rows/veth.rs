//! Packets dropped in a second at one end of a veth pair, under a flood from the other.

use std::net::Ipv4Addr;

use anyhow::{Context, Result};
use xdpgate_tests::flood::Sources;

use crate::effort::Effort;
use crate::peers::{Bare, Flooded, Iptables, Nftables, Ours, Receiver, Stand, XdpFilter};
use crate::prefixes::{self, Random};
use crate::row::{Better, Measured};
use crate::rounds::{Samples, interleave};
use crate::subjects::{Policy, Role, SourceLimit};

/// Prefixes on our list.
const PREFIXES: usize = 1_000_000;
/// Prefixes that nftables and ipset hold.
const PEER_PREFIXES: usize = 100_000;
/// Room in our limiter.
const SOURCES: u32 = 1 << 18;
const BANS: u32 = 1_000;

/// One source.
const HOT: &str = "hot";
/// 8,192 sources: as many as xdp-filter holds.
const FEW: &str = "few";
/// 131,072 sources.
const RANDOM: &str = "random";
/// The same from two CPUs.
const TWO_CPUS: &str = "two";

/// All rows on the wire.
pub(crate) fn measure(effort: &Effort) -> Result<Vec<Measured>> {
    let prefixes = prefixes::random4(PREFIXES);
    let fewer = prefixes::random4(PEER_PREFIXES);
    let sources = |bits: u32| {
        let mut random = Random(bits.into());
        Sources::scattered(bits, move || random.next())
    };
    let (few, random) = (sources(3), sources(7));
    let policy = Policy {
        prefixes4: prefixes,
        role: Role::List,
        bans: prefixes::addresses(BANS, 1),
        limit: SourceLimit::ONE_PACKET,
        countries: true,
        ..Policy::default()
    };
    let all_few = addresses(&few);

    let mut bare = Stand::make(Bare::set_up)?;
    let mut ours = Stand::make(|wire| Ours::set_up(wire, &policy, SOURCES))?;
    let mut nftables = Stand::make(|wire| Nftables::set_up(wire, &fewer))?;
    let mut iptables = Stand::make(|wire| Iptables::set_up(wire, &fewer))?;
    let mut filter = Stand::make(|wire| XdpFilter::set_up(wire, &all_few))?;

    let hot = Sources::evenly(["198.51.100.7/32".parse()?])?;
    for stand in [&mut bare, &mut ours] {
        stand.prepare(HOT, &hot, 1)?;
    }
    for stand in [&mut ours, &mut filter] {
        stand.prepare(FEW, &few, 1)?;
    }
    for stand in [&mut bare, &mut ours, &mut nftables, &mut iptables] {
        stand.prepare(RANDOM, &random, 1)?;
    }
    for stand in [&mut bare, &mut ours] {
        stand.prepare(TWO_CPUS, &random, 2)?;
    }
    for receiver in [Receiver::SameCpu, Receiver::OwnCpu] {
        for stand in [&bare, &ours, &nftables, &iptables, &filter] {
            stand.place(receiver)?;
        }
        for (flood, stands) in [(HOT, vec![&bare, &ours]), (FEW, vec![&ours, &filter]), (RANDOM, vec![&bare, &ours, &nftables, &iptables]), (TWO_CPUS, vec![&bare, &ours])] {
            for stand in stands { for n in [3_000_000] { eprintln!("{receiver:?} {flood} {} {:?}", stand.name(), stand.flood(flood, n)?); } }
        }
    }
    let _ = effort;
    Ok(vec![])
}

/// Every source of the patterns.
fn addresses(sources: &Sources) -> Vec<Ipv4Addr> {
    let each = |(fixed, mask): (u32, u32)| {
        // All subsets of the mask's bits.
        let mut subset = Some(mask);
        std::iter::from_fn(move || {
            let now = subset?;
            subset = now.checked_sub(1).map(|next| next & mask);
            Some(Ipv4Addr::from(fixed | now))
        })
    };
    sources.ipv4_patterns().into_iter().flat_map(each).collect()
}
