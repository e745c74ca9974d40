//! The words that steer the data path, and what the loader says of this program.
#![expect(unsafe_code, reason = "the kernel hands out raw pointers into maps")]
#![expect(clippy::undocumented_unsafe_blocks, reason = "btf_map and no_mangle expand to unsafe attributes")]

use core::ptr::read_volatile;

use aya_ebpf::Global;
use aya_ebpf::btf_maps::Array;
use aya_ebpf::helpers::generated::{bpf_jiffies64, bpf_ktime_get_ns};
use aya_ebpf::macros::btf_map;
use xdpgate_ebpf::abi::{Control, InterfaceRow, MAX_INTERFACES, control};

use super::MMAPABLE;

#[btf_map]
static ABI: Array<u64, 1> = Array::new();
#[btf_map]
static CONTROL: Array<Control, 1, MMAPABLE> = Array::new();
#[btf_map]
static INTERFACES: Array<InterfaceRow, { MAX_INTERFACES as usize }> = Array::new();

/// The slot of the interface that this program is attached to. The loader sets it, so the verifier knows it.
#[unsafe(no_mangle)]
static INTERFACE_SLOT: Global<u32> = Global::new(0);

#[inline(always)]
pub(crate) fn interface_slot() -> u32 {
    INTERFACE_SLOT.load() & (MAX_INTERFACES - 1)
}

/// The words of `CONTROL`.
#[derive(Clone, Copy)]
pub(crate) struct ControlWords(*const u64);

impl ControlWords {
    #[inline(always)]
    pub(crate) fn get() -> Option<Self> {
        CONTROL.get_ptr(0).map(|words| Self(words.cast()))
    }

    /// One word; the index is below [`control::WORDS`].
    #[inline(always)]
    pub(crate) fn word(self, index: usize) -> u64 {
        // SAFETY: a live pointer to that many aligned words, and the index is masked; volatile, because userspace stores
        // to them.
        unsafe { read_volatile(self.0.add(index & (control::WORDS - 1))) }
    }

    /// Zero, which neither the compiler nor the verifier knows.
    #[inline(always)]
    pub(crate) fn zero(self) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "it is zero")]
        let zero = self.word(control::ZERO) as u32;
        zero
    }
}

#[inline(always)]
pub(crate) fn monotonic_ns() -> u64 {
    // SAFETY: the helper takes nothing and has no effect.
    unsafe { bpf_ktime_get_ns() }
}

/// The number of the kernel's tick (`jiffies_64`). The JIT compiler turns it into one load.
#[inline(always)]
pub(crate) fn tick() -> u64 {
    // SAFETY: as above.
    unsafe { bpf_jiffies64() }
}
