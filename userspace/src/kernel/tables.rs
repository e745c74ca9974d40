//! Typed handles on the pinned maps. Their names appear here and in the program, nowhere else.

use aya::maps::lpm_trie::LpmTrie;
use aya::maps::of_maps::ArrayOfMaps;
use aya::maps::{Array, HashMap, MapData, MapError, MapInfo, PerCpuArray};
use xdpgate_ebpf::abi::{
    AttributeSet, Ban, EventCounters, InterfaceCounters, InterfaceRow, ListCounters, PrefixBan, Settings,
};

use super::Options;
use super::error::KernelError;
use super::pins::Pins;

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
    "EVENTS",
    "EVENT_COUNTERS",
    "INTERFACES",
    "LIST_COUNTERS",
    "PREFIXES_V4",
    "PREFIXES_V6",
    "SETTINGS",
];

/// A trie from prefixes to attribute sets.
pub(super) type PrefixTrie<K> = LpmTrie<MapData, K, u32>;

/// The tables of generations. They have a lock of their own: writing one waits for the programs that still run, and a
/// ban must not wait with it.
pub(super) struct PolicyTables {
    pub(super) settings: Array<MapData, Settings>,
    pub(super) attributes: Array<MapData, AttributeSet>,
    pub(super) prefixes_v4: ArrayOfMaps<MapData, PrefixTrie<[u8; 4]>>,
    pub(super) prefixes_v6: ArrayOfMaps<MapData, PrefixTrie<[u8; 16]>>,
}

impl PolicyTables {
    pub(super) fn open(pins: &Pins) -> Result<Self, KernelError> {
        Ok(Self {
            settings: open(pins, "SETTINGS")?,
            attributes: open(pins, "ATTRIBUTES")?,
            prefixes_v4: open(pins, "PREFIXES_V4")?,
            prefixes_v6: open(pins, "PREFIXES_V6")?,
        })
    }
}

/// All other tables.
pub(super) struct Tables {
    /// Room for exact bans and for prefix bans, of each family, as the pinned maps were made.
    pub(super) ban_capacity: u64,
    /// Exact bans in the tables.
    pub(super) exact_bans_v4: u64,
    /// Likewise.
    pub(super) exact_bans_v6: u64,
    /// Room for sources in the limiter, likewise.
    bucket_capacity: u64,
    control: Array<MapData, u64>,
    pub(super) interfaces: Array<MapData, InterfaceRow>,
    pub(super) bans_v4: HashMap<MapData, [u8; 4], Ban>,
    pub(super) bans_v6: HashMap<MapData, [u8; 16], Ban>,
    pub(super) ban_prefixes_v4: LpmTrie<MapData, [u8; 4], PrefixBan>,
    pub(super) ban_prefixes_v6: LpmTrie<MapData, [u8; 16], PrefixBan>,
    pub(super) counters: PerCpuArray<MapData, InterfaceCounters>,
    pub(super) list_counters: PerCpuArray<MapData, ListCounters>,
    pub(super) event_counters: PerCpuArray<MapData, EventCounters>,
}

impl Tables {
    pub(super) fn open(pins: &Pins) -> Result<Self, KernelError> {
        let capacity = |name: &'static str| {
            let info = MapInfo::from_pin(pins.map(name)).map_err(|error| KernelError::table(name, error))?;
            Ok::<_, KernelError>(u64::from(info.max_entries()))
        };
        let bans_v4: HashMap<_, [u8; 4], Ban> = open(pins, "BANS_V4")?;
        let bans_v6: HashMap<_, [u8; 16], Ban> = open(pins, "BANS_V6")?;
        Ok(Self {
            ban_capacity: capacity("BANS_V4")?,
            bucket_capacity: capacity("BUCKETS")?,
            exact_bans_v4: bans_v4.keys().count() as u64,
            exact_bans_v6: bans_v6.keys().count() as u64,
            control: open(pins, "CONTROL")?,
            interfaces: open(pins, "INTERFACES")?,
            bans_v4,
            bans_v6,
            ban_prefixes_v4: open(pins, "BAN_PREFIXES_V4")?,
            ban_prefixes_v6: open(pins, "BAN_PREFIXES_V6")?,
            counters: open(pins, "COUNTERS")?,
            list_counters: open(pins, "LIST_COUNTERS")?,
            event_counters: open(pins, "EVENT_COUNTERS")?,
        })
    }

    /// Adopted tables keep the sizes they were made with.
    pub(super) fn warn_of_other_sizes(&self, options: &Options) {
        for (key, pinned, wanted) in [
            ("tables.bans", self.ban_capacity, u64::from(options.bans)),
            ("tables.sources", self.bucket_capacity, u64::from(options.sources)),
        ] {
            if pinned != wanted {
                tracing::warn!(
                    key,
                    pinned,
                    wanted,
                    "the tables in the kernel keep their size until `xdpgate detach` and a new start"
                );
            }
        }
    }

    /// One word of `CONTROL`.
    pub(super) fn word(&self, index: u32) -> Result<u64, KernelError> {
        self.control.get(&index, 0).map_err(|error| KernelError::table("CONTROL", error))
    }

    /// Stores one word of `CONTROL`: 8 aligned bytes, so a packet sees the old or the new one.
    pub(super) fn set_word(&mut self, index: u32, value: u64) -> Result<(), KernelError> {
        self.control.set(index, value, 0).map_err(|error| KernelError::table("CONTROL", error))
    }
}

/// A missing key is an answer, not an error.
pub(super) fn found<V>(result: Result<V, MapError>) -> Result<Option<V>, MapError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(MapError::KeyNotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn open<T>(pins: &Pins, name: &'static str) -> Result<T, KernelError>
where
    T: TryFrom<aya::maps::Map, Error = MapError>,
{
    T::try_from(pins.open_map(name)?).map_err(|error| KernelError::table(name, error))
}
