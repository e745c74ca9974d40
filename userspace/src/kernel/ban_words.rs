//! The memory of the ban tables, for their writer.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use xdpgate_ebpf::abi::{ban_word, control};
use xdpgate_ebpf::bans::BanTable;

use super::control_words::ControlWords;
use super::error::KernelError;
use super::grace::Grace;
use super::lock;
use super::memory::Memory;
use super::pins::Pins;
use crate::bans::BanWords;

/// The pinned map of each table, by its number.
const NAMES: [&str; 4] = ["BANS_V4", "BAN_PREFIXES_V4", "BANS_V6", "BAN_PREFIXES_V6"];

/// The name of a table's pinned map.
pub(super) const fn map_name(table: BanTable) -> &'static str {
    NAMES[table as usize]
}

/// The maps of the ban tables, as plain words.
pub(super) struct KernelBanWords {
    control: Arc<ControlWords>,
    tables: [Memory; 4],
    grace: Mutex<Grace>,
}

impl KernelBanWords {
    pub(super) fn open(pins: &Pins, control: Arc<ControlWords>) -> Result<Self, KernelError> {
        let [exact_ipv4, prefix_ipv4, exact_ipv6, prefix_ipv6] = BanTable::ALL.map(map_name);
        let tables = [
            Memory::of_pin(pins, exact_ipv4)?,
            Memory::of_pin(pins, prefix_ipv4)?,
            Memory::of_pin(pins, exact_ipv6)?,
            Memory::of_pin(pins, prefix_ipv6)?,
        ];
        Ok(Self { control, tables, grace: Mutex::new(Grace::open(pins)?) })
    }
}

impl BanWords for KernelBanWords {
    fn control(&self) -> &[AtomicU64] {
        self.control.words().get(control::BANS..control::BANS + ban_word::WORDS).unwrap_or_default()
    }

    fn table(&self, table: BanTable) -> &[AtomicU64] {
        let [exact_ipv4, prefix_ipv4, exact_ipv6, prefix_ipv6] = &self.tables;
        match table {
            BanTable::ExactIpv4 => exact_ipv4,
            BanTable::PrefixIpv4 => prefix_ipv4,
            BanTable::ExactIpv6 => exact_ipv6,
            BanTable::PrefixIpv6 => prefix_ipv6,
        }
        .words()
    }

    fn wait_for_readers(&self) {
        // It fails only where the pins are gone, and then nobody reads either.
        if let Err(error) = lock(&self.grace).wait() {
            tracing::warn!(%error, "could not wait for the running programs");
        }
    }
}
