//! A sampled event: one packet that was dropped, or would have been.

use super::layout::shared;

/// Values of [`Event::kind`].
pub mod event_kind {
    /// The packet was dropped.
    pub const DROPPED: u8 = 0;
    /// A rule in monitor mode would have dropped it.
    pub const MONITORED: u8 = 1;
}

shared! {
    /// One sampled packet.
    Event = 64 bytes {
        /// `CLOCK_MONOTONIC`, in nanoseconds.
        time_ns: u64,
        /// Bit n: the rule of reason n would have dropped the packet, were it not in monitor mode.
        monitored: u32,
        /// Bytes of the frame.
        bytes: u32,
        /// The source; IPv4 in the first 4 bytes.
        source: [u8; 16],
        /// The destination, likewise.
        destination: [u8; 16],
        /// In network order; zero without ports.
        source_port: [u8; 2],
        /// Likewise.
        destination_port: [u8; 2],
        /// ISO 3166-1 alpha-2, or zeroes.
        country: [u8; 2],
        /// One of [`super::family`].
        family: u8,
        /// The IP protocol at which parsing ended.
        protocol: u8,
        /// One of [`event_kind`].
        kind: u8,
        /// [`crate::reason::Reason`] of the packet's exit.
        reason: u8,
        /// The list that dropped it, or [`Event::NO_LIST`].
        list: u8,
        /// The slot of the interface.
        interface: u8,
        /// TCP flags; zero without TCP.
        tcp_flags: u8,
        /// Zero.
        spare: u8,
        /// The limit that dropped it or would have, as the number of its row; zero: none.
        limit: u16,
    }
}

impl Event {
    /// No list had a part in it.
    pub const NO_LIST: u8 = u8::MAX;
}

impl Event {
    /// An event out of the ring; `None` where the record has another length.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; 64] = bytes.try_into().ok()?;
        let mut rest: &[u8] = bytes;
        Some(Self {
            time_ns: u64::from_ne_bytes(take(&mut rest)?),
            monitored: u32::from_ne_bytes(take(&mut rest)?),
            bytes: u32::from_ne_bytes(take(&mut rest)?),
            source: take(&mut rest)?,
            destination: take(&mut rest)?,
            source_port: take(&mut rest)?,
            destination_port: take(&mut rest)?,
            country: take(&mut rest)?,
            family: take::<1>(&mut rest)?[0],
            protocol: take::<1>(&mut rest)?[0],
            kind: take::<1>(&mut rest)?[0],
            reason: take::<1>(&mut rest)?[0],
            list: take::<1>(&mut rest)?[0],
            interface: take::<1>(&mut rest)?[0],
            tcp_flags: take::<1>(&mut rest)?[0],
            spare: take::<1>(&mut rest)?[0],
            limit: u16::from_ne_bytes(take(&mut rest)?),
        })
    }
}

/// The next `N` bytes, in the order of the fields.
fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}
