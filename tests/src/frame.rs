//! Frames for the generator.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::Result;
use etherparse::PacketBuilder;

use crate::veth::{GUARDED_MAC, OUTSIDE_MAC};

const HOP_LIMIT: u8 = 60;
const SOURCE_PORT: u16 = 40_000;

/// A UDP frame to `destination`, with checksums that the generator can carry on from. Its source is replaced.
///
/// # Errors
///
/// When the payload does not fit into a packet.
pub fn udp(destination: SocketAddr, payload: &[u8]) -> Result<Vec<u8>> {
    let ethernet = PacketBuilder::ethernet2(OUTSIDE_MAC, GUARDED_MAC);
    let ip = match destination.ip() {
        IpAddr::V4(address) => ethernet.ipv4(Ipv4Addr::UNSPECIFIED.octets(), address.octets(), HOP_LIMIT),
        IpAddr::V6(address) => ethernet.ipv6(Ipv6Addr::UNSPECIFIED.octets(), address.octets(), HOP_LIMIT),
    };
    let packet = ip.udp(SOURCE_PORT, destination.port());
    let mut frame = Vec::with_capacity(packet.size(payload.len()));
    packet.write(&mut frame, payload)?;
    Ok(frame)
}
