//! Counters of this CPU.
#![expect(unsafe_code, reason = "the kernel hands out raw pointers into maps")]
#![expect(clippy::undocumented_unsafe_blocks, reason = "btf_map and no_mangle expand to unsafe attributes")]

use core::hint::black_box;
use core::ptr::addr_of_mut;

use aya_ebpf::btf_maps::PerCpuArray;
use aya_ebpf::macros::btf_map;
use xdpgate_ebpf::abi::{
    COUNTRY_ROWS, Count, CountryCounters, InterfaceCounters, ListCounters, MAX_INTERFACES, MAX_LISTS,
    MAX_REASONS, country_row,
};
use xdpgate_ebpf::reason::Reason;
use xdpgate_ebpf::verdict::Verdict;

use super::control::interface_slot;

#[btf_map]
static COUNTERS: PerCpuArray<InterfaceCounters, { MAX_INTERFACES as usize }> = PerCpuArray::new();
#[btf_map]
static LIST_COUNTERS: PerCpuArray<ListCounters, MAX_LISTS> = PerCpuArray::new();
#[btf_map]
static COUNTRY_COUNTERS: PerCpuArray<CountryCounters, { COUNTRY_ROWS as usize }> = PerCpuArray::new();

/// What country rules drop.
const COUNTRY_REASONS: u32 = Reason::CountryDenied.bit() | Reason::CountryUnknown.bit();

/// This CPU's counters of this interface.
pub(crate) struct CounterRow(*mut InterfaceCounters);

#[inline(always)]
pub(crate) fn counters() -> Option<CounterRow> {
    COUNTERS.get_ptr_mut(interface_slot()).map(CounterRow)
}

impl CounterRow {
    #[inline(always)]
    pub(crate) fn seen(&self, bytes: u32) {
        // SAFETY: a live row that belongs to this CPU.
        count(unsafe { addr_of_mut!((*self.0).seen) }, bytes);
    }

    #[inline(always)]
    pub(crate) fn decided(&self, verdict: &Verdict, bytes: u32) {
        // The compiler knows how many reasons there are and would drop the mask; the verifier does not.
        let index = black_box(verdict.reason.index()) & (MAX_REASONS - 1);
        // SAFETY: as above; the index is masked to the array's length.
        count(unsafe { addr_of_mut!((*self.0).decided).cast::<Count>().add(index) }, bytes);
        if verdict.monitored == 0 {
            return;
        }
        for reason in Reason::MONITORABLE {
            if verdict.monitored & reason.bit() != 0 {
                // SAFETY: as above; a reason's index is below MAX_REASONS.
                count(
                    unsafe { addr_of_mut!((*self.0).monitored).cast::<Count>().add(reason.index()) },
                    bytes,
                );
            }
        }
    }
}

/// Counts a packet for the lists that dropped it, or would have.
#[inline(always)]
pub(crate) fn count_lists(verdict: &Verdict, bytes: u32) {
    if let Some(list) = verdict.list
        && let Some(row) = LIST_COUNTERS.get_ptr_mut(u32::from(list.bit()))
    {
        // SAFETY: a live row that belongs to this CPU.
        count(unsafe { addr_of_mut!((*row).dropped) }, bytes);
    }
    let mut lists = verdict.lists_monitored;
    let mut list = 0;
    while list < MAX_LISTS as u32 && lists != 0 {
        if lists & 1 != 0
            && let Some(row) = LIST_COUNTERS.get_ptr_mut(list)
        {
            // SAFETY: as above.
            count(unsafe { addr_of_mut!((*row).monitored) }, bytes);
        }
        lists >>= 1;
        list += 1;
    }
}

/// Counts a packet for the country of its source, where a country rule dropped it, or would have.
#[inline(always)]
pub(crate) fn count_country(verdict: &Verdict, bytes: u32) {
    let dropped = matches!(verdict.reason, Reason::CountryDenied | Reason::CountryUnknown);
    if !dropped && verdict.monitored & COUNTRY_REASONS == 0 {
        return;
    }
    let Some(row) = COUNTRY_COUNTERS.get_ptr_mut(country_row(verdict.country)) else { return };
    // SAFETY: a live row that belongs to this CPU.
    let counter =
        unsafe { if dropped { addr_of_mut!((*row).dropped) } else { addr_of_mut!((*row).monitored) } };
    count(counter, bytes);
}

#[inline(always)]
pub(super) fn count(counter: *mut Count, bytes: u32) {
    // SAFETY: the callers pass a live counter that belongs to this CPU.
    unsafe {
        (*counter).packets += 1;
        (*counter).bytes += u64::from(bytes);
    }
}

/// Undoes [`count`].
#[inline(always)]
pub(super) fn take_back(counter: *mut Count, bytes: u32) {
    // SAFETY: as above.
    unsafe {
        (*counter).packets -= 1;
        (*counter).bytes -= u64::from(bytes);
    }
}
