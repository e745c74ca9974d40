//! Map access: the declarations, and every dereference of a pointer that the kernel handed out.
//!
//! Rules that make the reads below sound: words of `CONTROL` are 8 bytes, aligned, and written whole. A generation's
//! settings, attributes and tries are written while no packet can see them (userspace waits for the running programs
//! before it reuses a slot). Bans and buckets change under the reader, one aligned word at a time. Counters belong to
//! this CPU: an XDP program is neither preempted by another one nor moved.
#![expect(unsafe_code, reason = "the kernel hands out raw pointers into maps")]
#![expect(clippy::undocumented_unsafe_blocks, reason = "btf_map and no_mangle expand to unsafe attributes")]

use core::cell::UnsafeCell;
use core::hint::black_box;
use core::intrinsics::{AtomicOrdering::Relaxed, atomic_cxchg, atomic_xadd};
use core::ptr::{addr_of, addr_of_mut, read_volatile, write_volatile};

use aya_ebpf::Global;
use aya_ebpf::bindings::BPF_NOEXIST;
use aya_ebpf::btf_maps::lpm_trie::Key;
use aya_ebpf::btf_maps::{Array, ArrayOfMaps, HashMap, LpmTrie, LruHashMap, PerCpuArray, RingBuf};
use aya_ebpf::helpers::generated::bpf_ktime_get_ns;
use aya_ebpf::macros::btf_map;
use xdpgate_ebpf::abi::{
    AttributeSet, Ban, Bucket, BucketKey, Count, Event, EventCounters, GENERATION_SLOTS, InterfaceCounters,
    InterfaceRow, ListCounters, MAX_ATTRIBUTE_SETS, MAX_INTERFACES, MAX_LISTS, MAX_REASONS, PrefixBan,
    Settings, control,
};
use xdpgate_ebpf::limit;
use xdpgate_ebpf::packet::Packet;
use xdpgate_ebpf::reason::Reason;
use xdpgate_ebpf::verdict::Verdict;

use crate::frame::Settled;

const SLOTS: usize = GENERATION_SLOTS as usize;
/// The sizes of tables that the policy sizes; the loader sets them before the maps are made.
const DEFAULT_ENTRIES: usize = 1 << 18;
const EVENT_RING_BYTES: usize = 1 << 18;

#[btf_map]
static ABI: Array<u64, 1> = Array::new();
#[btf_map]
static CONTROL: Array<u64, { control::WORDS as usize }> = Array::new();
#[btf_map]
static INTERFACES: Array<InterfaceRow, { MAX_INTERFACES as usize }> = Array::new();
#[btf_map]
static SETTINGS: Array<Settings, SLOTS> = Array::new();
#[btf_map]
static ATTRIBUTES: Array<AttributeSet, { SLOTS * MAX_ATTRIBUTE_SETS as usize }> = Array::new();
#[btf_map]
static PREFIXES_V4: ArrayOfMaps<LpmTrie<[u8; 4], u32, 1>, SLOTS> = ArrayOfMaps::new();
#[btf_map]
static PREFIXES_V6: ArrayOfMaps<LpmTrie<[u8; 16], u32, 1>, SLOTS> = ArrayOfMaps::new();
#[btf_map]
static BANS_V4: HashMap<[u8; 4], Ban, DEFAULT_ENTRIES> = HashMap::new();
#[btf_map]
static BANS_V6: HashMap<[u8; 16], Ban, DEFAULT_ENTRIES> = HashMap::new();
#[btf_map]
static BAN_PREFIXES_V4: LpmTrie<[u8; 4], PrefixBan, DEFAULT_ENTRIES> = LpmTrie::new();
#[btf_map]
static BAN_PREFIXES_V6: LpmTrie<[u8; 16], PrefixBan, DEFAULT_ENTRIES> = LpmTrie::new();
#[btf_map]
static BUCKETS: LruHashMap<BucketKey, Bucket, DEFAULT_ENTRIES> = LruHashMap::new();
#[btf_map]
static COUNTERS: PerCpuArray<InterfaceCounters, { MAX_INTERFACES as usize }> = PerCpuArray::new();
#[btf_map]
static LIST_COUNTERS: PerCpuArray<ListCounters, MAX_LISTS> = PerCpuArray::new();
#[btf_map]
static EVENT_COUNTERS: PerCpuArray<EventCounters, 1> = PerCpuArray::new();
#[btf_map]
static EVENTS: RingBuf<Event, EVENT_RING_BYTES> = RingBuf::new();

