//! Map access: the declarations, and every dereference of a pointer that the kernel handed out.
//!
//! Userspace fills everything before the first frame. Buckets change under the reader, one aligned word at a time.
//! Counters and scratch memory belong to this CPU: an XDP program is neither preempted by another one nor moved.
#![expect(unsafe_code, reason = "the kernel hands out raw pointers into maps")]
#![expect(clippy::undocumented_unsafe_blocks, reason = "btf_map and no_mangle expand to unsafe attributes")]

use core::cell::UnsafeCell;
use core::intrinsics::{AtomicOrdering::Relaxed, atomic_cxchg, atomic_xadd};
use core::ptr::{addr_of_mut, read_volatile};

use aya_ebpf::bindings::BPF_ANY;
use aya_ebpf::btf_maps::lpm_trie::Key;
use aya_ebpf::btf_maps::{Array, ArrayOfMaps, HashMap, LpmTrie, LruHashMap, PerCpuArray};
use aya_ebpf::helpers::generated::bpf_ktime_get_ns;
use aya_ebpf::macros::btf_map;
use xdpgate_ebpf::abi::Count;
use xdpgate_ebpf::packet::{Packet, Source};

use crate::bucket::{Bucket, Rules};
use crate::decide::{EXITS, Exit};
use crate::frame::Settled;

/// The loader makes the bans and the buckets as large as it needs.
const DEFAULT_ENTRIES: usize = 1 << 18;

/// One trie, in an array of maps: a policy of a million prefixes has to be replaced as a whole.
#[btf_map]
static PREFIXES_V4: ArrayOfMaps<LpmTrie<[u8; 4], u32, 1>, 1> = ArrayOfMaps::new();
#[btf_map]
static PREFIXES_V6: ArrayOfMaps<LpmTrie<[u8; 16], u32, 1>, 1> = ArrayOfMaps::new();
/// Until when, in nanoseconds of `CLOCK_MONOTONIC`.
#[btf_map]
static BANS_V4: HashMap<[u8; 4], u64, DEFAULT_ENTRIES> = HashMap::new();
#[btf_map]
static BANS_V6: HashMap<[u8; 16], u64, DEFAULT_ENTRIES> = HashMap::new();
#[btf_map]
static BUCKETS_V4: LruHashMap<[u8; 4], Bucket, DEFAULT_ENTRIES> = LruHashMap::new();
#[btf_map]
static BUCKETS_V6: LruHashMap<[u8; 8], Bucket, DEFAULT_ENTRIES> = LruHashMap::new();
#[btf_map]
static RULES: Array<Rules, 1> = Array::new();
#[btf_map]
static COUNTERS: PerCpuArray<Counters, 1> = PerCpuArray::new();
#[btf_map]
static SCRATCH: PerCpuArray<Scratch, 1> = PerCpuArray::new();

/// Packets and bytes by exit.
pub(crate) struct Counters([Count; EXITS as usize]);

/// Memory of this CPU for one packet.
pub(crate) struct Scratch {
    pub(crate) packet: Packet,
    pub(crate) settled: Settled,
    pub(crate) keys: PrefixKeys,
}

/// Room for the keys of the tries. On the stack the bytes behind the length would be misaligned.
pub(crate) struct PrefixKeys {
    v4: UnsafeCell<Key<[u8; 4]>>,
    v6: UnsafeCell<Key<[u8; 16]>>,
}

/// What the kernel asks before it lends its helpers.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

#[inline(always)]
pub(crate) fn monotonic_ns() -> u64 {
    // SAFETY: the helper takes nothing and has no effect.
    unsafe { bpf_ktime_get_ns() }
}

#[inline(always)]
pub(crate) fn scratch() -> Option<&'static mut Scratch> {
    // SAFETY: a live value that belongs to this CPU, and each packet asks for it once. Zeroes are a valid packet.
    SCRATCH.get_ptr_mut(0).map(|scratch| unsafe { &mut *scratch })
}

#[inline(always)]
pub(crate) fn rules() -> Option<&'static Rules> {
    RULES.get(0)
}

