//! Files, byte by byte.

use std::net::Ipv4Addr;

/// One packet of a file.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub(crate) time_ns: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) length: u32,
}

impl Packet {
    pub(crate) fn whole(time_ns: u64, bytes: Vec<u8>) -> Self {
        let length = u32::try_from(bytes.len()).unwrap();
        Self { time_ns, bytes, length }
    }

    /// As a capture with this snaplen has it.
    pub(crate) fn cut_to(mut self, snaplen: usize) -> Self {
        self.bytes.truncate(snaplen);
        self
    }
}

/// Numbers in the byte order of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writer {
    pub(crate) big: bool,
}

impl Writer {
    pub(crate) fn half(self, number: u16) -> [u8; 2] {
        if self.big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    pub(crate) fn word(self, number: u32) -> [u8; 4] {
        if self.big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn words(self, numbers: &[u32]) -> Vec<u8> {
        numbers.iter().flat_map(|number| self.word(*number)).collect()
    }

    /// A pcap file.
    pub(crate) fn pcap(self, nanoseconds: bool, link: u32, packets: &[Packet]) -> Vec<u8> {
        let (magic, unit) = if nanoseconds { (0xa1b2_3c4d, 1) } else { (0xa1b2_c3d4, 1_000) };
        let mut file = self.word(magic).to_vec();
        file.extend(self.half(2));
        file.extend(self.half(4));
        file.extend(self.words(&[0, 0, 262_144, link]));
        for packet in packets {
            let (seconds, part) = (packet.time_ns / 1_000_000_000, packet.time_ns % 1_000_000_000 / unit);
            let captured = u32::try_from(packet.bytes.len()).unwrap();
            let head =
                [u32::try_from(seconds).unwrap(), u32::try_from(part).unwrap(), captured, packet.length];
            file.extend(self.words(&head));
            file.extend(&packet.bytes);
        }
        file
    }

    /// A block of pcapng.
    pub(crate) fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let padded = body.len().next_multiple_of(4);
        let length = u32::try_from(padded + 12).unwrap();
        let mut block = self.words(&[kind, length]);
        block.extend(body);
        block.resize(8 + padded, 0);
        block.extend(self.word(length));
        block
    }

    pub(crate) fn section(self) -> Vec<u8> {
        let mut body = self.word(0x1a2b_3c4d).to_vec();
        body.extend(self.half(1));
        body.extend(self.half(0));
        body.extend([0xff; 8]);
        self.block(0x0a0d_0d0a, &body)
    }

    pub(crate) fn option(self, code: u16, value: &[u8]) -> Vec<u8> {
        let mut option = self.half(code).to_vec();
        option.extend(self.half(u16::try_from(value.len()).unwrap()));
        option.extend(value);
        option.resize(option.len().next_multiple_of(4), 0);
        option
    }

    /// An interface with these options.
    pub(crate) fn interface(self, link: u16, snaplen: u32, options: &[Vec<u8>]) -> Vec<u8> {
        let mut body = self.half(link).to_vec();
        body.extend([0; 2]);
        body.extend(self.word(snaplen));
        body.extend(options.concat());
        body.extend([0; 4]);
        self.block(1, &body)
    }

    /// An enhanced packet; its time is in the units of the interface.
    pub(crate) fn enhanced(self, interface: u32, time: u64, packet: &Packet, options: &[Vec<u8>]) -> Vec<u8> {
        let (high, low) = (u32::try_from(time >> 32).unwrap(), u32::try_from(time & 0xffff_ffff).unwrap());
        let captured = u32::try_from(packet.bytes.len()).unwrap();
        let mut body = self.words(&[interface, high, low, captured, packet.length]);
        body.extend(&packet.bytes);
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend(options.concat());
        self.block(6, &body)
    }

    pub(crate) fn simple(self, packet: &Packet) -> Vec<u8> {
        let mut body = self.word(packet.length).to_vec();
        body.extend(&packet.bytes);
        self.block(3, &body)
    }
}

/// An IPv4 packet with UDP to a port.
pub(crate) fn ipv4_udp(source: [u8; 4], port: u16, payload: usize) -> Vec<u8> {
    let total = u16::try_from(28 + payload).unwrap();
    let mut packet = vec![0x45, 0];
    packet.extend(total.to_be_bytes());
    packet.extend([0, 0, 0, 0, 64, 17, 0, 0]);
    packet.extend(source);
    packet.extend(Ipv4Addr::new(192, 0, 2, 200).octets());
    packet.extend(40_000_u16.to_be_bytes());
    packet.extend(port.to_be_bytes());
    packet.extend((total - 20).to_be_bytes());
    packet.extend([0; 2]);
    packet.resize(usize::from(total), 0);
    packet
}

/// An IPv4 packet with a TCP header with these flags.
pub(crate) fn ipv4_tcp(source: [u8; 4], port: u16, flags: u8) -> Vec<u8> {
    let mut packet = ipv4_udp(source, port, 12);
    packet[9] = 6;
    packet[32] = 0x50;
    packet[33] = flags;
    packet
}

/// An IPv6 packet with UDP to a port.
pub(crate) fn ipv6_udp(source: [u8; 16], port: u16) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0, 0, 8, 17, 64];
    packet.extend(source);
    packet.extend([0x20; 16]);
    packet.extend(40_000_u16.to_be_bytes());
    packet.extend(port.to_be_bytes());
    packet.extend([0, 8, 0, 0]);
    packet
}

/// With an Ethernet header before it.
pub(crate) fn ethernet(packet: &[u8]) -> Vec<u8> {
    let ether_type: [u8; 2] = if packet[0] >> 4 == 6 { [0x86, 0xdd] } else { [0x08, 0x00] };
    [&[2; 12][..], &ether_type, packet].concat()
}
