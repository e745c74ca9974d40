//! Packets dropped in a second at one end of a veth pair, under a flood from the other.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::Result;
use ipnet::IpNet;
use xdpgate_tests::flood::Sources;

use crate::effort::Effort;
use crate::peers::{Bare, Iptables, Nftables, Ours, Receiver, Stand, XdpFilter};
use crate::prefixes::{self, Random};
use crate::rounds::{Samples, interleave};
use crate::row::{Better, Measured};
use crate::subjects::{Policy, Role, SourceLimit};

/// Prefixes on our list.
const PREFIXES: usize = 1_000_000;
/// Prefixes that nftables and ipset hold.
const PEER_PREFIXES: usize = 100_000;
/// Room in our limiter.
const SOURCES: u32 = 1 << 18;
const BANS: usize = 1_000;

const PER_SECOND: &str = "packets/s";
/// One source, which is on our list.
const HOT: &str = "hot";
/// One source, which is over its limit.
const LIMITED: &str = "limited";
/// 8,192 sources: those that xdp-filter denies, and that are on our list.
const FEW: &str = "few";
/// 131,072 sources.
const RANDOM: &str = "random";
/// The same from two CPUs.
const TWO_CPUS: &str = "two";

/// All rows on the wire.
pub(crate) fn measure(effort: &Effort) -> Result<Vec<Measured>> {
    let stands = Stands::make()?;
    stands.place(Receiver::OwnCpu)?;
    let mut rows = stands.measure(effort)?;
    stands.place(Receiver::SameCpu)?;
    if effort.asides {
        let together = stands.measure(&effort.fewer_rounds())?;
        let both = rows.into_iter().zip(together);
        let beside = both.map(|(row, other)| {
            row.with("ratio_on_one_cpu", other.ratio).with("ours_on_one_cpu", other.ours)
        });
        rows = beside.collect();
    }
    rows.push(stands.two_cpus(effort)?);
    Ok(rows)
}

/// Everybody on a wire of their own.
struct Stands {
    bare: Stand,
    ours: Stand,
    nftables: Stand,
    iptables: Stand,
    filter: Stand,
}

impl Stands {
    fn make() -> Result<Self> {
        let fewer = prefixes::random4(PEER_PREFIXES);
        let (few, random) = (scattered(3), scattered(7));
        // What xdp-filter denies is on our list too.
        let denied = addresses(&few);
        let hot = denied.iter().take(1).map(|address| IpNet::from(IpAddr::from(*address)));
        let (hot, limited) = (Sources::evenly(hot)?, Sources::evenly(["198.51.100.7/32".parse()?])?);
        let denied = denied.into_iter().map(|address| (address.to_bits(), 32));
        let policy = Policy {
            prefixes4: prefixes::random4(PREFIXES).into_iter().chain(denied).collect(),
            role: Role::List,
            bans: prefixes::addresses(BANS, 1),
            limit: SourceLimit::ONE_PACKET,
            countries: true,
            ..Policy::default()
        };

        let mut bare = Stand::make(Bare::set_up)?;
        let mut ours = Stand::make(|wire| Ours::set_up(wire, &policy, SOURCES))?;
        let mut nftables = Stand::make(|wire| Nftables::set_up(wire, &fewer))?;
        let mut iptables = Stand::make(|wire| Iptables::set_up(wire, &fewer))?;
        let mut filter = Stand::make(|wire| XdpFilter::set_up(wire, &addresses(&few)))?;
        for stand in [&mut bare, &mut ours] {
            stand.prepare(HOT, &hot, 1)?;
            stand.prepare(LIMITED, &limited, 1)?;
            stand.prepare(TWO_CPUS, &random, 2)?;
        }
        for stand in [&mut ours, &mut filter] {
            stand.prepare(FEW, &few, 1)?;
        }
        for stand in [&mut bare, &mut ours, &mut nftables, &mut iptables] {
            stand.prepare(RANDOM, &random, 1)?;
        }
        Ok(Self { bare, ours, nftables, iptables, filter })
    }

