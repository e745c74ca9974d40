//! Sampled events.
#![expect(unsafe_code, reason = "the kernel hands out raw pointers into maps")]
#![expect(clippy::undocumented_unsafe_blocks, reason = "btf_map and no_mangle expand to unsafe attributes")]

use core::ptr::{addr_of, addr_of_mut, write_volatile};

use aya_ebpf::btf_maps::{PerCpuArray, RingBuf};
use aya_ebpf::macros::btf_map;
use xdpgate_ebpf::abi::{Event, EventCounters, Excess};

const EVENT_RING_BYTES: usize = 1 << 18;
const EXCESS_RING_BYTES: usize = 1 << 16;

#[btf_map]
static EVENT_COUNTERS: PerCpuArray<EventCounters, 1> = PerCpuArray::new();
#[btf_map]
static EVENTS: RingBuf<Event, EVENT_RING_BYTES> = RingBuf::new();
#[btf_map]
static EXCESSES: RingBuf<Excess, EXCESS_RING_BYTES> = RingBuf::new();

/// This CPU's account of events.
pub(crate) struct EventRow(*mut EventCounters);

#[inline(always)]
pub(crate) fn event_counters() -> Option<EventRow> {
    EVENT_COUNTERS.get_ptr_mut(0).map(EventRow)
}

impl EventRow {
    #[inline(always)]
    pub(crate) fn budget(&self) -> u64 {
        // SAFETY: a live row that belongs to this CPU.
        unsafe { addr_of!((*self.0).budget).read() }
    }

    #[inline(always)]
    pub(crate) fn set_budget(&self, word: u64) {
        // SAFETY: as above.
        unsafe { write_volatile(addr_of_mut!((*self.0).budget), word) };
    }

    #[inline(always)]
    pub(crate) fn skipped(&self) {
        // SAFETY: as above.
        unsafe { (*self.0).skipped += 1 };
    }

    #[inline(always)]
    pub(crate) fn written_or_lost(&self, written: bool) {
        // SAFETY: as above.
        unsafe {
            if written {
                (*self.0).written += 1;
            } else {
                (*self.0).lost += 1;
            }
        }
    }
}

/// False: the ring had no room.
#[inline(always)]
pub(crate) fn write_event(event: Event) -> bool {
    let Some(mut entry) = EVENTS.reserve(0) else { return false };
    entry.write(event);
    entry.submit(0);
    true
}

/// False: the ring had no room.
#[inline(always)]
pub(crate) fn write_excess(excess: Excess) -> bool {
    let Some(mut entry) = EXCESSES.reserve(0) else { return false };
    entry.write(excess);
    entry.submit(0);
    true
}
