//! What two policies say to the same packets, whatever the rate: for everybody who shares a set of attributes at once.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use xdpgate_ebpf::reason::Reason;
use xdpgate_ebpf::verdict::{Action, ListNumber};

use super::super::probe;
use crate::api::types::{Probe, Protocol};
use crate::config::{Config, Name, PortRange, ServiceConfig, ServiceProtocol};
use crate::feeds::Address;
use crate::policy::{Image, Model, Segment};

/// Asked about where there is no service.
const WITHOUT_SERVICES: Probe = Probe::to(Protocol::Tcp, 443);

/// One policy of the two.
pub(super) struct Side {
    tables: Model,
    lists: Vec<Name>,
    /// Sets as packets meet them: of each set and family, the verdict of each probe.
    verdicts: HashMap<(u16, bool), Vec<Said>>,
}

/// A verdict, whatever the rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) reason: Reason,
    /// The bit of the list that drops it.
    list: Option<u8>,
}

/// Two policies.
pub(super) struct Judge {
    pub(super) before: Side,
    pub(super) after: Side,
    probes: [Vec<Probe>; 2],
}

impl Judge {
    /// For images that are no longer asked about addresses: their segments are not needed.
    pub(super) fn new(before: Image, after: Image, configs: [&Config; 2]) -> Self {
        let families = [false, true].map(|ipv6| probes(&configs, ipv6));
        Self { before: Side::of(before), after: Side::of(after), probes: families }
    }

    /// What was asked, and what both say to sources of these sets: before, after.
    pub(super) fn ask(
        &mut self,
        old: u16,
        new: u16,
        ipv6: bool,
    ) -> impl Iterator<Item = (Probe, Said, Said)> {
        let probes = &self.probes[usize::from(ipv6)];
        let (before, after) = (self.before.of_set(old, ipv6, probes), self.after.of_set(new, ipv6, probes));
        probes.iter().zip(before).zip(after).map(|((probe, before), after)| (*probe, *before, *after))
    }

    /// Whether some packet of sources of these sets passes before and is dropped after, and the other way round.
    pub(super) fn moves(&mut self, old: u16, new: u16, ipv6: bool) -> (bool, bool) {
        self.ask(old, new, ipv6).fold((false, false), |(dropped, passing), (_, before, after)| {
            let both = (before.passes(), after.passes());
            (dropped || both == (true, false), passing || both == (false, true))
        })
    }
}

impl Said {
    pub(super) fn passes(self) -> bool {
        self.reason.action() == Action::Pass
    }
}

impl Side {
    /// A source of set n has the address n: what is asked about a set needs no address of the policy.
    fn of(image: Image) -> Self {
        let sets = u32::try_from(image.attributes.len()).unwrap_or(0);
        let numbered = || (1..sets).filter_map(|number| Some((number, u16::try_from(number).ok()?)));
        let single4 = |(first, set)| Segment { first, last: first, set };
        let single6 = |(first, set)| Segment { first: u128::from(first), last: u128::from(first), set };
        let image = Image {
            ipv4: numbered().map(single4).collect(),
            ipv6: numbered().map(single6).collect(),
            ..image
        };
        let lists = image.lists.clone();
        Self { tables: Model::new(Arc::new(image)), lists, verdicts: HashMap::new() }
    }

    pub(super) fn list_of(&self, said: Said) -> Option<Name> {
        self.lists.get(usize::from(said.list?)).cloned()
    }

    fn of_set(&mut self, set: u16, ipv6: bool, probes: &[Probe]) -> &[Said] {
        let tables = &self.tables;
        self.verdicts.entry((set, ipv6)).or_insert_with(|| {
            let source: IpAddr = if ipv6 {
                Ipv6Addr::from_bits(set.into()).into()
            } else {
                Ipv4Addr::from_bits(set.into()).into()
            };
            probes.iter().map(|probe| unlimited(tables, source, *probe)).collect()
        })
    }
}

fn unlimited(tables: &Model, source: IpAddr, probe: Probe) -> Said {
    let verdict = probe::judge(tables, source, probe, 0);
    // The model's buckets are those of nobody: what is over a limit there says nothing.
    let is_over = matches!(
        verdict.reason,
        Reason::PacketLimit | Reason::ByteLimit | Reason::ConnectionLimit | Reason::LimiterFull
    );
    let reason = if is_over { Reason::WithinLimit } else { verdict.reason };
    Said { reason, list: verdict.list.map(ListNumber::bit) }
}

/// A packet to each port that a policy speaks of, in this family.
fn probes(configs: &[&Config; 2], ipv6: bool) -> Vec<Probe> {
    let mut all = BTreeSet::new();
    for config in configs {
        config.services.iter().for_each(|service| all.extend(of_service(service, ipv6)));
        let management = config.safety.management_ports.iter();
        all.extend(management.map(|port| Probe::to(Protocol::Tcp, *port)));
    }
    if configs.iter().all(|config| config.services.is_empty()) {
        all.insert(WITHOUT_SERVICES);
    }
    all.into_iter().collect()
}

fn of_service(service: &ServiceConfig, ipv6: bool) -> Vec<Probe> {
    let destinations = service.destinations.iter().map(|prefix| prefix.value.addr());
    let destination = destinations.clone().find(|address| address.is_ipv6() == ipv6);
    if destination.is_none() && !service.destinations.is_empty() {
        return Vec::new();
    }
    let protocols: &[Protocol] = match service.protocol {
        ServiceProtocol::Tcp => &[Protocol::Tcp],
        ServiceProtocol::Udp => &[Protocol::Udp],
        ServiceProtocol::TcpUdp => &[Protocol::Tcp, Protocol::Udp],
        ServiceProtocol::Icmp => &[Protocol::Icmp],
        ServiceProtocol::Any => &[Protocol::Other(ANY)],
    };
    let ports = service.ports.iter().map(|PortRange { first, .. }| *first);
    let ports: Vec<u16> = if service.ports.is_empty() { vec![0] } else { ports.collect() };
    let all = protocols.iter().flat_map(|protocol| ports.iter().map(|port| Probe::to(*protocol, *port)));
    all.map(|probe| Probe { destination, ..probe }).collect()
}

/// GRE: none of the protocols that a service names.
const ANY: u8 = 47;

/// The set of an address, as segments have it.
pub(super) fn set_of<A: Address>(segments: &[Segment<A>], address: A) -> u16 {
    let after = segments.partition_point(|segment| segment.first <= address);
    let candidate = after.checked_sub(1).and_then(|index| segments.get(index));
    candidate.filter(|segment| address <= segment.last).map_or(0, |segment| segment.set)
}
