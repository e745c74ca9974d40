//! Frames, put together from the inside out. Each layer knows how many of its bytes are headers.

mod ipv4;
mod ipv6;
mod payload;

pub use ipv4::Ipv4;
pub use ipv6::{Extension, Ipv6};
pub use payload::Payload;

use crate::veth::{GUARDED_MAC, OUTSIDE_MAC};

/// IEEE 802.1Q.
pub(super) const VLAN: u16 = 0x8100;
/// IEEE 802.1ad.
pub(super) const VLAN_SERVICE: u16 = 0x88a8;

const ADDRESSES_AND_TYPE: usize = 14;
const TAG: usize = 4;
/// The most tags that are followed.
const MAX_TAGS: usize = 4;

/// A frame without preamble and checksum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// How many of them must be there for the frame to be judged as it is. Every shorter cut is malformed.
    pub headers: usize,
}

/// A network packet, or whatever else an Ethernet frame carries.
#[derive(Clone, Debug)]
pub struct Network {
    pub(super) ether_type: u16,
    pub(super) bytes: Vec<u8>,
    /// How many of them must be there.
    pub(super) headers: usize,
}

impl Network {
    /// Something that is not IP.
    pub(super) fn other(ether_type: u16, bytes: &[u8]) -> Self {
        Self { ether_type, bytes: bytes.to_vec(), headers: 0 }
    }

    /// In an Ethernet frame without VLAN tags.
    #[must_use]
    pub fn ethernet(&self) -> Frame {
        self.tagged(&[])
    }

    /// In an Ethernet frame with these tags, the outermost first.
    #[must_use]
    pub fn tagged(&self, tags: &[u16]) -> Frame {
        let mut bytes = [GUARDED_MAC, OUTSIDE_MAC].concat();
        for (tag, identifier) in tags.iter().zip(1u16..) {
            bytes.extend(tag.to_be_bytes());
            bytes.extend(identifier.to_be_bytes());
        }
        bytes.extend(self.ether_type.to_be_bytes());
        bytes.extend(&self.bytes);
        // With too many tags, the type behind the last one that is followed decides.
        let headers = if tags.len() > MAX_TAGS {
            ADDRESSES_AND_TYPE + MAX_TAGS * TAG
        } else {
            ADDRESSES_AND_TYPE + tags.len() * TAG + self.headers
        };
        Frame { bytes, headers }
    }
}

impl Frame {
    /// With one byte replaced. The frame is then expected to be malformed however long it is.
    pub(super) fn broken(mut self, offset: usize, value: u8) -> Self {
        if let Some(byte) = self.bytes.get_mut(offset) {
            *byte = value;
        }
        self.headers = self.bytes.len();
        self
    }

    /// With one byte replaced, and nothing else expected of it.
    pub(super) fn with_byte(mut self, offset: usize, value: u8) -> Self {
        if let Some(byte) = self.bytes.get_mut(offset) {
            *byte = value;
        }
        self
    }

    /// Its first bytes.
    pub(super) fn cut(mut self, length: usize) -> Self {
        self.bytes.truncate(length);
        self
    }
}

pub(super) fn length_field(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}
