//! The kernel's clock, read once for several packets that come close together.

use core::hint::black_box;

use xdpgate_ebpf::tables::Clock;

use crate::maps::{self, LastReading};

/// How many packets may use a reading of the clock: a reading costs as much as all look-ups of a packet together.
const MOST_USES: u64 = 16;
/// A reading is shared only while packets come so fast that it gets no older than this, in nanoseconds, until the last of
/// [`MOST_USES`] packets. Where the traffic stops, the kernel's next tick (1 to 10 ms) ends the sharing.
const OLDEST_NS: u64 = 50_000;

/// `CLOCK_MONOTONIC` as this CPU last read it; one packet gets one answer.
pub(crate) struct KernelClock<'a> {
    last: &'a LastReading,
}

impl<'a> KernelClock<'a> {
    #[inline(always)]
    pub(crate) fn new(last: &'a LastReading) -> Self {
        last.told_ns.set(0);
        Self { last }
    }

    /// The same clock for the same packet, in another function.
    #[inline(always)]
    pub(crate) const fn again(last: &'a LastReading) -> Self {
        Self { last }
    }
}

impl Clock for KernelClock<'_> {
    #[inline(always)]
    fn now_ns(&self) -> u64 {
        // Read back from the map's memory: whether the clock was asked before is nothing that the verifier has to follow.
        let told = &black_box(self.last).told_ns;
        if told.get() == 0 {
            told.set(reading(self.last));
        }
        told.get()
    }
}

/// The last reading, or a new one.
#[inline(always)]
fn reading(last: &LastReading) -> u64 {
    let tick = maps::tick();
    let uses = last.uses_left.get();
    if uses != 0 && last.tick.get() == tick {
        last.uses_left.set(uses - 1);
        return last.now_ns.get();
    }
    let now_ns = maps::monotonic_ns();
    // As many packets passed since as had a share in the last reading.
    let age_ns = now_ns - last.now_ns.get();
    let shared = last.uses.get() != 1;
    let fast = age_ns < if shared { OLDEST_NS } else { OLDEST_NS / MOST_USES };
    let uses = if fast { MOST_USES } else { 1 };
    last.uses.set(uses);
    last.uses_left.set(uses - 1);
    last.now_ns.set(now_ns);
    last.tick.set(tick);
    now_ns
}
