//! What happened when: bins that grow with the capture.

use xdpgate_ebpf::abi::MAX_REASONS;
use xdpgate_ebpf::verdict::{Action, Verdict};

/// The most bins. Powers of two throughout, so that a packet costs a shift.
const BINS: usize = 512;
/// The narrowest bin: 1.05 ms.
const FIRST_SHIFT: u32 = 20;

#[derive(Clone, Debug)]
pub(super) struct Timeline {
    bins: Vec<Bin>,
    shift: u32,
}

/// Packets in one piece of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bin {
    /// By reason.
    pub(super) decided: [u64; MAX_REASONS],
    /// That passed, and that a rule in monitor mode would have dropped.
    pub(super) would_drop: u64,
}

impl Default for Timeline {
    fn default() -> Self {
        Self { bins: Vec::new(), shift: FIRST_SHIFT }
    }
}

impl Timeline {
    #[inline]
    pub(super) fn add(&mut self, elapsed_ns: u64, verdict: &Verdict) {
        while elapsed_ns >> self.shift >= BINS as u64 {
            self.widen();
        }
        let index = usize::try_from(elapsed_ns >> self.shift).unwrap_or(0);
        if index >= self.bins.len() {
            self.bins.resize(index + 1, Bin::default());
        }
        let Some(bin) = self.bins.get_mut(index) else { return };
        if let Some(packets) = bin.decided.get_mut(verdict.reason.index()) {
            *packets += 1;
        }
        bin.would_drop += u64::from(verdict.monitored != 0 && verdict.action() == Action::Pass);
    }

    pub(super) fn bins(&self) -> &[Bin] {
        &self.bins
    }

    /// How long a bin is.
    pub(super) const fn width_ns(&self) -> u64 {
        1 << self.shift
    }

    fn widen(&mut self) {
        self.bins = self.bins.chunks(2).map(|pair| pair.iter().fold(Bin::default(), Bin::plus)).collect();
        self.shift += 1;
    }
}

impl Bin {
    fn plus(mut self, other: &Self) -> Self {
        for (sum, packets) in self.decided.iter_mut().zip(other.decided) {
            *sum += packets;
        }
        self.would_drop += other.would_drop;
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use xdpgate_ebpf::reason::Reason;

    use super::*;

    proptest! {
        #[test]
        fn no_packet_is_lost_however_long_it_lasts(times in prop::collection::vec(0..1_u64 << 57, 0..200)) {
            let mut timeline = Timeline::default();
            for time in &times {
                timeline.add(*time, &Verdict::of(Reason::Banned));
            }
            prop_assert!(timeline.bins().len() <= BINS);
            for (index, bin) in (0..).zip(timeline.bins()) {
                let start = index * timeline.width_ns();
                let here = times.iter().filter(|time| (start..start + timeline.width_ns()).contains(time)).count();
                prop_assert_eq!(bin.decided[Reason::Banned.index()], here as u64);
            }
        }
    }
}
