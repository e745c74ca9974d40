//! IPv4 packets.

use std::net::Ipv4Addr;

use etherparse::{IpNumber, Ipv4Header};

use super::{Network, Payload, length_field};
use crate::packets::world::GUARDED_IPV4;

const ETHER_TYPE: u16 = 0x0800;
const HEADER: usize = 20;
const NO_OPERATION: u8 = 1;
const MORE_FRAGMENTS: u16 = 0x2000;

/// An IPv4 header to be.
#[derive(Clone, Copy, Debug)]
pub struct Ipv4 {
    source: Ipv4Addr,
    option_words: u8,
    fragment: u16,
    claimed: Option<u16>,
}

impl Ipv4 {
    /// From this source, whole, without options.
    #[must_use]
    pub const fn from(source: Ipv4Addr) -> Self {
        Self { source, option_words: 0, fragment: 0, claimed: None }
    }

    /// With options of so many 4-byte words, at most 10.
    #[must_use]
    pub const fn options(self, words: u8) -> Self {
        Self { option_words: words, ..self }
    }

    /// A fragment at `offset`, in 8-byte units.
    #[must_use]
    pub const fn fragment(self, offset: u16, more: bool) -> Self {
        Self { fragment: offset | if more { MORE_FRAGMENTS } else { 0 }, ..self }
    }

    /// Claims this total length, whatever it carries.
    #[must_use]
    pub const fn claiming(self, total: u16) -> Self {
        Self { claimed: Some(total), ..self }
    }

    /// The packet.
    #[must_use]
    pub fn carrying(self, payload: &Payload) -> Network {
        let length = HEADER + usize::from(self.option_words) * 4;
        let total = self.claimed.unwrap_or_else(|| length_field(length + payload.bytes.len()));
        let header = Ipv4Header {
            total_len: total,
            time_to_live: 60,
            protocol: IpNumber(payload.protocol),
            source: self.source.octets(),
            destination: GUARDED_IPV4.octets(),
            ..Ipv4Header::default()
        };
        let mut bytes = header.to_bytes().to_vec();
        if let Some(first) = bytes.first_mut() {
            *first += self.option_words;
        }
        for (byte, value) in bytes.iter_mut().skip(6).zip(self.fragment.to_be_bytes()) {
            *byte = value;
        }
        bytes.resize(length, NO_OPERATION);
        bytes.extend(&payload.bytes);
        let is_later = self.fragment & !MORE_FRAGMENTS != 0;
        Network {
            ether_type: ETHER_TYPE,
            bytes,
            headers: length + if is_later { 0 } else { payload.headers },
        }
    }
}
