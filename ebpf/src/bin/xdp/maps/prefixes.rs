//! The prefix tables of a generation.
#![expect(unsafe_code, reason = "the kernel hands out raw pointers into maps")]
#![expect(clippy::undocumented_unsafe_blocks, reason = "btf_map and no_mangle expand to unsafe attributes")]

use core::ptr::read_unaligned;

use aya_ebpf::btf_maps::{Array, ArrayOfMaps};
use aya_ebpf::macros::btf_map;
use xdpgate_ebpf::abi::prefix::{BLOCK_BYTES, BLOCK_SLACK, GENERATION_BLOCKS, ROOT_ENTRIES};
use xdpgate_ebpf::abi::{GENERATION_SLOTS, family};
use xdpgate_ebpf::prefix::{self, PrefixMemory};

use super::generation::slot;
use super::{ControlWords, MMAPABLE};

const SLOTS: usize = GENERATION_SLOTS as usize;

type Root = [u32; ROOT_ENTRIES];
type Bytes = [u8; (BLOCK_BYTES + BLOCK_SLACK) as usize];

#[btf_map]
static ROOTS_V4: Array<Root, SLOTS, MMAPABLE> = Array::new();
#[btf_map]
static ROOTS_V6: Array<Root, SLOTS, MMAPABLE> = Array::new();
#[btf_map]
static PREFIX_BLOCKS: ArrayOfMaps<Array<Bytes, 1, MMAPABLE>, { SLOTS * GENERATION_BLOCKS as usize }> =
    ArrayOfMaps::new();

/// The tables of one generation.
pub(crate) struct Prefixes {
    slot: u32,
    zero: u32,
}

impl Prefixes {
    #[inline(always)]
    pub(crate) fn of(generation: u64, control: ControlWords) -> Self {
        Self { slot: slot(generation), zero: control.zero() }
    }
}

impl PrefixMemory for Prefixes {
    type Block<'a> = Block;

    #[inline(always)]
    fn root(&self, family: u8, index: u16) -> u32 {
        let root = if family == family::IPV4 { ROOTS_V4.get(self.slot) } else { ROOTS_V6.get(self.slot) };
        match root {
            // SAFETY: 16 bits are an index into this many entries.
            Some(root) => unsafe { *root.as_ptr().add(usize::from(index)) },
            None => 0,
        }
    }

    #[inline(always)]
    fn block(&self, number: u32) -> Option<Block> {
        let index = self.slot * GENERATION_BLOCKS + (number & (GENERATION_BLOCKS - 1));
        // A variable, so that it lies on the stack. A constant would lie in .rodata, where the compiler may share its place
        // with another constant of the same value: the slot of the interface, which the loader then changes.
        let key = 0;
        PREFIX_BLOCKS
            .get_value_ptr_mut(index, &key)
            .map(|bytes| Block { bytes: bytes.cast_const().cast(), zero: self.zero })
    }
}

/// One block.
pub(crate) struct Block {
    bytes: *const u8,
    zero: u32,
}

impl Block {
    #[inline(always)]
    fn read<T>(&self, offset: u32) -> T {
        // SAFETY: a live pointer to a block; the offset is masked to its data, and the slack behind that is longer than
        // any number. The words are plain bytes that nobody writes while their generation is live.
        unsafe { read_unaligned(self.bytes.add((offset & (BLOCK_BYTES - 1)) as usize).cast()) }
    }
}

impl prefix::Block for Block {
    #[inline(always)]
    fn half(&self, offset: u32) -> u16 {
        self.read(offset)
    }

    #[inline(always)]
    fn word(&self, offset: u32) -> u32 {
        self.read(offset)
    }

    #[inline(always)]
    fn doubles(&self, offset: u32) -> [u64; 2] {
        self.read(offset)
    }

    #[inline(always)]
    fn double(&self, offset: u32) -> u64 {
        self.read(offset)
    }

    #[inline(always)]
    fn settle(&self, number: u32) -> u32 {
        number ^ self.zero
    }
}
