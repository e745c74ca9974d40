//! The prefix tables that the kernel is given, compiled from the segments of an image.
//!
//! [`xdpgate_ebpf::abi::prefix`] says how they are written, [`xdpgate_ebpf::prefix::find`] how they are read: the same
//! code in the kernel, in `explain` and in the tests.

mod boundaries;
mod builder;
mod error;
mod key;
mod region;
mod run;
mod size;
mod span;

use xdpgate_ebpf::abi::family;
use xdpgate_ebpf::abi::prefix::{BLOCK_BYTES, Region};
use xdpgate_ebpf::prefix::{Block, PrefixMemory};

use self::builder::Builder;
pub use self::error::PrefixError;
use self::region::Blocks;
pub use self::size::{FamilySize, PrefixSize};
use super::image::Segment;

/// The prefix tables of one generation, as the kernel's memory is to hold them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrefixTables {
    root4: Box<[u32]>,
    root6: Box<[u32]>,
    ipv4: Blocks,
    ipv6: Blocks,
    tails: Blocks,
    size: PrefixSize,
}

impl PrefixTables {
    /// Compiles the segments of an image, which are sorted and disjoint. Takes time in proportion to their number.
    ///
    /// # Errors
    ///
    /// [`PrefixError`] where they need more than the kernel's tables hold.
    pub fn compile(ipv4: &[Segment<u32>], ipv6: &[Segment<u128>]) -> Result<Self, PrefixError> {
        let ipv4 = Builder::compile(ipv4, Region::IPV4, Region::TAILS)?;
        let ipv6 = Builder::compile(ipv6, Region::IPV6, Region::TAILS)?;
        Ok(Self {
            size: PrefixSize { ipv4: ipv4.size, ipv6: ipv6.size },
            root4: ipv4.root,
            root6: ipv6.root,
            ipv4: ipv4.hot,
            ipv6: ipv6.hot,
            tails: ipv6.cold,
        })
    }

    /// The root of a [`family`]: [`xdpgate_ebpf::abi::prefix::ROOT_ENTRIES`] entries.
    #[must_use]
    pub fn root(&self, family: u8) -> &[u32] {
        if family == family::IPV4 { &self.root4 } else { &self.root6 }
    }

    /// Every block that is not empty: its number, below [`xdpgate_ebpf::abi::prefix::GENERATION_BLOCKS`], and its bytes, up to
    /// [`BLOCK_BYTES`]. What the kernel's block has beyond them must be zero only where it was never written.
    pub fn blocks(&self) -> impl Iterator<Item = (u32, &[u8])> {
        self.regions().into_iter().flat_map(|(region, blocks)| (region.first..).zip(blocks.iter()))
    }

    /// What the tables hold, and how much memory they take.
    #[must_use]
    pub const fn size(&self) -> PrefixSize {
        self.size
    }

    fn regions(&self) -> [(Region, &Blocks); 3] {
        [(Region::IPV4, &self.ipv4), (Region::IPV6, &self.ipv6), (Region::TAILS, &self.tails)]
    }
}

impl PrefixMemory for PrefixTables {
    type Block<'a> = Bytes<'a>;

    fn root(&self, family: u8, index: u16) -> u32 {
        self.root(family).get(usize::from(index)).copied().unwrap_or(0)
    }

    fn block(&self, number: u32) -> Option<Bytes<'_>> {
        let (region, blocks) = self.regions().into_iter().rev().find(|(region, _)| region.first <= number)?;
        blocks.get(number - region.first).map(Bytes)
    }
}

/// The bytes of one block, on the host.
#[derive(Clone, Copy, Debug)]
pub struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    /// Zeroes where nothing was written, as in the kernel.
    fn read<const N: usize>(self, offset: u32) -> [u8; N] {
        let at = (offset & (BLOCK_BYTES - 1)) as usize;
        let behind = self.0.get(at..).unwrap_or_default();
        if let Some(bytes) = behind.first_chunk::<N>() {
            return *bytes;
        }
        let mut bytes = [0; N];
        bytes.iter_mut().zip(behind).for_each(|(to, from)| *to = *from);
        bytes
    }
}

impl Block for Bytes<'_> {
    fn half(&self, offset: u32) -> u16 {
        u16::from_le_bytes(self.read(offset))
    }

    fn word(&self, offset: u32) -> u32 {
        u32::from_le_bytes(self.read(offset))
    }

    fn double(&self, offset: u32) -> u64 {
        u64::from_le_bytes(self.read(offset))
    }
}

#[cfg(test)]
mod tests;
