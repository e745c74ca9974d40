//! From the bytes of a frame to what the decision asks about it.

mod ipv4;
mod ipv6;
mod link;
mod transport;
mod view;

pub use ipv6::MAX_IPV6_EXTENSIONS;
pub use link::MAX_VLAN_TAGS;
pub use transport::{TCP_ACK, TCP_SYN};
pub use view::{Bytes, View};

use crate::abi::family;

/// IP protocol numbers that the decision knows by name (IANA).
pub mod protocol {
    /// RFC 792.
    pub const ICMP: u8 = 1;
    /// RFC 9293.
    pub const TCP: u8 = 6;
    /// RFC 768.
    pub const UDP: u8 = 17;
    /// RFC 4443.
    pub const ICMPV6: u8 = 58;
}

/// Where a packet comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// In network order; IPv4 in the first 4 bytes, the rest zero.
    pub address: [u8; 16],
    /// One of [`family`].
    pub family: u8,
}

/// Which part of a datagram a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fragment {
    /// All of it.
    Whole,
    /// Its beginning, with the transport header.
    First,
    /// A later part; nothing is known of ports.
    Later,
}

/// What was read from a frame. Fields that the frame does not have are zero.
///
/// Aligned to words, so that clearing it is a few stores and not a loop over bytes.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The source address.
    pub source: Source,
    /// The destination address, likewise.
    pub destination: [u8; 16],
    /// The IP protocol at which the walk over the headers ended.
    pub protocol: u8,
    /// Which part of a datagram it is.
    pub fragment: Fragment,
    /// In network order.
    pub source_port: [u8; 2],
    /// In network order.
    pub destination_port: [u8; 2],
    /// The flag byte of TCP.
    pub tcp_flags: u8,
    /// The type of ICMP or ICMPv6.
    pub icmp_type: u8,
    /// Time to live, or hop limit.
    pub hop_limit: u8,
    /// What the packet is charged: the bytes of the frame.
    pub bytes: u32,
}

/// A frame of which there is nothing to judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unparsed {
    /// Not IP.
    NotIp,
    /// Cut short, or contradicting itself.
    Malformed,
    /// More headers than are followed.
    TooDeep,
}

impl Packet {
    /// A frame of `bytes` of which nothing is known yet.
    #[inline(always)]
    #[must_use]
    pub const fn unread(bytes: u32) -> Self {
        Self {
            source: Source { address: [0; 16], family: family::NONE },
            destination: [0; 16],
            protocol: 0,
            fragment: Fragment::Whole,
            source_port: [0; 2],
            destination_port: [0; 2],
            tcp_flags: 0,
            icmp_type: 0,
            hop_limit: 0,
            bytes,
        }
    }
}

/// An IPv4 address where 16 bytes hold addresses of both families.
#[inline(always)]
#[must_use]
pub const fn widen(address: [u8; 4]) -> [u8; 16] {
    // As numbers, not bytes: what is stored in pieces can't be read back as a word before all of them have left the
    // processor's store buffer.
    (u32::from_le_bytes(address) as u128).to_le_bytes()
}

/// Checks where the IP header says that the packet ends. A packet that ends beyond its frame was cut short.
#[inline(always)]
fn check_end<V: View>(view: &V, end: u32, packet: &mut Packet) -> Result<(), Unparsed> {
    if end <= packet.bytes {
        return Ok(());
    }
    // Only now, since it may cost a helper call: the frame may have more buffers than the one that can be read.
    packet.bytes = view.frame_len();
    if end > packet.bytes { Err(Unparsed::Malformed) } else { Ok(()) }
}

/// Reads the headers of a frame into `packet`.
///
/// # Errors
/// [`Unparsed`] when there is no IP packet to judge; `packet` then holds what was read so far.
#[inline(always)]
pub fn parse<V: View>(view: &V, packet: &mut Packet) -> Result<(), Unparsed> {
    let link = link::parse(view)?;
    match link.ether_type {
        link::IPV4 => ipv4::parse(view, link.payload, packet),
        link::IPV6 => ipv6::parse(view, link.payload, packet),
        _ => Err(Unparsed::NotIp),
    }
}

#[cfg(test)]
mod tests;