#[btf_map]
static SCRATCH: PerCpuArray<Scratch, 1> = PerCpuArray::new();

/// Memory of this CPU for one packet. The verifier knows nothing of what a map holds: what is read back from here is
/// one state for it, however many ways led to it.
pub(crate) struct Scratch {
    pub(crate) packet: Packet,
    pub(crate) verdict: Verdict,
    pub(crate) settled: Settled,
    pub(crate) keys: PrefixKeys,
}

/// Room for the keys of the tries. On the stack the address behind the 4 bytes of the length would be misaligned, and
/// the verifier refuses that there.
pub(crate) struct PrefixKeys {
    v4: UnsafeCell<Key<[u8; 4]>>,
    v6: UnsafeCell<Key<[u8; 16]>>,
}

impl PrefixKeys {
    #[inline(always)]
    fn v4(&self, address: [u8; 4]) -> &Key<[u8; 4]> {
        // SAFETY: belongs to this CPU, and the reference from the call before is no longer used.
        unsafe {
            self.v4.get().write(Key::new(32, address));
            &*self.v4.get()
        }
    }

    #[inline(always)]
    fn v6(&self, address: [u8; 16]) -> &Key<[u8; 16]> {
        // SAFETY: as above.
        unsafe {
            self.v6.get().write(Key::new(128, address));
            &*self.v6.get()
        }
    }
}

/// What the kernel asks before it lends its helpers (`license_is_gpl_compatible` in linux/license.h): of this project's
/// licences, the one that it has a word for.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

/// The slot of the interface that this program is attached to. The loader sets it, so the verifier knows it.
#[unsafe(no_mangle)]
static INTERFACE_SLOT: Global<u32> = Global::new(0);

#[inline(always)]
pub(crate) fn interface_slot() -> u8 {
    #[expect(clippy::cast_possible_truncation, reason = "MAX_INTERFACES is 64")]
    let slot = INTERFACE_SLOT.load() as u8;
    slot
}

#[inline(always)]
pub(crate) fn monotonic_ns() -> u64 {
    // SAFETY: the helper takes nothing and has no effect.
    unsafe { bpf_ktime_get_ns() }
}

#[inline(always)]
pub(crate) fn control_word(index: u32) -> u64 {
    match CONTROL.get_ptr(index) {
        // SAFETY: a live pointer to an aligned word of the array; volatile, because userspace stores to it.
        Some(word) => unsafe { read_volatile(word) },
        None => 0,
    }
}

#[inline(always)]
pub(crate) fn scratch() -> Option<&'static mut Scratch> {
    // SAFETY: a live value that belongs to this CPU, and each packet asks for it once. The kernel zeroes it, and zeroes
    // are a valid packet.
    SCRATCH.get_ptr_mut(0).map(|scratch| unsafe { &mut *scratch })
}

#[inline(always)]
fn slot(generation: u64) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "masked")]
    let slot = (generation & (GENERATION_SLOTS - 1)) as u32;
    slot
}

#[inline(always)]
pub(crate) fn settings(generation: u64) -> Option<&'static Settings> {
    SETTINGS.get(slot(generation))
}

#[inline(always)]
pub(crate) fn attribute_set(generation: u64, set: u32) -> AttributeSet {
    let index = slot(generation) * MAX_ATTRIBUTE_SETS + (set & (MAX_ATTRIBUTE_SETS - 1));
    match ATTRIBUTES.get(index) {
        Some(attributes) => *attributes,
        None => AttributeSet::EMPTY,
    }
}

/// The attribute set of the longest prefix around the address; 0 where there is none.
#[inline(always)]
pub(crate) fn prefix_v4(keys: &PrefixKeys, generation: u64, address: [u8; 4]) -> u32 {
    match PREFIXES_V4.get_value_ptr_mut(slot(generation), keys.v4(address)) {
        // SAFETY: a live pointer to a value of the trie; values are not changed once their generation is live.
        Some(set) => unsafe { *set },
        None => 0,
    }
}

