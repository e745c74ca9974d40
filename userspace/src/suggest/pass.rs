//! One reading of the capture.

use std::io::Read;

use xdpgate_ebpf::packet::{Packet, TCP_ACK, TCP_SYN, View, parse, protocol};

use crate::captures::{Capture, CaptureClock};

/// A packet that came in and could be read.
pub(super) struct Seen<'a> {
    pub(super) packet: &'a Packet,
    /// The bytes of its frame.
    pub(super) bytes: u32,
    /// On the clock of the capture.
    pub(super) now_ns: u64,
    /// Since the first packet.
    pub(super) elapsed_ns: u64,
}

/// What a reading left out, and what it covered.
#[derive(Clone, Debug, Default)]
pub(super) struct Left {
    pub(super) packets: u64,
    pub(super) outgoing: u64,
    pub(super) unread: u64,
    pub(super) elapsed_ns: u64,
    pub(super) problem: Option<String>,
}

impl Seen<'_> {
    /// Whether it opens a connection: a TCP SYN without ACK.
    pub(super) const fn opens(&self) -> bool {
        self.packet.protocol == protocol::TCP && self.packet.tcp_flags & (TCP_SYN | TCP_ACK) == TCP_SYN
    }
}

pub(super) fn pass<R: Read>(mut capture: Capture<R>, mut take: impl FnMut(&Seen<'_>)) -> Left {
    let mut clock = CaptureClock::default();
    let mut left = Left::default();
    let end = loop {
        let record = match capture.next_packet() {
            Ok(record) => record,
            Err(end) => break end,
        };
        let frame = record.frame();
        if record.outgoing || frame.is_outgoing() {
            left.outgoing += 1;
            continue;
        }
        let now_ns = clock.at(record.time_ns);
        let mut packet = Packet::unread(frame.len());
        if parse(&frame, &mut packet).is_err() {
            left.unread += 1;
            continue;
        }
        left.packets += 1;
        take(&Seen { packet: &packet, bytes: frame.len(), now_ns, elapsed_ns: clock.elapsed_ns() });
    };
    left.elapsed_ns = clock.elapsed_ns();
    left.problem = end.problem(capture.packets());
    left
}
