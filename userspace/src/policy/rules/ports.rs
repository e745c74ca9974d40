//! From ports to what services they are of.

use std::collections::HashMap;

use xdpgate_ebpf::abi::{PORT_CLASSES, port_place};
use xdpgate_ebpf::packet::protocol;

use crate::config::{PortRange, ServiceConfig, ServiceProtocol};
use crate::policy::error::CompileError;

/// Services by position, a bit each.
pub(super) type ServiceBits = u128;

/// The classes of all places, and the services of each class.
#[derive(Debug)]
pub(super) struct Ports {
    pub(super) places: Box<[u8]>,
    pub(super) classes: Vec<ServiceBits>,
}

pub(super) fn compile(services: &[ServiceConfig]) -> Result<Ports, CompileError> {
    let mut bits: Vec<ServiceBits> = vec![0; port_place::PLACES as usize];
    for (position, service) in services.iter().enumerate() {
        for (first, last) in places(service) {
            for place in bits.get_mut(first as usize..=last as usize).unwrap_or_default() {
                *place |= 1 << position;
            }
        }
    }
    let mut numbers = HashMap::from([(0, 0)]);
    let mut classes = vec![0];
    let mut places = vec![0; bits.len()].into_boxed_slice();
    for (place, bits) in places.iter_mut().zip(bits) {
        *place = match numbers.get(&bits) {
            Some(class) => *class,
            None => {
                let most = PORT_CLASSES as usize;
                let class =
                    u8::try_from(classes.len()).map_err(|_| CompileError::TooManyPortUses { most })?;
                classes.push(bits);
                numbers.insert(bits, class);
                class
            }
        };
    }
    Ok(Ports { places, classes })
}

/// The places of a service, as first and last.
fn places(service: &ServiceConfig) -> Vec<(u32, u32)> {
    let of_ports = |start: u32| {
        let place = move |range: &PortRange| (start + u32::from(range.first), start + u32::from(range.last));
        service.ports.iter().map(place)
    };
    let of_protocol = |number: u8| {
        let place = port_place::PROTOCOLS + u32::from(number);
        (place, place)
    };
    match service.protocol {
        ServiceProtocol::Tcp => of_ports(port_place::TCP).collect(),
        ServiceProtocol::Udp => of_ports(port_place::UDP).collect(),
        ServiceProtocol::TcpUdp => of_ports(port_place::TCP).chain(of_ports(port_place::UDP)).collect(),
        ServiceProtocol::Icmp => vec![of_protocol(protocol::ICMP), of_protocol(protocol::ICMPV6)],
        ServiceProtocol::Any => vec![(0, port_place::PLACES - 1)],
    }
}
