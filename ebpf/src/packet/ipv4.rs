//! IPv4 (RFC 791).

use super::{Bytes, Fragment, Packet, Unparsed, View, check_end, transport, widen};
use crate::abi::family;

const MIN_HEADER: u32 = 20;
const MORE_FRAGMENTS: u16 = 0x2000;
const FRAGMENT_OFFSET: u16 = 0x1fff;

#[inline(always)]
pub(super) fn parse<V: View>(view: &V, offset: u32, packet: &mut Packet) -> Result<(), Unparsed> {
    let header: Bytes<20> = view.read(offset).ok_or(Unparsed::Malformed)?;
    let length = u32::from(header[0] & 0x0f) << 2;
    let total = u32::from(u16::from_be_bytes([header[2], header[3]]));
    if header[0] >> 4 != 4 || length < MIN_HEADER || total < length {
        return Err(Unparsed::Malformed);
    }
    let payload = offset + length;
    if payload > view.len() {
        return Err(Unparsed::Malformed);
    }

    packet.source.family = family::IPV4;
    packet.source.address = widen([header[12], header[13], header[14], header[15]]);
    packet.destination = widen([header[16], header[17], header[18], header[19]]);
    packet.hop_limit = header[8];
    packet.protocol = header[9];
    check_end(view, offset + total, packet)?;

    let fragment = u16::from_be_bytes([header[6], header[7]]);
    if fragment & FRAGMENT_OFFSET != 0 {
        packet.fragment = Fragment::Later;
        return Ok(());
    }
    if fragment & MORE_FRAGMENTS != 0 {
        packet.fragment = Fragment::First;
    }
    transport::parse(view, payload, packet)
}
