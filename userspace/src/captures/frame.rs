//! A packet of a capture as an Ethernet frame.

use std::cell::Cell;

use xdpgate_ebpf::packet::{Bytes, View};

use super::link::Link;

const ETHERNET: u32 = 14;
const ADDRESSES: usize = 12;
const IPV4: [u8; 2] = [0x08, 0x00];
const IPV6: [u8; 2] = [0x86, 0xdd];

/// `sll_pkttype` of what the host itself sent (packet(7)).
const OUTGOING: u8 = 4;

/// A frame as it was on the wire, of which the capture may hold only the beginning. What came over another link has an
/// Ethernet header of zero addresses before it, which counts as bytes of the frame.
#[derive(Debug)]
pub struct Frame<'a> {
    /// The `EtherType` of a header that the capture does not have.
    made: Option<[u8; 2]>,
    body: &'a [u8],
    len: u32,
    cut: Cell<bool>,
    outgoing: bool,
}

impl<'a> Frame<'a> {
    /// The frame of a packet, of which `bytes` were captured and `length` were there.
    #[must_use]
    pub fn of(link: Link, bytes: &'a [u8], length: u32) -> Self {
        // Some programs write no length.
        let length = length.max(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        match link {
            Link::Ethernet => Self::new(None, bytes, length),
            Link::Ip if bytes.first().is_some_and(|first| first >> 4 == 6) => Self::made(IPV6, bytes, length),
            Link::Ip | Link::Ipv4 => Self::made(IPV4, bytes, length),
            Link::Ipv6 => Self::made(IPV6, bytes, length),
            Link::Cooked => {
                let Some((head, body)) = bytes.split_first_chunk::<16>() else {
                    return Self::headless(length);
                };
                let frame = Self::made([head[14], head[15]], body, length - 16);
                Self { outgoing: head[0] == 0 && head[1] == OUTGOING, ..frame }
            }
            Link::CookedTwo => {
                let Some((head, body)) = bytes.split_first_chunk::<20>() else {
                    return Self::headless(length);
                };
                let frame = Self::made([head[0], head[1]], body, length - 20);
                Self { outgoing: head[10] == OUTGOING, ..frame }
            }
        }
    }

    /// Whether something was asked for that was on the wire and is not in the capture.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.cut.get()
    }

    /// Whether the host sent it, as far as its link says so.
    #[must_use]
    pub const fn is_outgoing(&self) -> bool {
        self.outgoing
    }

    const fn new(made: Option<[u8; 2]>, body: &'a [u8], len: u32) -> Self {
        Self { made, body, len, cut: Cell::new(false), outgoing: false }
    }

    const fn made(ether_type: [u8; 2], body: &'a [u8], length: u32) -> Self {
        Self::new(Some(ether_type), body, length.saturating_add(ETHERNET))
    }

    /// Not even the header of its link was captured.
    const fn headless(length: u32) -> Self {
        Self::new(None, &[], length)
    }

    fn find<const N: usize>(&self, offset: u32) -> Option<Bytes<N>> {
        let Some(ether_type) = self.made else { return self.body.read(offset) };
        if let Some(offset) = offset.checked_sub(ETHERNET) {
            return self.body.read(offset);
        }
        // The made header is asked for its type, and for nothing that goes on behind it.
        let mut header = [0; ETHERNET as usize];
        header.get_mut(ADDRESSES..)?.copy_from_slice(&ether_type);
        header.as_slice().read(offset)
    }
}

impl View for Frame<'_> {
    /// Those of the wire: what a capture leaves out of a packet does not make it shorter.
    fn len(&self) -> u32 {
        self.len
    }

    fn read<const N: usize>(&self, offset: u32) -> Option<Bytes<N>> {
        let found = self.find(offset);
        if found.is_none() && u64::from(offset) + N as u64 <= u64::from(self.len) {
            self.cut.set(true);
        }
        found
    }
}
