//! What the data path tells: sampled events, and sources over a limit that bans.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use aya::maps::{MapData, RingBuf};
use xdpgate_ebpf::abi::{Event, Excess};

use super::error::KernelError;
use super::pins::Pins;
use super::tables::open;
use super::{Kernel, lock};

/// The most events taken at once, so that a full ring does not hold the lock for long.
const BATCH: usize = 1024;

/// The reading end of a ring.
pub(super) struct Ring(RingBuf<MapData>);

impl Ring {
    pub(super) fn open(pins: &Pins, name: &'static str) -> Result<Self, KernelError> {
        open(pins, name).map(Self)
    }

    /// Takes what is there, at most so much at once that others wait little for the lock.
    fn take<T>(&mut self, out: &mut Vec<T>, read: impl Fn(&[u8]) -> Option<T>) -> usize {
        let mut taken = 0;
        while taken < BATCH
            && let Some(item) = self.0.next()
        {
            out.extend(read(&item));
            taken += 1;
        }
        taken
    }

    fn descriptor(&self) -> io::Result<OwnedFd> {
        self.0.as_fd().try_clone_to_owned()
    }
}

impl Kernel {
    /// Takes the events that are there, at most 1,024, without waiting; how many they were.
    pub fn next_events(&self, out: &mut Vec<Event>) -> usize {
        lock(&self.events).take(out, Event::from_bytes)
    }

    /// A descriptor that is readable while the ring holds events.
    ///
    /// # Errors
    /// The descriptor can't be duplicated.
    pub fn events_fd(&self) -> io::Result<OwnedFd> {
        lock(&self.events).descriptor()
    }

    /// Takes the sources over a limit that bans, at most 1,024, without waiting; how many they were.
    pub fn next_excesses(&self, out: &mut Vec<Excess>) -> usize {
        lock(&self.excesses).take(out, Excess::from_bytes)
    }

    /// A descriptor that is readable while there are such sources.
    ///
    /// # Errors
    /// The descriptor can't be duplicated.
    pub fn excesses_fd(&self) -> io::Result<OwnedFd> {
        lock(&self.excesses).descriptor()
    }
}
