//! Sampled events out of the ring.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use aya::maps::{MapData, RingBuf};
use xdpgate_ebpf::abi::Event;

use super::error::KernelError;
use super::pins::Pins;
use super::tables::open;
use super::{Kernel, lock};

/// The most events taken at once, so that a full ring does not hold the lock for long.
const BATCH: usize = 1024;

/// The reading end of the ring.
pub(super) struct EventRing(RingBuf<MapData>);

impl EventRing {
    pub(super) fn open(pins: &Pins) -> Result<Self, KernelError> {
        open(pins, "EVENTS").map(Self)
    }
}

impl Kernel {
    /// Takes the events that are there, at most 1,024, without waiting; how many they were.
    pub fn next_events(&self, out: &mut Vec<Event>) -> usize {
        let mut ring = lock(&self.events);
        let before = out.len();
        while out.len() - before < BATCH
            && let Some(item) = ring.0.next()
        {
            out.extend(Event::from_bytes(&item));
        }
        out.len() - before
    }

    /// A descriptor that is readable while the ring holds events.
    ///
    /// # Errors
    /// The descriptor can't be duplicated.
    pub fn events_fd(&self) -> io::Result<OwnedFd> {
        lock(&self.events).0.as_fd().try_clone_to_owned()
    }
}
