//! Where the decision runs: the one file here that knows how it is asked.

use xdpgate_ebpf::buckets::{BucketMemory as _, Home};
use xdpgate_ebpf::decide::{bucket_key, decide};
use xdpgate_ebpf::packet::{Packet, Source, View as _, parse};
use xdpgate_ebpf::reason::Reason;
use xdpgate_ebpf::tables::Tables as _;
use xdpgate_ebpf::verdict::{Action, Verdict};

use crate::captures::Frame;
use crate::policy::{Image, Model};

/// What became of a packet of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was decided.
    Decided(Reason),
    /// The host sent it: the program never sees such packets.
    Outgoing,
    /// The capture holds too little of it to tell.
    Cut,
}

pub(super) struct Host {
    tables: Model,
    packet: Packet,
}

impl Host {
    pub(super) const fn new(tables: Model) -> Self {
        Self { tables, packet: Packet::unread(0) }
    }

    pub(super) fn decide(&mut self, frame: &Frame<'_>, now_ns: u64) -> Verdict {
        decide(frame, &mut self.packet, &self.tables, &now_ns)
    }

    /// Begins to load the buckets of a packet's source, while there is something else to do. Changes no answer: a mistake
    /// here costs only time.
    pub(super) fn touch(&self, frame: &Frame<'_>) {
        let mut packet = Packet::unread(frame.len());
        if parse(frame, &mut packet).is_ok() {
            let buckets = self.tables.buckets();
            let key = bucket_key(&self.image().settings, &packet.source);
            Home::of(&key, buckets.shape()).touch(buckets);
        }
    }

    /// The source of the last packet.
    pub(super) const fn source(&self) -> Source {
        self.packet.source
    }

    pub(super) fn image(&self) -> &Image {
        self.tables.image()
    }
}

impl Fate {
    /// What happened to it: `pass`, `drop`, or `none`.
    #[must_use]
    pub const fn action(self) -> &'static str {
        match self {
            Self::Decided(reason) => match reason.action() {
                Action::Pass => "pass",
                Action::Drop => "drop",
            },
            Self::Outgoing | Self::Cut => "none",
        }
    }

    /// Why, in a word.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Decided(reason) => reason.label(),
            Self::Outgoing => "outgoing",
            Self::Cut => "cut-by-capture",
        }
    }
}
