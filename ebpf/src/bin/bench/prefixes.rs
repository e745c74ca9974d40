//! Our prefix tables by themselves, kept as the program keeps them, for one generation.
#![expect(unsafe_code, reason = "the kernel hands out raw pointers into maps")]
#![expect(clippy::undocumented_unsafe_blocks, reason = "btf_map expands to unsafe attributes")]

use core::ptr::read_unaligned;

use aya_ebpf::btf_maps::{Array, ArrayOfMaps};
use aya_ebpf::macros::btf_map;
use xdpgate_ebpf::abi::family;
use xdpgate_ebpf::abi::prefix::{BLOCK_BYTES, BLOCK_SLACK, GENERATION_BLOCKS, ROOT_ENTRIES};
use xdpgate_ebpf::prefix::{self, PrefixMemory};

/// `BPF_F_MMAPABLE`, as the program's arrays are.
const MMAPABLE: usize = 1 << 10;

type Root = [u32; ROOT_ENTRIES];
type Bytes = [u8; (BLOCK_BYTES + BLOCK_SLACK) as usize];

#[btf_map]
static ROOTS_V4: Array<Root, 1, MMAPABLE> = Array::new();
#[btf_map]
static ROOTS_V6: Array<Root, 1, MMAPABLE> = Array::new();
#[btf_map]
static PREFIX_BLOCKS: ArrayOfMaps<Array<Bytes, 1, MMAPABLE>, { GENERATION_BLOCKS as usize }> =
    ArrayOfMaps::new();

/// The tables.
pub(crate) struct Prefixes;

impl PrefixMemory for Prefixes {
    type Block<'a> = Block;

    #[inline(always)]
    fn root(&self, family: u8, index: u16) -> u32 {
        let root = if family == family::IPV4 { ROOTS_V4.get(0) } else { ROOTS_V6.get(0) };
        match root {
            // SAFETY: 16 bits are an index into this many entries.
            Some(root) => unsafe { *root.as_ptr().add(usize::from(index)) },
            None => 0,
        }
    }

    #[inline(always)]
    fn block(&self, number: u32) -> Option<Block> {
        let bytes = PREFIX_BLOCKS.get_value_ptr_mut(number & (GENERATION_BLOCKS - 1), &0);
        bytes.map(|bytes| Block(bytes.cast_const().cast()))
    }
}

/// One block.
pub(crate) struct Block(*const u8);

impl Block {
    #[inline(always)]
    fn read<T>(&self, offset: u32) -> T {
        // SAFETY: a live pointer to a block; the offset is masked to its data, and the slack behind that is longer than
        // any number. Nobody writes while frames are sent.
        unsafe { read_unaligned(self.0.add((offset & (BLOCK_BYTES - 1)) as usize).cast()) }
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
}
