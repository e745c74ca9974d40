//! TCP, UDP, ICMP and ICMPv6. Of any other protocol only the number is known.

use super::{Bytes, Packet, Unparsed, View, protocol};

/// The flag that opens a connection.
pub const TCP_SYN: u8 = 0x02;
/// The flag of every segment but the first.
pub const TCP_ACK: u8 = 0x10;

/// TCP's data offset, in 4-byte units, of a header without options.
const MIN_DATA_OFFSET: u8 = 5;

#[inline(always)]
pub(super) fn parse<V: View>(view: &V, offset: u32, packet: &mut Packet) -> Result<(), Unparsed> {
    match packet.protocol {
        protocol::TCP => {
            let header: Bytes<20> = view.read(offset).ok_or(Unparsed::Malformed)?;
            if header[12] >> 4 < MIN_DATA_OFFSET {
                return Err(Unparsed::Malformed);
            }
            packet.source_port = [header[0], header[1]];
            packet.destination_port = [header[2], header[3]];
            packet.tcp_flags = header[13];
        }
        protocol::UDP => {
            let header: Bytes<8> = view.read(offset).ok_or(Unparsed::Malformed)?;
            packet.source_port = [header[0], header[1]];
            packet.destination_port = [header[2], header[3]];
        }
        // The stack asks for 8 bytes of both (`icmp_rcv`, `icmpv6_rcv`).
        protocol::ICMP | protocol::ICMPV6 => {
            let header: Bytes<8> = view.read(offset).ok_or(Unparsed::Malformed)?;
            packet.icmp_type = header[0];
        }
        _ => {}
    }
    Ok(())
}
