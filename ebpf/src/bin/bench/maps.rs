//! Map access: the declarations, and every dereference of a pointer that the kernel handed out.
//!
//! What is per CPU belongs to the running program: test runs are neither preempted by another one nor moved.
#![expect(unsafe_code, reason = "the kernel hands out raw pointers into maps")]
#![expect(clippy::undocumented_unsafe_blocks, reason = "btf_map and no_mangle expand to unsafe attributes")]

use core::cell::UnsafeCell;
use core::ptr::read_volatile;

use aya_ebpf::btf_maps::lpm_trie::Key;
use aya_ebpf::btf_maps::{Array, LpmTrie, LruHashMap, PerCpuArray};
use aya_ebpf::helpers::generated::bpf_ktime_get_ns;
use aya_ebpf::macros::{btf_map, map};
use aya_ebpf::maps::ProgramArray;
use aya_ebpf::programs::XdpContext;
use xdpgate_ebpf::packet::Packet;

use crate::source::{LIST, Plan};
use crate::view::Settled;

/// The tests make the tries as large as they need.
const DEFAULT_PREFIXES: usize = 1 << 20;
const LRU_ENTRIES: usize = 1 << 18;

/// Index 0: the program under test.
#[map]
static PROGRAMS: ProgramArray = ProgramArray::with_max_entries(1, 0);
#[btf_map]
static PLAN: Array<Plan, 1> = Array::new();
/// IPv4 in the first four bytes.
#[btf_map]
static SOURCES: Array<[u8; 16], { LIST as usize }> = Array::new();
/// The number of the next frame on this CPU.
#[btf_map]
static NEXT: PerCpuArray<u64, 1> = PerCpuArray::new();
/// The sum of all answers, or the number of frames.
#[btf_map]
static SUM: PerCpuArray<u64, 1> = PerCpuArray::new();
/// When the first and the last frame came, in nanoseconds of `CLOCK_MONOTONIC`.
#[btf_map]
static STAMPS: PerCpuArray<[u64; 2], 1> = PerCpuArray::new();
#[btf_map]
static TRIE_V4: LpmTrie<[u8; 4], u32, DEFAULT_PREFIXES> = LpmTrie::new();
#[btf_map]
static TRIE_V6: LpmTrie<[u8; 16], u32, DEFAULT_PREFIXES> = LpmTrie::new();
#[btf_map]
static WORD: Array<u64, 1> = Array::new();
#[btf_map]
static LRU: LruHashMap<[u8; 16], u64, LRU_ENTRIES> = LruHashMap::new();
#[btf_map]
static SCRATCH: PerCpuArray<Scratch, 1> = PerCpuArray::new();

/// Memory of this CPU for one packet, as the program under test has it.
pub(crate) struct Scratch {
    pub(crate) packet: Packet,
    pub(crate) settled: Settled,
    key4: UnsafeCell<Key<[u8; 4]>>,
    key6: UnsafeCell<Key<[u8; 16]>>,
}

/// What the kernel asks before it lends its helpers.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

/// Returns only where there is no program under test.
#[inline(always)]
pub(crate) fn become_program(ctx: &XdpContext) {
    // SAFETY: nothing of this program is used after the jump.
    unsafe { PROGRAMS.tail_call(ctx, 0) };
}

#[inline(always)]
pub(crate) fn plan() -> Option<&'static Plan> {
    PLAN.get(0)
}

#[inline(always)]
pub(crate) fn listed(place: u32) -> Option<&'static [u8; 16]> {
    SOURCES.get(place)
}

#[inline(always)]
pub(crate) fn next_frame() -> Option<u64> {
    let next = NEXT.get_ptr_mut(0)?;
    // SAFETY: this CPU's own word.
    unsafe {
        let number = *next;
        *next = number + 1;
        Some(number)
    }
}

/// Adds to this CPU's sum: an answer that nobody used would not be computed.
#[inline(always)]
pub(crate) fn count(amount: u64) {
    if let Some(sum) = SUM.get_ptr_mut(0) {
        // SAFETY: this CPU's own word.
        unsafe { *sum += amount };
    }
}

/// Notes the time.
#[inline(always)]
pub(crate) fn stamp() {
    let Some(stamps) = STAMPS.get_ptr_mut(0) else { return };
    // SAFETY: the helper takes nothing; the words are this CPU's own.
    unsafe {
        let now = bpf_ktime_get_ns();
        let [first, last] = &mut *stamps;
        if *first == 0 {
            *first = now;
        }
        *last = now;
    }
}

#[inline(always)]
pub(crate) fn scratch() -> Option<&'static mut Scratch> {
    // SAFETY: a live value that belongs to this CPU, and each frame asks for it once. Zeroes are a valid packet.
    SCRATCH.get_ptr_mut(0).map(|scratch| unsafe { &mut *scratch })
}

#[inline(always)]
pub(crate) fn trie4(address: [u8; 4]) -> u32 {
    let Some(scratch) = scratch() else { return 0 };
    // SAFETY: this CPU's own memory. Not on the stack, where the bytes behind the length would be misaligned.
    let key = unsafe {
        scratch.key4.get().write(Key::new(32, address));
        &*scratch.key4.get()
    };
    TRIE_V4.get(key).map_or(0, |leaf| *leaf)
}

#[inline(always)]
pub(crate) fn trie6(address: [u8; 16]) -> u32 {
    let Some(scratch) = scratch() else { return 0 };
    // SAFETY: as above.
    let key = unsafe {
        scratch.key6.get().write(Key::new(128, address));
        &*scratch.key6.get()
    };
    TRIE_V6.get(key).map_or(0, |leaf| *leaf)
}

#[inline(always)]
pub(crate) fn word() -> u64 {
    // SAFETY: an aligned word of the array; volatile, so that the load is made.
    WORD.get_ptr(0).map_or(0, |word| unsafe { read_volatile(word) })
}

/// The word that the LRU hash has for an address; zero where it has none.
#[inline(always)]
pub(crate) fn bucket(address: &[u8; 16]) -> u64 {
    // SAFETY: a live pointer to an aligned word.
    LRU.get_ptr(address).map_or(0, |word| unsafe { read_volatile(word) })
}
