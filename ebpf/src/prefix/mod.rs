//! What the policy knows about a source, in one look-up: from an address to the number of its attribute set.
//!
//! [`crate::abi::prefix`] says how the tables are written; the policy compiler of userspace writes them. An address goes
//! through a root, then tables, then a run of sorted boundaries, and each of these steps may miss the cache once.

mod ipv4;
mod ipv6;
mod run;
mod search;
mod tails;

pub use ipv4::find as find_ipv4;
pub use ipv6::find as find_ipv6;

use crate::abi::family;
use crate::packet::Source;

/// The prefix tables of one generation, wherever the host keeps them.
pub trait PrefixMemory {
    /// One block of tables and runs.
    type Block<'a>: Block
    where
        Self: 'a;

    /// An entry of a [`family`]'s root, as a number.
    fn root(&self, family: u8, index: u16) -> u32;

    /// A block by its number, which is below [`crate::abi::prefix::GENERATION_BLOCKS`]; none where nothing was written.
    fn block(&self, number: u32) -> Option<Self::Block<'_>>;
}

/// Reads out of one block. Offsets are in bytes, of any alignment. The host masks them to
/// [`crate::abi::prefix::BLOCK_BYTES`], so that none leaves the block; numbers are little-endian in it.
pub trait Block {
    /// Two bytes.
    fn half(&self, offset: u32) -> u16;

    /// Four bytes.
    fn word(&self, offset: u32) -> u32;

    /// Eight bytes.
    fn double(&self, offset: u32) -> u64;

    /// Hands a number back as it is. The kernel's host makes the verifier forget what it knows of it: a number that came
    /// out of a loop is a different one for it after each round, and what follows would be followed once for each.
    #[inline(always)]
    fn settle(&self, number: u32) -> u32 {
        number
    }

    /// Sixteen bytes. A host with memory behind the block masks the offset only once.
    #[inline(always)]
    fn doubles(&self, offset: u32) -> [u64; 2] {
        [self.double(offset), self.double(offset + 8)]
    }
}

/// The number of a source's attribute set; 0 for a source that no prefix covers, and for what is not IP.
#[inline(always)]
#[must_use]
pub fn find<M: PrefixMemory>(memory: &M, source: &Source) -> u32 {
    match source.family {
        family::IPV4 => ipv4::find(memory, &source.address),
        family::IPV6 => ipv6::find(memory, &source.address),
        _ => 0,
    }
}
