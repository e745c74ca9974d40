//! Which service a packet goes to.

mod known;
mod selector;

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use xdpgate_ebpf::abi::family;
use xdpgate_ebpf::packet::{Fragment, Packet, protocol};

use super::pass::{Seen, pass};
use crate::captures::Capture;
use crate::config::{PortRange, ServiceConfig, ServiceProtocol};

use self::known::name;
pub use self::selector::{Selector, SelectorError};

/// The most services that are chosen by their packets.
const MOST: usize = 10;
/// Fewer packets say nothing about a service.
const ENOUGH: u64 = 1_000;
/// Ports that Linux gives to clients, unless told otherwise, begin here (ip-sysctl).
const CLIENTS: u16 = 32_768;

/// One service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) name: String,
    pub(super) protocol: ServiceProtocol,
    pub(super) ports: Vec<PortRange>,
    pub(super) destinations: Vec<IpNet>,
    /// The policy names it already.
    pub(super) in_policy: bool,
}

/// Finds the service of a packet.
pub(super) struct Matcher {
    services: Vec<Service>,
}

impl Matcher {
    pub(super) fn new(mut services: Vec<Service>) -> Self {
        // What covers the rest is asked last.
        services.sort_by_key(|service| {
            (service.protocol == ServiceProtocol::Any, service.destinations.is_empty())
        });
        Self { services }
    }

    pub(super) fn services(&self) -> &[Service] {
        &self.services
    }

    pub(super) fn find(&self, packet: &Packet) -> Option<usize> {
        self.services.iter().position(|service| service.covers(packet))
    }
}

impl Service {
    fn covers(&self, packet: &Packet) -> bool {
        let is = |number: u8| packet.protocol == number && packet.fragment != Fragment::Later;
        let protocol = match self.protocol {
            ServiceProtocol::Tcp => is(protocol::TCP),
            ServiceProtocol::Udp => is(protocol::UDP),
            ServiceProtocol::TcpUdp => is(protocol::TCP) || is(protocol::UDP),
            ServiceProtocol::Icmp => is(protocol::ICMP) || is(protocol::ICMPV6),
            ServiceProtocol::Any => true,
        };
        let port = u16::from_be_bytes(packet.destination_port);
        let in_ports = |ports: &PortRange| (ports.first..=ports.last).contains(&port);
        protocol
            && (self.ports.is_empty() || self.ports.iter().any(in_ports))
            && (self.destinations.is_empty() || self.is_destination(packet))
    }

    fn is_destination(&self, packet: &Packet) -> bool {
        let address: IpAddr = if packet.source.family == family::IPV6 {
            Ipv6Addr::from_octets(packet.destination).into()
        } else {
            let [a, b, c, d, ..] = packet.destination;
            Ipv4Addr::new(a, b, c, d).into()
        };
        self.destinations.iter().any(|net| net.contains(&address))
    }
}

/// The services of a policy.
pub(super) fn of_policy(services: &[ServiceConfig]) -> Vec<Service> {
    let services = services.iter().map(|service| Service {
        name: service.name.to_string(),
        protocol: service.protocol,
        ports: service.ports.clone(),
        destinations: service.destinations.iter().map(|net| net.value).collect(),
        in_policy: true,
    });
    services.collect()
}

/// Those that the command line names.
pub(super) fn selected(selectors: &[Selector]) -> Vec<Service> {
    selectors.iter().map(|selector| of_port(selector.is_tcp, selector.port)).collect()
}

/// Those with the most packets: ports below those of clients, and TCP ports to which connections are opened.
pub(super) fn survey<R: Read>(capture: Capture<R>) -> Vec<Service> {
    const PORTS: usize = 1 << 16;
    // TCP, then UDP.
    let (mut packets, mut opened) = (vec![0_u64; 2 * PORTS], vec![false; PORTS]);
    pass(capture, |seen: &Seen<'_>| {
        let port = usize::from(u16::from_be_bytes(seen.packet.destination_port));
        let index = match seen.packet.protocol {
            _ if seen.packet.fragment == Fragment::Later => return,
            protocol::TCP => port,
            protocol::UDP => PORTS + port,
            _ => return,
        };
        if let Some(packets) = packets.get_mut(index) {
            *packets += 1;
        }
        if seen.opens()
            && let Some(opened) = opened.get_mut(port)
        {
            *opened = true;
        }
    });
    let ports = [true, false].into_iter().flat_map(|is_tcp| (0..=u16::MAX).map(move |port| (is_tcp, port)));
    let mut found: Vec<_> = ports.zip(packets).filter(|(_, packets)| *packets >= ENOUGH).collect();
    found.retain(|((is_tcp, port), _)| {
        *port < CLIENTS || *is_tcp && opened.get(usize::from(*port)).copied().unwrap_or_default()
    });
    found.sort_by_key(|(_, packets)| u64::MAX - packets);
    found.truncate(MOST);
    found.into_iter().map(|((is_tcp, port), _)| of_port(is_tcp, port)).collect()
}

fn of_port(is_tcp: bool, port: u16) -> Service {
    Service {
        name: name(is_tcp, port),
        protocol: if is_tcp { ServiceProtocol::Tcp } else { ServiceProtocol::Udp },
        ports: vec![PortRange { first: port, last: port }],
        destinations: Vec::new(),
        in_policy: false,
    }
}
