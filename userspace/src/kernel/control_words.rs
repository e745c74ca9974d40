//! The words that steer the data path.

use std::sync::atomic::{AtomicU64, Ordering};

use xdpgate_ebpf::abi::control;

use super::error::KernelError;
use super::memory::Memory;
use super::pins::Pins;

/// `CONTROL`. Each change is one store, and the next packet sees it.
pub(super) struct ControlWords(Memory);

impl ControlWords {
    pub(super) fn open(pins: &Pins) -> Result<Self, KernelError> {
        let memory = Memory::of_pin(pins, "CONTROL")?;
        // The pins have this program's layout, so only another program's map under this name can be shorter.
        if memory.words().len() < control::WORDS {
            return Err(KernelError::NothingPinned { path: pins.map("CONTROL") });
        }
        Ok(Self(memory))
    }

    /// All words, at their indexes of [`control`].
    pub(super) fn words(&self) -> &[AtomicU64] {
        self.0.words()
    }

    pub(super) fn get(&self, index: usize) -> u64 {
        self.words().get(index).map_or(0, |word| word.load(Ordering::Acquire))
    }

    /// What was written before is seen by whoever sees this.
    pub(super) fn set(&self, index: usize, value: u64) {
        if let Some(word) = self.words().get(index) {
            word.store(value, Ordering::Release);
        }
    }
}
