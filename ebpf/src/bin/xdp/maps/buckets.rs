//! The table of buckets. The loader sets how many sets it has.
#![expect(unsafe_code, reason = "the kernel hands out raw pointers into maps")]
#![expect(clippy::undocumented_unsafe_blocks, reason = "btf_map expands to an unsafe attribute")]

use core::intrinsics::{AtomicOrdering::Relaxed, atomic_cxchg, atomic_xadd};
use core::ptr::{read_volatile, write_volatile};

use aya_ebpf::btf_maps::Array;
use aya_ebpf::macros::btf_map;
use xdpgate_ebpf::abi::{BUCKET_PLACES, BucketSlots, MIN_BUCKET_BITS, control};
use xdpgate_ebpf::buckets::{BucketMemory, BucketSet, Shape};
use xdpgate_ebpf::limit;

use super::{ControlWords, MMAPABLE};

#[btf_map]
static BUCKETS: Array<BucketSlots, { 1 << MIN_BUCKET_BITS }, MMAPABLE> = Array::new();

/// Words of a place: whose a slot is, and its state; or both marks.
const PLACE_WORDS: usize = 2;

/// The table.
pub(crate) struct Buckets {
    shape: Shape,
    zero: u64,
}

impl Buckets {
    #[inline(always)]
    pub(crate) fn of(control: ControlWords) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "userspace writes a number below 64")]
        let bits = control.word(control::BUCKET_BITS) as u32;
        Self {
            shape: Shape { seed: control.word(control::HASH_SEED), bits },
            zero: control.word(control::ZERO),
        }
    }
}

impl BucketMemory for Buckets {
    type Set<'a> = SetPointer;

    #[inline(always)]
    fn shape(&self) -> Shape {
        self.shape
    }

    #[inline(always)]
    fn set(&self, index: u32) -> Option<SetPointer> {
        BUCKETS.get_ptr_mut(index).map(|set| SetPointer(set.cast()))
    }

    #[inline(always)]
    fn settle(&self, number: u64) -> u64 {
        number ^ self.zero
    }
}

/// One set.
#[derive(Clone, Copy)]
pub(crate) struct SetPointer(*mut u64);

impl SetPointer {
    #[inline(always)]
    fn word(self, slot: u32, word: usize) -> CellPointer {
        let index = (slot & (BUCKET_PLACES - 1)) as usize * PLACE_WORDS + word;
        // SAFETY: the address of a word of a live map value; nothing is read.
        CellPointer(unsafe { self.0.add(index) })
    }
}

impl BucketSet for SetPointer {
    type Cell = CellPointer;

    #[inline(always)]
    fn tag(&self, slot: u32) -> CellPointer {
        self.word(slot, 0)
    }

    #[inline(always)]
    fn state(&self, slot: u32) -> CellPointer {
        self.word(slot, 1)
    }

    #[inline(always)]
    fn second_mark(&self) -> CellPointer {
        self.word(0, 0)
    }

    #[inline(always)]
    fn line_mark(&self) -> CellPointer {
        self.word(0, 1)
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
    fn store(&self, value: u64) {
        // SAFETY: as above.
        unsafe { write_volatile(self.0, value) };
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
