//! IPv6 and its extension headers (RFC 8200).

use super::{Bytes, Fragment, Packet, Unparsed, View, check_end, transport};
use crate::abi::family;

/// The most extension headers that are followed. RFC 8200 names six kinds that may stand before the transport.
pub const MAX_IPV6_EXTENSIONS: u32 = 6;

const HEADER: u32 = 40;

/// The kinds that Linux itself skips on the way to the transport (`ipv6_ext_hdr` in `net/ipv6/exthdrs_core.c`). Any other
/// number ends the walk: skipping what the stack does not skip would let a sender forge ports.
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION_OPTIONS: u8 = 60;

const FRAGMENT_HEADER: u32 = 8;
const MORE_FRAGMENTS: u16 = 1;
const FRAGMENT_OFFSET: u16 = 0xfff8;

#[inline(always)]
pub(super) fn parse<V: View>(view: &V, offset: u32, packet: &mut Packet) -> Result<(), Unparsed> {
    let head: Bytes<8> = view.read(offset).ok_or(Unparsed::Malformed)?;
    let source: Bytes<16> = view.read(offset + 8).ok_or(Unparsed::Malformed)?;
    let destination: Bytes<16> = view.read(offset + 24).ok_or(Unparsed::Malformed)?;
    if head[0] >> 4 != 6 {
        return Err(Unparsed::Malformed);
    }
    packet.source.family = family::IPV6;
    packet.source.address = *source;
    packet.destination = *destination;
    packet.hop_limit = head[7];
    // A jumbogram (RFC 2675) says zero.
    check_end(view, offset + HEADER + u32::from(u16::from_be_bytes([head[4], head[5]])), packet)?;

    let payload = walk(view, offset + HEADER, head[6], packet)?;
    if payload > view.len() {
        return Err(Unparsed::Malformed);
    }
    if packet.fragment == Fragment::Later {
        return Ok(());
    }
    transport::parse(view, payload, packet)
}

/// Follows the extension headers; the offset of what comes after them.
#[inline(always)]
fn walk<V: View>(view: &V, start: u32, first: u8, packet: &mut Packet) -> Result<u32, Unparsed> {
    let mut offset = start;
    let mut next = first;
    let mut followed = 0;
    loop {
        packet.protocol = next;
        if !is_extension(next) {
            return Ok(offset);
        }
        if followed == MAX_IPV6_EXTENSIONS {
            return Err(Unparsed::TooDeep);
        }
        followed += 1;

        if next == FRAGMENT {
            let header: Bytes<8> = view.read(offset).ok_or(Unparsed::Malformed)?;
            next = header[0];
            offset = view.settle(offset + FRAGMENT_HEADER);
            let place = u16::from_be_bytes([header[2], header[3]]);
            if place & FRAGMENT_OFFSET != 0 {
                packet.protocol = next;
                packet.fragment = Fragment::Later;
                return Ok(offset);
            }
            // Offset zero and no more to come is an atomic fragment, a whole datagram (RFC 6946).
            if place & MORE_FRAGMENTS != 0 {
                packet.fragment = Fragment::First;
            }
            continue;
        }

        let header: Bytes<2> = view.read(offset).ok_or(Unparsed::Malformed)?;
        // RFC 4302 counts the authentication header in 4-byte units less two, the others in 8-byte units less one.
        let length = match next {
            AUTHENTICATION => (u32::from(header[1]) + 2) << 2,
            _ => (u32::from(header[1]) + 1) << 3,
        };
        offset = view.settle(offset + length);
        next = header[0];
    }
}

#[inline(always)]
const fn is_extension(next: u8) -> bool {
    matches!(next, HOP_BY_HOP | ROUTING | FRAGMENT | AUTHENTICATION | DESTINATION_OPTIONS)
}
