//! Ethernet and VLAN tags (IEEE 802.3, 802.1Q, 802.1ad).

use super::{Unparsed, View};

/// The most VLAN tags that are followed.
pub const MAX_VLAN_TAGS: u32 = 4;

// EtherTypes.
pub(super) const IPV4: u16 = 0x0800;
pub(super) const IPV6: u16 = 0x86dd;
const VLAN: u16 = 0x8100;
const VLAN_SERVICE: u16 = 0x88a8;

const ADDRESSES: u32 = 12;
const TYPE: u32 = 2;
const TAG: u32 = 4;

/// What the link header says.
pub(super) struct Link {
    pub(super) ether_type: u16,
    /// The offset of the network header.
    pub(super) payload: u32,
}

#[inline(always)]
pub(super) fn parse<V: View>(view: &V) -> Result<Link, Unparsed> {
    let mut offset = ADDRESSES;
    let mut tags = 0;
    loop {
        let ether_type = u16::from_be_bytes(*view.read(offset).ok_or(Unparsed::Malformed)?);
        if ether_type != VLAN && ether_type != VLAN_SERVICE {
            // Without tags the offset is a constant, which is worth more to the usual frame than a shorter proof.
            let payload = if tags == 0 { ADDRESSES + TYPE } else { view.settle(offset + TYPE) };
            return Ok(Link { ether_type, payload });
        }
        if tags == MAX_VLAN_TAGS {
            return Err(Unparsed::TooDeep);
        }
        tags += 1;
        offset += TAG;
    }
}