/// What the longest prefix around the address says; nothing where there is none.
#[inline(always)]
pub(crate) fn leaf_v4(keys: &PrefixKeys, address: [u8; 4]) -> u32 {
    // SAFETY: this CPU's own memory.
    let key = unsafe {
        keys.v4.get().write(Key::new(32, address));
        &*keys.v4.get()
    };
    // SAFETY: a live pointer to a value of the trie; nothing changes it.
    PREFIXES_V4.get_value_ptr_mut(0, key).map_or(0, |leaf| unsafe { *leaf })
}

/// Likewise.
#[inline(always)]
pub(crate) fn leaf_v6(keys: &PrefixKeys, source: &Source) -> u32 {
    // SAFETY: as above.
    let key = unsafe {
        keys.v6.get().write(Key::new(128, source.address));
        &*keys.v6.get()
    };
    // SAFETY: as above.
    PREFIXES_V6.get_value_ptr_mut(0, key).map_or(0, |leaf| unsafe { *leaf })
}

#[inline(always)]
pub(crate) fn ban_v4(address: [u8; 4]) -> Option<u64> {
    // SAFETY: a live pointer to an aligned word.
    BANS_V4.get_ptr(address).map(|until| unsafe { read_volatile(until) })
}

#[inline(always)]
pub(crate) fn ban_v6(source: &Source) -> Option<u64> {
    // SAFETY: as above.
    BANS_V6.get_ptr(&source.address).map(|until| unsafe { read_volatile(until) })
}

#[inline(always)]
pub(crate) fn bucket_v4(source: &[u8; 4]) -> Option<Found> {
    BUCKETS_V4.get_ptr_mut(source).map(Found)
}

#[inline(always)]
pub(crate) fn bucket_v6(source: &[u8; 8]) -> Option<Found> {
    BUCKETS_V6.get_ptr_mut(source).map(Found)
}

#[inline(always)]
pub(crate) fn add_bucket_v4(source: &[u8; 4], bucket: Bucket) {
    let _ = BUCKETS_V4.insert(source, bucket, u64::from(BPF_ANY));
}

#[inline(always)]
pub(crate) fn add_bucket_v6(source: &[u8; 8], bucket: Bucket) {
    let _ = BUCKETS_V6.insert(source, bucket, u64::from(BPF_ANY));
}

/// A bucket that was there. The kernel may give it to another source while a packet holds it.
pub(crate) struct Found(*mut Bucket);

impl Found {
    #[inline(always)]
    pub(crate) fn packets(&self) -> Word {
        // SAFETY: the address of a field of a live map value; nothing is read.
        Word(unsafe { addr_of_mut!((*self.0).packets) })
    }

    #[inline(always)]
    pub(crate) fn bytes(&self) -> Word {
        // SAFETY: as above.
        Word(unsafe { addr_of_mut!((*self.0).bytes) })
    }
}

/// A word that all CPUs share.
pub(crate) struct Word(*mut u64);

impl Word {
    #[inline(always)]
    pub(crate) fn load(&self) -> u64 {
        // SAFETY: an aligned word of a live map value; the hardware's 8-byte load is atomic.
        unsafe { read_volatile(self.0) }
    }

    #[inline(always)]
    pub(crate) fn compare_exchange(&self, current: u64, new: u64) -> Result<(), u64> {
        // SAFETY: as above; becomes one cmpxchg instruction.
        let (found, swapped) = unsafe { atomic_cxchg::<u64, { Relaxed }, { Relaxed }>(self.0, current, new) };
        if swapped { Ok(()) } else { Err(found) }
    }

    #[inline(always)]
    pub(crate) fn add(&self, amount: u64) {
        // SAFETY: as above; becomes one atomic add.
        unsafe { atomic_xadd::<u64, u64, { Relaxed }>(self.0, amount) };
    }
}

/// Counts one packet of this CPU.
#[inline(always)]
pub(crate) fn count(exit: Exit, bytes: u32) {
    let Some(counters) = COUNTERS.get_ptr_mut(0) else { return };
    let row = core::hint::black_box(exit as usize) & (EXITS as usize - 1);
    // SAFETY: a live row that belongs to this CPU; the index is masked to the array's length.
    unsafe {
        let count = addr_of_mut!((*counters).0).cast::<Count>().add(row);
        (*count).packets += 1;
        (*count).bytes += u64::from(bytes);
    }
}
