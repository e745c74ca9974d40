//! Typed handles on the pinned maps. Their names appear here and in the program, nowhere else.

use aya::maps::{Array, MapData, MapError, PerCpuArray};
use xdpgate_ebpf::abi::{
    CountryCounters, EventCounters, InterfaceCounters, InterfaceRow, LimitCounters, ListCounters, Settings,
};

use super::blocks::Blocks;
use super::error::KernelError;
use super::grace::Grace;
use super::memory::Memory;
use super::pins::Pins;
use super::rules::RuleMemory;

/// Every map of the object that is pinned.
pub(super) const NAMES: &[&str] = &[
    "ABI",
    "ATTRIBUTES",
    "BANS_V4",
    "BANS_V6",
    "BAN_PREFIXES_V4",
    "BAN_PREFIXES_V6",
    "BUCKETS",
    "CONTROL",
    "COUNTERS",
    "COUNTRY_COUNTERS",
    "DESTINATIONS",
    "EVENTS",
    "EVENT_COUNTERS",
    "EXCESSES",
    "GRACE",
    "INTERFACES",
    "LIMITS",
    "LIMIT_COUNTERS",
    "LIST_COUNTERS",
    "PREFIX_BLOCKS",
    "ROOTS_V4",
    "ROOTS_V6",
    "RULES",
    "SERVICES",
    "SERVICE_PORTS",
    "SERVICE_ROWS",
    "SETTINGS",
];

/// The tables of generations. They have a lock of their own: writing one waits for the programs that still run, and a
/// ban must not wait with it.
pub(super) struct PolicyTables {
    pub(super) grace: Grace,
    pub(super) settings: Array<MapData, Settings>,
    pub(super) attributes: Memory,
    pub(super) roots_v4: Memory,
    pub(super) roots_v6: Memory,
    pub(super) blocks: Blocks,
    pub(super) rules: RuleMemory,
}

impl PolicyTables {
    pub(super) fn open(pins: &Pins) -> Result<Self, KernelError> {
        Ok(Self {
            grace: Grace::open(pins)?,
            settings: open(pins, "SETTINGS")?,
            attributes: Memory::of_pin(pins, "ATTRIBUTES")?,
            roots_v4: Memory::of_pin(pins, "ROOTS_V4")?,
            roots_v6: Memory::of_pin(pins, "ROOTS_V6")?,
            blocks: Blocks::open(pins)?,
            rules: RuleMemory::open(pins)?,
        })
    }
}

/// All other tables.
pub(super) struct Tables {
    pub(super) interfaces: Array<MapData, InterfaceRow>,
    pub(super) counters: PerCpuArray<MapData, InterfaceCounters>,
    pub(super) list_counters: PerCpuArray<MapData, ListCounters>,
    pub(super) country_counters: PerCpuArray<MapData, CountryCounters>,
    pub(super) limit_counters: PerCpuArray<MapData, LimitCounters>,
    pub(super) event_counters: PerCpuArray<MapData, EventCounters>,
}

impl Tables {
    pub(super) fn open(pins: &Pins) -> Result<Self, KernelError> {
        Ok(Self {
            interfaces: open(pins, "INTERFACES")?,
            counters: open(pins, "COUNTERS")?,
            list_counters: open(pins, "LIST_COUNTERS")?,
            country_counters: open(pins, "COUNTRY_COUNTERS")?,
            limit_counters: open(pins, "LIMIT_COUNTERS")?,
            event_counters: open(pins, "EVENT_COUNTERS")?,
        })
    }
}

pub(super) fn open<T>(pins: &Pins, name: &'static str) -> Result<T, KernelError>
where
    T: TryFrom<aya::maps::Map, Error = MapError>,
{
    T::try_from(pins.open_map(name)?).map_err(|error| KernelError::table(name, error))
}
