//! One packet and what is expected of it.

use xdpgate_ebpf::packet::Fragment;
use xdpgate_ebpf::reason::Reason;

use super::frame::Frame;

/// One packet and what is expected of it.
#[derive(Clone, Debug)]
pub struct Row {
    /// What it shows.
    pub name: String,
    /// The frame.
    pub frame: Frame,
    /// Why it leaves.
    pub reason: Reason,
    /// The rules in monitor mode that would have dropped it.
    pub monitored: Vec<Reason>,
    /// The bit of the list that drops it.
    pub list: Option<u8>,
    /// The bits of the lists in monitor mode that it is on.
    pub lists_monitored: u64,
    /// What is read of it, where the row is about that.
    pub reads: Option<Reads>,
}

/// What is read of a packet beyond its addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reads {
    /// The IP protocol at which the walk over the headers ended.
    pub protocol: u8,
    /// Which part of a datagram it is.
    pub fragment: Fragment,
    /// Source and destination port; zero without ports.
    pub ports: (u16, u16),
    /// TCP flags, or the type of ICMP.
    pub flags_or_type: u8,
}

impl Reads {
    /// A whole datagram of which only the protocol is known.
    #[must_use]
    pub const fn protocol(protocol: u8) -> Self {
        Self { protocol, fragment: Fragment::Whole, ports: (0, 0), flags_or_type: 0 }
    }

    /// The same, as a part of a datagram.
    #[must_use]
    pub const fn of(self, fragment: Fragment) -> Self {
        Self { fragment, ..self }
    }
}

impl Row {
    pub(super) fn new(name: impl Into<String>, frame: Frame, reason: Reason) -> Self {
        Self {
            name: name.into(),
            frame,
            reason,
            monitored: Vec::new(),
            list: None,
            lists_monitored: 0,
            reads: None,
        }
    }

    pub(super) fn monitored(mut self, rule: Reason) -> Self {
        self.monitored.push(rule);
        self
    }

    pub(super) const fn dropped_by_list(mut self, bit: u8) -> Self {
        self.list = Some(bit);
        self
    }

    /// On a list in monitor mode.
    pub(super) fn watched_by_list(mut self, bit: u8) -> Self {
        self.lists_monitored |= 1 << bit;
        self.monitored(Reason::Blocklisted)
    }

    pub(super) const fn reads(mut self, reads: Reads) -> Self {
        self.reads = Some(reads);
        self
    }

    /// The set of [`Reason::bit`] of [`Row::monitored`].
    #[must_use]
    pub fn monitored_bits(&self) -> u32 {
        self.monitored.iter().fold(0, |bits, rule| bits | rule.bit())
    }
}
