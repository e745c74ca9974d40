//! The limiter's table, as the daemon sees it.

use std::sync::atomic::AtomicU64;

use xdpgate_ebpf::abi::{BUCKET_SET_WORDS, control};
use xdpgate_ebpf::buckets::{BucketKey, BucketMemory as _, HostTable, Owner, Shape};

use super::control_words::ControlWords;
use super::error::KernelError;
use super::memory::Memory;
use super::pins::Pins;
use super::random;

/// The table's memory, read with the data path's own code.
pub(super) struct BucketTable(HostTable<Memory>);

impl BucketTable {
    /// A table that was just made gets its seed here; one that is adopted keeps it, or nothing in it would be found again.
    pub(super) fn open(pins: &Pins, control: &ControlWords) -> Result<Self, KernelError> {
        let memory = Memory::of_pin(pins, "BUCKETS")?;
        let sets = memory.words().len() / BUCKET_SET_WORDS;
        if control.get(control::HASH_SEED) == 0 {
            control.set(control::BUCKET_BITS, u64::from(sets.ilog2()));
            control.set(control::HASH_SEED, random::word()? | 1);
        }
        let shape = Shape { seed: control.get(control::HASH_SEED), bits: sets.ilog2() };
        Ok(Self(HostTable::new(memory, shape)))
    }

    pub(super) fn state(&self, key: &BucketKey, class: u64) -> Option<u64> {
        self.0.state(key, class)
    }

    pub(super) fn since(&self, ticks: u64) -> impl Iterator<Item = (Owner, u64)> {
        self.0.buckets().filter(move |(_, state)| *state >= ticks)
    }

    pub(super) fn sets(&self) -> u32 {
        self.0.shape().sets()
    }
}

impl AsRef<[AtomicU64]> for Memory {
    fn as_ref(&self) -> &[AtomicU64] {
        self.words()
    }
}
