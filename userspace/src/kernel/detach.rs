//! Taking programs off interfaces.

use std::thread;
use std::time::{Duration, Instant};

use aya::programs::links::{FdLink, PinnedLink};

use super::error::KernelError;
use super::netlink::link_state;
use super::pins::{Pins, remove_file};
use super::slots::{free_row, row_name, rows};
use super::{Kernel, lock};
use crate::config::InterfaceName;

/// Far longer than the kernel's queue takes, even on a busy machine.
const OFF_WITHIN: Duration = Duration::from_secs(2);

impl Kernel {
    /// Takes the program off an interface. False: it was not guarded.
    ///
    /// # Errors
    /// The pin can't be removed.
    pub fn detach(&self, interface: &InterfaceName) -> Result<bool, KernelError> {
        let Some((slot, _)) =
            rows(&self.tables())?.into_iter().find(|(_, row)| row_name(row) == interface.as_str())
        else {
            return Ok(false);
        };
        let own = lock(&self.programs).get(&slot).map(|own| own.id);
        let program = own.or_else(|| pinned_program(&self.pins, slot));
        remove_file(&self.pins.link(slot))?;
        lock(&self.programs).remove(&slot);
        free_row(&mut self.tables(), slot)?;
        wait_until_off(interface, program)?;
        Ok(true)
    }
}

/// The program that the pinned link of a slot holds.
pub(super) fn pinned_program(pins: &Pins, slot: u32) -> Option<u32> {
    let link = FdLink::from(PinnedLink::from_pin(pins.link(slot)).ok()?);
    Some(link.info().ok()?.program_id())
}

/// Returns when the interface no longer runs the program whose link's pin was removed. The kernel lets go of it a moment later,
/// in a queue of its own (`bpf_link_put`, kernel/bpf/syscall.c), and nobody may be told before that.
pub(super) fn wait_until_off(interface: &InterfaceName, program: Option<u32>) -> Result<(), KernelError> {
    let start = Instant::now();
    while program.is_some() && link_state(interface)?.and_then(|state| state.program) == program {
        if start.elapsed() > OFF_WITHIN {
            tracing::warn!(%interface, "the kernel has not taken the program off yet; it does so by itself");
            break;
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}
