//! What an operator can do when the daemon is dead: everything here needs only the pins.

use std::path::Path;

use aya::maps::{Array, MapData};
use xdpgate_ebpf::abi::{InterfaceRow, control};

use super::control_words::ControlWords;
use super::detach::{pinned_program, wait_until_off};
use super::error::KernelError;
use super::pins::{Pins, remove_file};
use super::slots::{free_row, row_name, rows};
use super::tables::{Tables, open};
use crate::config::InterfaceName;

/// Passes everything, or ends that, without a daemon.
///
/// # Errors
/// Nothing is pinned, or it has another layout, or there is no permission.
pub fn pause_pinned(bpffs: &Path, on: bool) -> Result<(), KernelError> {
    let pins = existing(bpffs)?;
    ControlWords::open(&pins)?.set(control::PAUSED, u64::from(on));
    Ok(())
}

/// Takes programs off without a daemon: of one interface, or of all, and then everything else that is pinned. Works on
/// pins of any layout when all are to go. Returns the interfaces that were guarded.
///
/// # Errors
/// A daemon runs; nothing is pinned; no permission.
pub fn detach_pinned(
    bpffs: &Path,
    interface: Option<&InterfaceName>,
) -> Result<Vec<InterfaceName>, KernelError> {
    let pins = Pins::new(bpffs);
    if !pins.exists() {
        return Err(KernelError::NothingPinned { path: bpffs.to_owned() });
    }
    let _owner = pins.own()?;
    let Some(interface) = interface else {
        // Names are a courtesy: pins of another layout may not give them.
        let guarded = guarded(&pins).unwrap_or_default();
        pins.remove()?;
        for (name, program) in &guarded {
            wait_until_off(name, *program)?;
        }
        return Ok(guarded.into_iter().map(|(name, _)| name).collect());
    };
    pins.check_abi()?;
    let mut tables = Tables::open(&pins)?;
    let Some((slot, _)) = rows(&tables)?.into_iter().find(|(_, row)| row_name(row) == interface.as_str())
    else {
        return Ok(Vec::new());
    };
    let program = pinned_program(&pins, slot);
    remove_file(&pins.link(slot))?;
    free_row(&mut tables, slot)?;
    wait_until_off(interface, program)?;
    Ok(vec![interface.clone()])
}

/// Interfaces, each with its program.
fn guarded(pins: &Pins) -> Result<Vec<(InterfaceName, Option<u32>)>, KernelError> {
    let interfaces: Array<MapData, InterfaceRow> = open(pins, "INTERFACES")?;
    let rows = (0..).zip(interfaces.iter());
    let named =
        rows.filter_map(|(slot, row)| Some((row_name(&row.ok()?).parse().ok()?, pinned_program(pins, slot))));
    Ok(named.collect())
}

fn existing(bpffs: &Path) -> Result<Pins, KernelError> {
    let pins = Pins::new(bpffs);
    if !pins.exists() {
        return Err(KernelError::NothingPinned { path: bpffs.to_owned() });
    }
    pins.check_abi()?;
    Ok(pins)
}
