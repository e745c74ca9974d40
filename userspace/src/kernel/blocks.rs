//! The blocks that hold the prefix tables' pools: inner maps that come and go with what a policy needs.

use std::collections::HashSet;
use std::thread;

use aya::maps::of_maps::ArrayOfMaps;
use aya::maps::{Array, IterableMap, MapData, MapError};
use xdpgate_ebpf::abi::GENERATION_SLOTS;
use xdpgate_ebpf::abi::prefix::{BLOCK_BYTES, BLOCK_SLACK, GENERATION_BLOCKS as BLOCKS};

use super::error::KernelError;
use super::memory::{Memory, Pen};
use super::pins::Pins;
use super::tables::open;

#[expect(clippy::cast_possible_truncation, reason = "two")]
const SLOTS: u32 = GENERATION_SLOTS as u32;
const NAME: &str = "PREFIX_BLOCKS";
/// `BPF_F_MMAPABLE`.
const MMAPABLE: u32 = 1 << 10;
/// Each change of an entry waits for a grace period of RCU, some milliseconds; changes at the same time share one.
const MOST_AT_ONCE: usize = 32;

type Block = Array<MapData, [u8; (BLOCK_BYTES + BLOCK_SLACK) as usize]>;
type Outer = ArrayOfMaps<MapData, Block>;

/// The inner maps of both generations.
pub(super) struct Blocks {
    pins: Pins,
    outer: Outer,
    /// Stands where a block is no longer needed, so that its memory is given back: an entry can be replaced, not emptied.
    nothing: Option<Block>,
}

impl Blocks {
    pub(super) fn open(pins: &Pins) -> Result<Self, KernelError> {
        let mut blocks = Self { pins: pins.clone(), outer: open(pins, NAME)?, nothing: None };
        blocks.nothing = blocks.shared()?;
        Ok(blocks)
    }

    /// Makes the blocks of a slot hold `wanted`, by their numbers. No packet may read the slot meanwhile. Blocks that the
    /// slot has are written again; what it no longer needs is given back.
    pub(super) fn write(&mut self, slot: u32, wanted: &[(u32, &[u8])]) -> Result<(), KernelError> {
        let mut fresh = Vec::new();
        for (number, bytes) in wanted {
            let index = slot * BLOCKS + number;
            if let Some(block) = self.present(index)? {
                fill(&block, bytes)?;
                continue;
            }
            let block = Block::create(1, MMAPABLE).map_err(|error| KernelError::table(NAME, error))?;
            fill(&block, bytes)?;
            fresh.push((index, block));
        }
        let entries: Vec<_> = fresh.iter().map(|(index, block)| (*index, block)).collect();
        enter(&self.pins, &entries)?;
        self.give_back(slot, wanted)
    }

    /// Mends the blocks of a slot that programs read. One that is not there is made: each of its words counts as mended.
    pub(super) fn mend(
        &mut self,
        slot: u32,
        wanted: &[(u32, &[u8])],
        pen: &mut Pen,
    ) -> Result<u64, KernelError> {
        let mut missing = 0;
        for (number, bytes) in wanted {
            match self.present(slot * BLOCKS + number)? {
                Some(block) => Memory::of(block.map(), NAME)?.write(bytes, pen),
                None => missing += bytes.len().div_ceil(size_of::<u64>()) as u64,
            }
        }
        if missing > 0 {
            self.write(slot, wanted)?;
        }
        Ok(missing)
    }

    fn give_back(&mut self, slot: u32, wanted: &[(u32, &[u8])]) -> Result<(), KernelError> {
        let mut surplus = Vec::new();
        for number in (0..BLOCKS).filter(|number| wanted.iter().all(|(used, _)| used != number)) {
            let index = slot * BLOCKS + number;
            if self.present(index)?.is_some() {
                surplus.push(index);
            }
        }
        if surplus.is_empty() {
            return Ok(());
        }
        if self.nothing.is_none() {
            let block = Block::create(1, MMAPABLE).map_err(|error| KernelError::table(NAME, error))?;
            self.nothing = Some(block);
        }
        let Some(nothing) = &self.nothing else { return Ok(()) };
        let entries: Vec<_> = surplus.into_iter().map(|index| (index, nothing)).collect();
        enter(&self.pins, &entries)
    }

    /// The block that an earlier daemon left in place of several. One that stands in a single place is like any other.
    fn shared(&self) -> Result<Option<Block>, KernelError> {
        let mut seen = HashSet::new();
        for index in 0..BLOCKS * SLOTS {
            if let Some(block) = self.present(index)?
                && !seen.insert(id(&block)?)
            {
                return Ok(Some(block));
            }
        }
        Ok(None)
    }

    /// The block of an entry, if it is one that may be written.
    fn present(&self, index: u32) -> Result<Option<Block>, KernelError> {
        let block = match self.outer.get(&index, 0) {
            Ok(block) => block,
            Err(MapError::KeyNotFound) => return Ok(None),
            Err(error) => return Err(KernelError::table(NAME, error)),
        };
        let nothing = self.nothing.as_ref().map(id).transpose()?;
        Ok((nothing != Some(id(&block)?)).then_some(block))
    }
}

fn fill(block: &Block, bytes: &[u8]) -> Result<(), KernelError> {
    Memory::of(block.map(), NAME)?.write(bytes, &mut Pen::writer());
    Ok(())
}

fn id(block: &Block) -> Result<u32, KernelError> {
    Ok(block.map().info().map_err(|error| KernelError::table(NAME, error))?.id())
}

/// Sets entries of the outer map, many at a time.
fn enter(pins: &Pins, entries: &[(u32, &Block)]) -> Result<(), KernelError> {
    for chunk in entries.chunks(MOST_AT_ONCE) {
        thread::scope(|scope| {
            let waiting: Vec<_> = chunk
                .iter()
                .map(|(index, block)| {
                    scope.spawn(move || {
                        let mut outer: Outer = open(pins, NAME)?;
                        outer.set(*index, block, 0).map_err(|error| KernelError::table(NAME, error))
                    })
                })
                .collect();
            // A thread that panicked has set nothing; only a defect of the standard library could make it.
            waiting.into_iter().try_for_each(|thread| thread.join().unwrap_or(Err(KernelError::NoObject)))
        })?;
    }
    Ok(())
}
