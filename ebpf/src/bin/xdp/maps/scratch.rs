//! Memory of this CPU.
#![expect(unsafe_code, reason = "the kernel hands out raw pointers into maps")]
#![expect(clippy::undocumented_unsafe_blocks, reason = "btf_map and no_mangle expand to unsafe attributes")]

use core::cell::Cell;

use aya_ebpf::btf_maps::PerCpuArray;
use aya_ebpf::macros::btf_map;
use xdpgate_ebpf::packet::Packet;
use xdpgate_ebpf::rules::Steps;
use xdpgate_ebpf::verdict::Verdict;

use crate::frame::Settled;

#[btf_map]
static SCRATCH: PerCpuArray<Scratch, 1> = PerCpuArray::new();

/// Memory of this CPU for one packet. The verifier knows nothing of what a map holds: what is read back from here is
/// one state for it, however many ways led to it.
pub(crate) struct Scratch {
    pub(crate) packet: Packet,
    pub(crate) verdict: Verdict,
    pub(crate) settled: Settled,
    pub(crate) steps: Steps,
    /// Outlives the packet.
    pub(crate) last_reading: LastReading,
    /// Outlives the packet.
    pub(crate) told: [Told; TOLD],
}

/// How many sources over a limit a CPU remembers to have told of. A power of two.
pub(crate) const TOLD: usize = 64;

/// A source over a limit of which this CPU has told. Zeroes: none.
pub(crate) struct Told {
    /// Stands for the source and the limit.
    pub(crate) key: Cell<u64>,
    /// When, in nanoseconds of `CLOCK_MONOTONIC`.
    pub(crate) time_ns: Cell<u64>,
}

/// When this CPU last read the clock. Zeroes: never.
pub(crate) struct LastReading {
    /// What it read.
    pub(crate) now_ns: Cell<u64>,
    /// The kernel's tick at that time.
    pub(crate) tick: Cell<u64>,
    /// How many packets may use it.
    pub(crate) uses: Cell<u64>,
    /// How many of them have not come yet.
    pub(crate) uses_left: Cell<u64>,
    /// What the packet at hand was told; zero: it has not asked yet.
    pub(crate) told_ns: Cell<u64>,
}

#[inline(always)]
pub(crate) fn scratch() -> Option<&'static mut Scratch> {
    // SAFETY: a live value that belongs to this CPU, and each packet asks for it once. The kernel zeroes it, and zeroes
    // are a valid packet.
    SCRATCH.get_ptr_mut(0).map(|scratch| unsafe { &mut *scratch })
}
