//! Which of those who were seen would meet another verdict.

use std::net::IpAddr;

use ipnet::IpNet;

use super::judge::{Judge, set_of};
use super::seen::Seen;
use crate::api::Prefix;
use crate::api::types::{Probe, Protocol, SourceChange, SourceChanges};
use crate::feeds::{Address, Range};
use crate::kernel::Kernel;
use crate::policy::Segment;

/// The most sources that an answer names.
const MOST_NAMED: usize = 10_000;
/// Addresses of one prefix that are looked at, where the policies tell them apart.
const PARTS: usize = 8;

/// Both policies' segments of one family, and the ranges in which they differ.
pub(super) struct Family<'a, A> {
    pub(super) before: &'a [Segment<A>],
    pub(super) after: &'a [Segment<A>],
    pub(super) differing: Vec<Range<A>>,
}

/// Asks about everybody who was seen.
pub(super) fn judge(
    kernel: &Kernel,
    seen: &Seen,
    judge: &mut Judge,
    ipv4: &Family<'_, u32>,
    ipv6: &Family<'_, u128>,
) -> SourceChanges {
    let mut changes = SourceChanges {
        seen: seen.sources.len() as u64,
        in_limiter: seen.in_limiter,
        in_events: seen.in_events,
        ..SourceChanges::default()
    };
    let mut dropped: Vec<(u64, SourceChange)> = Vec::new();
    for (source, last) in &seen.sources {
        let found = match source {
            IpNet::V4(net) => {
                let range = Range { first: net.network().to_bits(), last: net.broadcast().to_bits() };
                ipv4.look(range, judge)
            }
            IpNet::V6(net) => {
                let range = Range { first: net.network().to_bits(), last: net.broadcast().to_bits() };
                ipv6.look(range, judge)
            }
        };
        changes.newly_passing += u64::from(found.passing);
        let Some((part, sets)) = found.dropped.filter(|(address, _)| !kernel.is_banned(*address)) else {
            continue;
        };
        changes.newly_dropped += 1;
        let change = change(*source, part, sets, judge);
        *changes.reasons.entry(change.then.clone()).or_default() += 1;
        dropped.push((*last, change));
    }
    dropped.sort_unstable_by(|one, other| (other.0, one.1.source).cmp(&(one.0, other.1.source)));
    changes.dropped = dropped.into_iter().take(MOST_NAMED).map(|(_, change)| change).collect();
    changes
}

/// What was found of one source.
#[derive(Default)]
pub(super) struct Found {
    /// An address that would be newly dropped, and its sets.
    pub(super) dropped: Option<(IpAddr, (u16, u16))>,
    passing: bool,
}

impl<A: Address> Family<'_, A> {
    /// Looks at the first address of a source, and at the first of each range in it in which the policies differ.
    pub(super) fn look(&self, source: Range<A>, judge: &mut Judge) -> Found {
        let after = self.differing.partition_point(|range| range.last < source.first);
        let differing = self.differing.get(after..).unwrap_or_default().iter();
        let parts = differing.take_while(|range| range.first <= source.last).take(PARTS);
        let addresses = std::iter::once(source.first).chain(parts.map(|range| range.first.max(source.first)));
        let mut found = Found::default();
        for address in addresses {
            let sets = (set_of(self.before, address), set_of(self.after, address));
            let (dropped, passing) = judge.moves(sets.0, sets.1, A::WIDTH > 32);
            found.passing |= passing;
            if dropped {
                found.dropped = found.dropped.or(Some((address.to_ip(), sets)));
            }
        }
        found
    }
}

fn change(source: IpNet, address: IpAddr, (old, new): (u16, u16), judge: &mut Judge) -> SourceChange {
    let asked: Vec<_> = judge
        .ask(old, new, source.addr().is_ipv6())
        .filter(|(_, before, after)| before.passes() && !after.passes())
        .collect();
    let (now, then, list) =
        asked.first().map_or((String::new(), String::new(), None), |(_, before, after)| {
            (before.reason.label().to_owned(), after.reason.label().to_owned(), judge.after.list_of(*after))
        });
    SourceChange {
        source: Prefix::from(source),
        part: (address != source.network()).then_some(address),
        packets: asked.iter().map(|(probe, ..)| packet(*probe)).collect(),
        now,
        then,
        list,
    }
}

fn packet(probe: Probe) -> String {
    let to = probe.destination.map(|to| format!(" to {to}")).unwrap_or_default();
    match probe.protocol {
        Protocol::Tcp | Protocol::Udp => format!("{}/{}{to}", probe.protocol, probe.port),
        Protocol::Icmp | Protocol::Other(_) => format!("{}{to}", probe.protocol),
    }
}
