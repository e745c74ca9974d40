//! The memory of one region, block after block.

use xdpgate_ebpf::abi::prefix::{BLOCK_BYTES, Region, UNIT_BYTES, offset};

const BLOCK: usize = BLOCK_BYTES as usize;
const UNIT: usize = UNIT_BYTES as usize;

/// The blocks of a region, as far as they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Blocks(Vec<Vec<u8>>);

/// There is no room left.
#[derive(Debug)]
pub(super) struct Full(pub(super) Region);

impl Blocks {
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(Vec::as_slice)
    }

    pub(super) fn get(&self, index: u32) -> Option<&[u8]> {
        self.0.get(index as usize).map(Vec::as_slice)
    }

    pub(super) fn bytes(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }
}

/// Fills a region from its start.
pub(super) struct Writer {
    region: Region,
    blocks: Vec<Vec<u8>>,
    /// Written bytes of the last block, in whole units.
    used: usize,
}

impl Writer {
    pub(super) const fn new(region: Region) -> Self {
        Self { region, blocks: Vec::new(), used: BLOCK }
    }

    /// Room for some bytes (a block at most) that lie in one block: its position, and the bytes, all zero.
    pub(super) fn reserve(&mut self, bytes: usize) -> Result<(u32, &mut [u8]), Full> {
        let start = if self.used + bytes > BLOCK { self.begin_block()? } else { self.used };
        self.used = start + bytes.next_multiple_of(UNIT);
        let index = self.blocks.len().saturating_sub(1);
        let position = (index * BLOCK + start) / UNIT;
        let room = self.blocks.last_mut().and_then(|block| block.get_mut(start..start + bytes));
        match (u32::try_from(position), room) {
            (Ok(position), Some(room)) => Ok((position, room)),
            _ => Err(Full(self.region)),
        }
    }

    /// Writes into what was reserved at a position, some bytes behind its start.
    pub(super) fn set<const N: usize>(&mut self, position: u32, behind: u32, bytes: [u8; N]) {
        let block = self.blocks.get_mut((position / (BLOCK_BYTES / UNIT_BYTES)) as usize);
        let start = (offset(position) + behind) as usize;
        if let Some(place) = block.and_then(|block| block.get_mut(start..start + N)) {
            place.copy_from_slice(&bytes);
        }
    }

    pub(super) fn finish(mut self) -> Blocks {
        self.end_block();
        Blocks(self.blocks)
    }

    /// The offset at which the new block begins to be filled.
    fn begin_block(&mut self) -> Result<usize, Full> {
        if self.blocks.len() >= self.region.blocks as usize {
            return Err(Full(self.region));
        }
        self.end_block();
        // Zeroed memory comes from the kernel untouched: what is not written costs nothing.
        self.blocks.push(vec![0; BLOCK]);
        Ok(0)
    }

    fn end_block(&mut self) {
        if let Some(block) = self.blocks.last_mut() {
            block.truncate(self.used);
        }
    }
}
