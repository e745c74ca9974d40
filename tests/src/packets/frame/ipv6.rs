//! IPv6 packets and their extension headers.

use std::net::Ipv6Addr;

use etherparse::{IpNumber, Ipv6Header};

use super::{Network, Payload, length_field};
use crate::packets::world::GUARDED_IPV6;

const ETHER_TYPE: u16 = 0x86dd;

/// One extension header. The byte is its length field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    /// Hop-by-hop options.
    HopByHop(u8),
    /// Routing.
    Routing(u8),
    /// Destination options.
    Destination(u8),
    /// Authentication, whose length counts in units of its own.
    Authentication(u8),
    /// A fragment at this offset in 8-byte units, and whether more come.
    Fragment(u16, bool),
}

impl Extension {
    /// Its number as a next header.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::HopByHop(_) => 0,
            Self::Routing(_) => 43,
            Self::Fragment(..) => 44,
            Self::Authentication(_) => 51,
            Self::Destination(_) => 60,
        }
    }

    fn bytes(self, next: u8) -> Vec<u8> {
        let (field, length) = match self {
            Self::HopByHop(field) | Self::Routing(field) | Self::Destination(field) => {
                (field, (usize::from(field) + 1) * 8)
            }
            Self::Authentication(field) => (field, (usize::from(field) + 2) * 4),
            Self::Fragment(offset, more) => {
                let place = (offset << 3) | u16::from(more);
                let [high, low] = place.to_be_bytes();
                return vec![next, 0, high, low, 0, 0, 0, 7];
            }
        };
        let mut bytes = vec![next, field];
        bytes.resize(length, 0);
        bytes
    }
}

/// An IPv6 header to be.
#[derive(Clone, Copy, Debug)]
pub struct Ipv6<'a> {
    source: Ipv6Addr,
    hop_limit: u8,
    extensions: &'a [Extension],
}

impl<'a> Ipv6<'a> {
    /// From this source, without extension headers.
    #[must_use]
    pub const fn from(source: Ipv6Addr) -> Self {
        Self { source, hop_limit: 60, extensions: &[] }
    }

    /// With this hop limit.
    #[must_use]
    pub const fn hop_limit(self, hop_limit: u8) -> Self {
        Self { hop_limit, ..self }
    }

    /// With these extension headers.
    #[must_use]
    pub const fn extensions(self, extensions: &'a [Extension]) -> Self {
        Self { extensions, ..self }
    }

    /// The packet.
    #[must_use]
    pub fn carrying(self, payload: &Payload) -> Network {
        let mut chain = Vec::new();
        for (index, extension) in self.extensions.iter().enumerate() {
            let next = self.extensions.get(index + 1).map_or(payload.protocol, |next| next.number());
            chain.extend(extension.bytes(next));
        }
        let header = Ipv6Header {
            payload_length: length_field(chain.len() + payload.bytes.len()),
            next_header: IpNumber(
                self.extensions.first().map_or(payload.protocol, |extension| extension.number()),
            ),
            hop_limit: self.hop_limit,
            source: self.source.octets(),
            destination: GUARDED_IPV6.octets(),
            ..Ipv6Header::default()
        };
        let bytes = [&header.to_bytes()[..], &chain, &payload.bytes].concat();
        // All of what the header claims must be there.
        Network { ether_type: ETHER_TYPE, headers: bytes.len(), bytes }
    }
}
