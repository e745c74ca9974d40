//! The frames that programs are asked about.

use std::net::{IpAddr, SocketAddr};

use anyhow::Result;
use xdpgate_tests::frame;
use xdpgate_tests::veth::{GUARDED_IPV4, GUARDED_IPV6};

/// Where the source of an IPv4 frame begins.
pub(crate) const SOURCE_AT: usize = 26;
/// No service of any policy.
const PORT: u16 = 5_000;
/// QUIC.
const SERVICE: u16 = 443;
/// With the headers of IPv4 and UDP it makes the shortest frame of an Ethernet, without its checksum.
const PAYLOAD: [u8; 18] = [0; 18];

/// Whose frame it is where no plan says otherwise: an address of TEST-NET-2.
const SOURCE: [u8; 4] = [198, 51, 100, 7];

/// A UDP datagram in 60 bytes.
pub(crate) fn ipv4() -> Result<Vec<u8>> {
    let mut frame = udp(GUARDED_IPV4.into())?;
    frame.iter_mut().skip(SOURCE_AT).zip(SOURCE).for_each(|(to, from)| *to = from);
    Ok(frame)
}

/// The same payload over IPv6.
pub(crate) fn ipv6() -> Result<Vec<u8>> {
    udp(GUARDED_IPV6.into())
}

/// The same to a service of the country rule.
pub(crate) fn to_service() -> Result<Vec<u8>> {
    frame::udp(SocketAddr::new(GUARDED_IPV4.into(), SERVICE), &PAYLOAD)
}

fn udp(to: IpAddr) -> Result<Vec<u8>> {
    frame::udp(SocketAddr::new(to, PORT), &PAYLOAD)
}
