//! Plans as a layer of the prefix tables. Of plans that hold an address the one with the longest prefix counts.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use xdpgate_ebpf::abi::AttributeSet;

use super::error::CompileError;
use super::flatten::Layer;
use super::sources::LoadedPlan;
use crate::config::Name;
use crate::feeds::{Address, Range};

/// The sources of all plans: disjoint ranges in order, each with the number of its plan.
#[derive(Debug)]
pub(super) struct Plans {
    ipv4: Vec<(Range<u32>, u8)>,
    ipv6: Vec<(Range<u128>, u8)>,
}

impl Plans {
    pub(super) fn of(plans: &[LoadedPlan]) -> Result<Self, CompileError> {
        let mut claims = BTreeMap::new();
        for (number, plan) in (1_u8..).zip(plans) {
            for prefix in plan.prefixes.iter().map(IpNet::trunc) {
                let (first, _) = *claims.entry(prefix).or_insert((&plan.name, number));
                refuse_second(prefix, first, &plan.name)?;
            }
        }
        let (mut ipv4, mut ipv6) = (Nested::default(), Nested::default());
        // In this order a prefix comes after those that it is in.
        for (prefix, (_, number)) in claims {
            match prefix {
                IpNet::V4(net) => {
                    ipv4.add(
                        Range { first: net.network().to_bits(), last: net.broadcast().to_bits() },
                        number,
                    );
                }
                IpNet::V6(net) => {
                    ipv6.add(
                        Range { first: net.network().to_bits(), last: net.broadcast().to_bits() },
                        number,
                    );
                }
            }
        }
        Ok(Self { ipv4: ipv4.finish(), ipv6: ipv6.finish() })
    }

    pub(super) fn ipv4(&self) -> Layer<'_, u32> {
        layer(&self.ipv4)
    }

    pub(super) fn ipv6(&self) -> Layer<'_, u128> {
        layer(&self.ipv6)
    }

    /// What changes for one address.
    pub(super) fn change_for(&self, address: IpAddr) -> Option<AttributeSet> {
        match address {
            IpAddr::V4(ip) => find(&self.ipv4, ip.to_bits()),
            IpAddr::V6(ip) => find(&self.ipv6, ip.to_bits()),
        }
    }
}

fn refuse_second(prefix: IpNet, first: &Name, second: &Name) -> Result<(), CompileError> {
    if first == second {
        return Ok(());
    }
    Err(CompileError::PlansOverlap { prefix, first: first.clone(), second: second.clone() })
}

fn layer<A: Address>(ranges: &[(Range<A>, u8)]) -> Layer<'_, A> {
    Box::new(ranges.iter().map(|(range, plan)| (*range, set(*plan))))
}

fn find<A: Address>(ranges: &[(Range<A>, u8)], address: A) -> Option<AttributeSet> {
    let after = ranges.partition_point(|(range, _)| range.first <= address);
    let (range, plan) = ranges.get(after.checked_sub(1)?)?;
    (address <= range.last).then(|| set(*plan))
}

const fn set(plan: u8) -> AttributeSet {
    AttributeSet { plan, ..AttributeSet::EMPTY }
}

/// Nested ranges, each with its number, become disjoint ones: the innermost counts.
struct Nested<A> {
    /// Those that are open, the innermost last.
    open: Vec<(Range<A>, u8)>,
    /// The first address that is in no range of `done` yet.
    next: A,
    done: Vec<(Range<A>, u8)>,
}

impl<A: Address> Default for Nested<A> {
    fn default() -> Self {
        Self { open: Vec::new(), next: A::MIN, done: Vec::new() }
    }
}

impl<A: Address> Nested<A> {
    /// Ranges come in the order of their first addresses, an outer one before those in it.
    fn add(&mut self, range: Range<A>, number: u8) {
        while let Some((open, _)) = self.open.last().filter(|(open, _)| open.last < range.first) {
            let last = open.last;
            self.pass(last);
            self.open.pop();
        }
        if let Some(before) = range.first.predecessor().filter(|_| range.first > self.next) {
            self.pass(before);
        }
        self.next = range.first;
        self.open.push((range, number));
    }

    /// Whatever is open and innermost holds up to `last`.
    fn pass(&mut self, last: A) {
        if let Some((_, number)) = self.open.last()
            && self.next <= last
        {
            self.done.push((Range { first: self.next, last }, *number));
        }
        self.next = last.successor().unwrap_or(last);
    }

    fn finish(mut self) -> Vec<(Range<A>, u8)> {
        while let Some((open, _)) = self.open.last() {
            let last = open.last;
            self.pass(last);
            if last == A::MAX {
                break;
            }
            self.open.pop();
        }
        self.done
    }
}

#[cfg(test)]
mod tests;
