//! The decision over a capture: the code that the kernel runs, with the policy's own tables, at the times of the capture.
//!
//! Memory is of a fixed size whatever is in the capture: the tables that the policy asks for, [`Talkers::ROOM`] sources,
//! and the bins of the timeline.

mod chart;
mod counts;
mod host;
mod report;
mod talkers;
mod timeline;

use xdpgate_ebpf::abi::family;
use xdpgate_ebpf::packet::View as _;

use self::counts::Counts;
use self::host::Host;
use self::talkers::Talkers;
use self::timeline::Timeline;
use crate::captures::{CaptureClock, Record};
use crate::config::SourceLimitConfig;
use crate::policy::Model;

pub use self::host::Fate;
pub use self::report::{Findings, ListFindings, Problems, SourceFindings, Sources};

/// Longer than any frame on a wire: the capturing kernel put several into one before the capture saw them, after XDP
/// had.
const MERGED: u32 = 9_300;

/// Packets whose memory is loaded together: as many misses of the cache as a core has under way at once.
const BATCH: usize = 16;

/// A replay that goes on.
pub struct Replay {
    host: Host,
    clock: CaptureClock,
    counts: Counts,
    talkers: Talkers,
    timeline: Timeline,
    /// The bits that tell sources apart: of IPv4 and of IPv6.
    masks: [u128; 2],
    left_out: LeftOut,
    merged: u64,
    /// Packets to come that were looked at already.
    looked_at: usize,
}

/// Packets of which nothing was decided.
#[derive(Clone, Copy, Debug, Default)]
struct LeftOut {
    outgoing: u64,
    cut: u64,
}

impl Replay {
    /// A replay with these tables; sources are told apart as the limits do it.
    #[must_use]
    pub fn new(tables: Model, sources: &SourceLimitConfig) -> Self {
        Self {
            host: Host::new(tables),
            clock: CaptureClock::default(),
            counts: Counts::default(),
            talkers: Talkers::new(),
            timeline: Timeline::default(),
            masks: [sources.ipv4_prefix, sources.ipv6_prefix].map(mask),
            left_out: LeftOut::default(),
            merged: 0,
            looked_at: 0,
        }
    }

    /// Decides one packet, and counts it.
    pub fn packet(&mut self, record: &Record<'_>) -> Fate {
        let frame = record.frame();
        if record.outgoing || frame.is_outgoing() {
            self.left_out.outgoing += 1;
            return Fate::Outgoing;
        }
        self.look_ahead(record);
        let now_ns = self.clock.at(record.time_ns);
        let verdict = self.host.decide(&frame, now_ns);
        if frame.is_cut() {
            self.left_out.cut += 1;
            return Fate::Cut;
        }
        let bytes = frame.len();
        self.merged += u64::from(bytes > MERGED);
        self.counts.add(&verdict, bytes);
        self.timeline.add(self.clock.elapsed_ns(), &verdict);
        let source = self.host.source();
        if source.family != family::NONE {
            let mask = self.masks[usize::from(source.family == family::IPV6)];
            let key = u128::from_be_bytes(source.address) & mask;
            self.talkers.add(key, source.family, &verdict, bytes);
        }
        Fate::Decided(verdict.reason)
    }

    /// Every packet waits for the memory of its source's buckets; those of a batch wait together.
    fn look_ahead(&mut self, record: &Record<'_>) {
        if let Some(left) = self.looked_at.checked_sub(1) {
            self.looked_at = left;
            return;
        }
        for frame in record.frames_ahead().take(BATCH) {
            self.host.touch(&frame);
            self.looked_at += 1;
        }
    }
}

/// The first bits of an address; those of IPv4 come first too.
const fn mask(length: u8) -> u128 {
    match 128_u32.checked_sub(length as u32) {
        Some(host) => u128::MAX.unbounded_shl(host),
        None => u128::MAX,
    }
}

#[cfg(test)]
mod tests;
