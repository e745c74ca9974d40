//! What an IP packet carries.

use etherparse::{TcpHeader, UdpHeader};
use xdpgate_ebpf::packet::protocol;

use super::length_field;

/// Bytes behind the transport header: no verdict depends on them.
const DATA: [u8; 12] = *b"twelve bytes";

/// What an IP packet carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// The IP protocol.
    pub protocol: u8,
    /// Header and data.
    pub bytes: Vec<u8>,
    /// How many of them must be there.
    pub headers: usize,
}

impl Payload {
    /// A TCP segment with these flags (the 14th byte of its header).
    #[must_use]
    pub fn tcp(source_port: u16, destination_port: u16, flags: u8) -> Self {
        let header = TcpHeader {
            fin: flags & 0x01 != 0,
            syn: flags & 0x02 != 0,
            rst: flags & 0x04 != 0,
            psh: flags & 0x08 != 0,
            ack: flags & 0x10 != 0,
            urg: flags & 0x20 != 0,
            ece: flags & 0x40 != 0,
            cwr: flags & 0x80 != 0,
            ..TcpHeader::new(source_port, destination_port, 1, 64_240)
        };
        Self { protocol: protocol::TCP, bytes: [&header.to_bytes()[..], &DATA].concat(), headers: 20 }
    }

    /// A UDP datagram.
    #[must_use]
    pub fn udp(source_port: u16, destination_port: u16) -> Self {
        let header = UdpHeader {
            source_port,
            destination_port,
            length: length_field(UdpHeader::LEN + DATA.len()),
            checksum: 0,
        };
        Self { protocol: protocol::UDP, bytes: [&header.to_bytes()[..], &DATA].concat(), headers: 8 }
    }

    /// An ICMP message.
    #[must_use]
    pub fn icmp(kind: u8) -> Self {
        Self {
            protocol: protocol::ICMP,
            bytes: [&[kind, 0, 0, 0, 0, 0, 0, 0][..], &DATA].concat(),
            headers: 8,
        }
    }

    /// An ICMPv6 message.
    #[must_use]
    pub fn icmpv6(kind: u8) -> Self {
        Self { protocol: protocol::ICMPV6, ..Self::icmp(kind) }
    }

    /// Any other protocol, with no header that xdpgate reads.
    #[must_use]
    pub fn other(protocol: u8) -> Self {
        Self { protocol, bytes: DATA.to_vec(), headers: 0 }
    }

    /// Bytes that would open a connection to port 80 if they were TCP.
    #[must_use]
    pub fn forged_tcp(protocol: u8) -> Self {
        Self { protocol, headers: 0, ..Self::tcp(40_000, 80, 0x02) }
    }

    /// No data behind the header.
    #[must_use]
    pub fn bare(mut self) -> Self {
        self.bytes.truncate(self.headers);
        self
    }
}
