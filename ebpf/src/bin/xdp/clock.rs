//! The kernel's clock, read at most once a packet.

use core::cell::Cell;

use xdpgate_ebpf::tables::Clock;

use crate::maps;

/// `CLOCK_MONOTONIC` at the first question; later questions get the same answer.
pub(crate) struct KernelClock {
    /// Zero: not asked yet.
    now_ns: Cell<u64>,
}

impl KernelClock {
    #[inline(always)]
    pub(crate) const fn new() -> Self {
        Self { now_ns: Cell::new(0) }
    }
}

impl Clock for KernelClock {
    #[inline(always)]
    fn now_ns(&self) -> u64 {
        if self.now_ns.get() == 0 {
            self.now_ns.set(maps::monotonic_ns());
        }
        self.now_ns.get()
    }
}
