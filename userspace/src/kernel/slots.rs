//! The slots of guarded interfaces, as the kernel's table keeps them for the next daemon.

use xdpgate_ebpf::abi::{InterfaceRow, MAX_INTERFACES, interface_mode};

use super::attach::AttachedMode;
use super::error::KernelError;
use super::tables::Tables;
use crate::config::InterfaceName;

/// The slots in use.
pub(super) fn rows(tables: &Tables) -> Result<Vec<(u32, InterfaceRow)>, KernelError> {
    let mut rows = Vec::new();
    for slot in 0..MAX_INTERFACES {
        let row = tables.interfaces.get(&slot, 0).map_err(|error| KernelError::table("INTERFACES", error))?;
        if row.name != [0; 16] {
            rows.push((slot, row));
        }
    }
    Ok(rows)
}

/// The name in a row.
pub(super) fn row_name(row: &InterfaceRow) -> &str {
    let end = row.name.iter().position(|byte| *byte == 0).unwrap_or(row.name.len());
    row.name.get(..end).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default()
}

/// Where the program of a row runs.
pub(super) fn mode_of(row: &InterfaceRow) -> AttachedMode {
    if row.mode == interface_mode::NATIVE { AttachedMode::Native } else { AttachedMode::Generic }
}

/// Gives a slot to an interface.
pub(super) fn write_row(
    tables: &mut Tables,
    slot: u32,
    interface: &InterfaceName,
    ifindex: u32,
    mode: AttachedMode,
) -> Result<(), KernelError> {
    let mut name = [0; 16];
    for (to, from) in name.iter_mut().zip(interface.as_str().bytes()) {
        *to = from;
    }
    let mode = match mode {
        AttachedMode::Native => interface_mode::NATIVE,
        AttachedMode::Generic => interface_mode::GENERIC,
    };
    let row = InterfaceRow { name, ifindex, mode };
    tables.interfaces.set(slot, row, 0).map_err(|error| KernelError::table("INTERFACES", error))
}

/// Gives a slot back.
pub(super) fn free_row(tables: &mut Tables, slot: u32) -> Result<(), KernelError> {
    let row = InterfaceRow { name: [0; 16], ifindex: 0, mode: 0 };
    tables.interfaces.set(slot, row, 0).map_err(|error| KernelError::table("INTERFACES", error))
}