/// Likewise.
#[inline(always)]
pub(crate) fn prefix_v6(keys: &PrefixKeys, generation: u64, address: [u8; 16]) -> u32 {
    match PREFIXES_V6.get_value_ptr_mut(slot(generation), keys.v6(address)) {
        // SAFETY: as above.
        Some(set) => unsafe { *set },
        None => 0,
    }
}

#[inline(always)]
pub(crate) fn ban_v4(address: [u8; 4]) -> Option<Ban> {
    // SAFETY: a live pointer to an element; its one word is read once. If the element is reused meanwhile the answer is
    // that of the moment before or after.
    BANS_V4.get_ptr(address).map(|ban| unsafe { read_volatile(ban) })
}

#[inline(always)]
pub(crate) fn ban_v6(address: [u8; 16]) -> Option<Ban> {
    // SAFETY: as above.
    BANS_V6.get_ptr(address).map(|ban| unsafe { read_volatile(ban) })
}

#[inline(always)]
pub(crate) fn ban_prefix_v4(keys: &PrefixKeys, address: [u8; 4]) -> Option<Ban> {
    BAN_PREFIXES_V4.get(keys.v4(address)).map(|ban| Ban::from_prefix(*ban))
}

#[inline(always)]
pub(crate) fn ban_prefix_v6(keys: &PrefixKeys, address: [u8; 16]) -> Option<Ban> {
    BAN_PREFIXES_V6.get(keys.v6(address)).map(|ban| Ban::from_prefix(*ban))
}

/// The bucket of a key; a full one is made where there is none.
#[inline(always)]
pub(crate) fn bucket(key: &BucketKey) -> Option<BucketPointer> {
    if let Some(bucket) = BUCKETS.get_ptr_mut(key) {
        return Some(BucketPointer(bucket));
    }
    // NOEXIST, because another CPU may have made and charged it in between; then its bucket is found below.
    let _ = BUCKETS.insert(key, Bucket { packets: 0, bytes: 0 }, u64::from(BPF_NOEXIST));
    BUCKETS.get_ptr_mut(key).map(BucketPointer)
}

/// A bucket in the LRU hash. It may be recycled for another source while a packet holds it; the charge then goes to the
/// wrong source, once. The tables that replace this module do not have that flaw.
pub(crate) struct BucketPointer(*mut Bucket);

impl limit::Bucket for BucketPointer {
    type Cell = CellPointer;

    #[inline(always)]
    fn packets(&self) -> CellPointer {
        // SAFETY: the address of a field of a live map value; nothing is read.
        CellPointer(unsafe { addr_of_mut!((*self.0).packets) })
    }

    #[inline(always)]
    fn bytes(&self) -> CellPointer {
        // SAFETY: as above.
        CellPointer(unsafe { addr_of_mut!((*self.0).bytes) })
    }
}

/// A word that all CPUs share.
pub(crate) struct CellPointer(*mut u64);

impl limit::Cell for CellPointer {
    #[inline(always)]
    fn load(&self) -> u64 {
        // SAFETY: an aligned word of a live map value. A volatile load, since an atomic one does not select on this
        // target (LLVM 22, cpu v3); the hardware's 8-byte load is atomic.
        unsafe { read_volatile(self.0) }
    }

    #[inline(always)]
    fn compare_exchange(&self, current: u64, new: u64) -> Result<(), u64> {
        // SAFETY: as above; becomes one cmpxchg instruction (kernel 5.12).
        let (found, swapped) = unsafe { atomic_cxchg::<u64, { Relaxed }, { Relaxed }>(self.0, current, new) };
        if swapped { Ok(()) } else { Err(found) }
    }

    #[inline(always)]
    fn add(&self, amount: u64) {
        // SAFETY: as above; becomes one atomic add.
        unsafe { atomic_xadd::<u64, u64, { Relaxed }>(self.0, amount) };
    }
}

/// This CPU's counters of this interface.
pub(crate) struct CounterRow(*mut InterfaceCounters);

#[inline(always)]
pub(crate) fn counters() -> Option<CounterRow> {
    COUNTERS.get_ptr_mut(INTERFACE_SLOT.load() & (MAX_INTERFACES - 1)).map(CounterRow)
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

#[inline(always)]
fn count(counter: *mut Count, bytes: u32) {
    // SAFETY: the callers pass a live counter that belongs to this CPU.
    unsafe {
        (*counter).packets += 1;
        (*counter).bytes += u64::from(bytes);
    }
}

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