    fn place(&self, receiver: Receiver) -> Result<()> {
        [&self.bare, &self.ours, &self.nftables, &self.iptables, &self.filter]
            .into_iter()
            .try_for_each(|stand| stand.place(receiver))
    }

    /// One source, then 131,072 sources, then as many as xdp-filter holds.
    fn measure(&self, effort: &Effort) -> Result<Vec<Measured>> {
        let Self { bare, ours, nftables, iptables, filter } = self;
        let mut rows = contest(effort, HOT, &[ours, bare], &["veth-hot"])?;
        let limited = contest(&effort.fewer_rounds(), LIMITED, &[ours, bare], &["veth-hot"])?;
        rows = rows
            .into_iter()
            .zip(limited)
            .map(|(row, limited)| row.with("ratio_over_limit", limited.ratio))
            .collect();
        let names = ["veth-random", "veth-nftables", "veth-iptables"];
        rows.extend(contest(effort, RANDOM, &[ours, bare, nftables, iptables], &names)?);
        rows.extend(contest(effort, FEW, &[ours, filter], &["veth-xdp-filter"])?);
        Ok(rows)
    }

    /// Generators on two CPUs, each with a queue of its own, against a generator on one.
    fn two_cpus(&self, effort: &Effort) -> Result<Measured> {
        let contenders =
            [(&self.ours, RANDOM), (&self.ours, TWO_CPUS), (&self.bare, RANDOM), (&self.bare, TWO_CPUS)];
        let (samples, _) = floods(effort, &contenders)?;
        let [one, two, bare_one, bare_two] = [0, 1, 2, 3].map(|who| samples.of(who));
        let row = Measured::new("veth-2-cpus", two.median, PER_SECOND)
            .against("1 CPU", one.median, Better::Higher)
            .spread(two.middle, two.count)
            .with("bare_ratio", bare_two.median / bare_one.median)
            .with("bare_2_cpus", bare_two.median)
            .with("dropped_rounds", samples.dropped);
        Ok(row)
    }
}

/// We are the first; each of the others gives a row.
fn contest(
    effort: &Effort,
    flood: &'static str,
    stands: &[&Stand],
    names: &[&'static str],
) -> Result<Vec<Measured>> {
    let contenders: Vec<_> = stands.iter().map(|stand| (*stand, flood)).collect();
    let (samples, refused) = floods(effort, &contenders)?;
    let ours = samples.of(0);
    let row = |(who, name): (usize, &&'static str)| {
        let peer = samples.of(who);
        Measured::new(name, ours.median, PER_SECOND)
            .against(stands[who].name(), peer.median, Better::Higher)
            .spread(ours.middle, ours.count)
            .with("peer_spread", peer.middle.to_vec())
            .with("refused_share", refused[0])
            .with("peer_refused_share", refused[who])
            .with("dropped_rounds", samples.dropped)
    };
    Ok((1..).zip(names).map(row).collect())
}

/// Packets that each drops in a second, and the share of frames that found the ring full.
fn floods(effort: &Effort, contenders: &[(&Stand, &'static str)]) -> Result<(Samples, Vec<f64>)> {
    let mut frames = Vec::new();
    for (stand, flood) in contenders {
        frames.push(stand.frames_for(flood, effort.wire_time, effort.warm_up)?);
    }
    let mut refused = vec![0.0; contenders.len()];
    let samples = interleave(effort.wire_rounds, contenders.len(), |who, _| {
        let (stand, flood) = contenders[who];
        let flooded = stand.flood(flood, frames[who])?;
        refused[who] = flooded.refused_share();
        Ok(flooded.dropped_per_second)
    })?;
    Ok((samples, refused))
}

/// 1,024 times two to the power of `bits`.
fn scattered(bits: u32) -> Sources {
    let mut random = Random(bits.into());
    Sources::scattered(bits, move || random.next())
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
