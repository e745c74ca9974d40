//! Which service has a port at a destination.

use std::cmp::Reverse;

use xdpgate_ebpf::abi::{DESTINATION_CLASSES, PORT_CLASSES};

use super::destinations::Covering;
use super::ports::ServiceBits;
use crate::config::{ServiceConfig, ServiceProtocol};

/// The number of the service, which is one more than its position, for every class of destinations and of ports.
pub(super) fn compile(
    services: &[ServiceConfig],
    destinations: &[Covering],
    ports: &[ServiceBits],
) -> Box<[u8]> {
    let mut table = vec![0; (DESTINATION_CLASSES * PORT_CLASSES) as usize].into_boxed_slice();
    for (row, covering) in table.chunks_mut(PORT_CLASSES as usize).zip(destinations) {
        for (place, bits) in row.iter_mut().zip(ports) {
            let claims = services.iter().enumerate().filter(|(position, _)| bits >> position & 1 != 0);
            let claims = claims.filter_map(|(position, service)| {
                let length = match covering.get(&position) {
                    Some(length) => Some(*length),
                    None if service.destinations.is_empty() => None,
                    None => return None,
                };
                Some((length, service.protocol != ServiceProtocol::Any, Reverse(position)))
            });
            // The longest prefix first, then whoever names the protocol.
            let number = claims.max().and_then(|(_, _, Reverse(position))| u8::try_from(position + 1).ok());
            *place = number.unwrap_or(0);
        }
    }
    table
}
