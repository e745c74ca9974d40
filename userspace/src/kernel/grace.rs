//! Waiting until no running program can still see what was live before.

use aya::maps::of_maps::ArrayOfMaps;
use aya::maps::{Array, MapData};

use super::error::KernelError;
use super::pins::Pins;
use super::tables::open;

const NAME: &str = "GRACE";

/// A map of maps that no program reads. Setting an entry of one returns only when every program that ran at that moment
/// has ended (`maybe_wait_bpf_programs`, kernel/bpf/syscall.c), on every kernel and with every kind of tick; membarrier(2)
/// does not, where CPUs run without a tick.
pub(super) struct Grace {
    outer: ArrayOfMaps<MapData, Array<MapData, u64>>,
    inner: Array<MapData, u64>,
}

impl Grace {
    pub(super) fn open(pins: &Pins) -> Result<Self, KernelError> {
        let inner = Array::create(1, 0).map_err(|error| KernelError::table(NAME, error))?;
        Ok(Self { outer: open(pins, NAME)?, inner })
    }

    /// Waits; some milliseconds.
    pub(super) fn wait(&mut self) -> Result<(), KernelError> {
        self.outer.set(0, &self.inner, 0).map_err(|error| KernelError::table(NAME, error))
    }
}
