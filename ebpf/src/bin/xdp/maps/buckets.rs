//! Buckets.
#![expect(unsafe_code, reason = "the kernel hands out raw pointers into maps")]
#![expect(clippy::undocumented_unsafe_blocks, reason = "btf_map and no_mangle expand to unsafe attributes")]

use core::intrinsics::{AtomicOrdering::Relaxed, atomic_cxchg, atomic_xadd};
use core::ptr::{addr_of_mut, read_volatile};

use aya_ebpf::bindings::BPF_NOEXIST;
use aya_ebpf::btf_maps::LruHashMap;
use aya_ebpf::macros::btf_map;
use xdpgate_ebpf::abi::{Bucket, BucketKey};
use xdpgate_ebpf::limit;

const DEFAULT_ENTRIES: usize = 1 << 18;

#[btf_map]
static BUCKETS: LruHashMap<BucketKey, Bucket, DEFAULT_ENTRIES> = LruHashMap::new();

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

