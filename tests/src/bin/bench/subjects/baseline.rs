//! The usual design: the same decision over the kernel's own maps (ebpf/src/bin/baseline).

use anyhow::{Context, Result};
use aya::maps::lpm_trie::{Key, LpmTrie};
use aya::maps::{Array, ArrayOfMaps, HashMap, MapData, PerCpuArray};
use aya::programs::{ProgramFd, Xdp};
use aya::{Ebpf, EbpfLoader, Pod};
use xdpgate_ebpf::abi::Count;
use xdpgate_ebpf::limit::{COST_FRACTION_BITS, TICKS_PER_NS};

use super::{Counted, Policy, Role, SourceLimit, Subject};
use crate::driver::object;

/// Bits of a leaf (ebpf/src/bin/baseline/decide.rs).
const MANAGEMENT: u32 = 2;
const LISTED: u32 = 4;
/// Rows of counters.
const WITHIN_LIMIT: usize = 7;
const OVER_LIMIT: usize = 8;
const ROWS: usize = 16;
/// A trie must have it.
const NO_PREALLOC: u32 = 1;

/// The program with tables of its own.
pub(crate) struct Baseline {
    object: Ebpf,
    counters: PerCpuArray<MapData, [Count; ROWS]>,
}

impl Baseline {
    /// Loads it, with room for so many sources in its limiter, and enforces the policy.
    pub(crate) fn load(policy: &Policy, sources: u32) -> Result<Self> {
        let path = object("XDPGATE_BASELINE_OBJECT")?;
        let mut object = EbpfLoader::new()
            .map_max_entries("BUCKETS_V4", sources)
            .map_max_entries("BUCKETS_V6", sources)
            .load_file(&path)
            .with_context(|| format!("cannot load {}", path.display()))?;
        let program: &mut Xdp = object.program_mut("baseline").context("no program baseline")?.try_into()?;
        program.load()?;

        let leaf = match policy.role {
            Role::Management => MANAGEMENT,
            Role::List => LISTED,
        };
        let keys4 = policy.prefixes4.iter().map(|(at, length)| (u32::from(*length), at.to_be_bytes()));
        fill(&mut object, "PREFIXES_V4", keys4, leaf)?;
        let keys6 = policy.prefixes6.iter().map(|(at, length)| (u32::from(*length), at.to_be_bytes()));
        fill(&mut object, "PREFIXES_V6", keys6, leaf)?;
        let mut bans: HashMap<_, [u8; 4], u64> =
            object.map_mut("BANS_V4").context("no map BANS_V4")?.try_into()?;
        for ban in &policy.bans {
            bans.insert(ban.octets(), u64::MAX, 0)?;
        }
        let counters = object.take_map("COUNTERS").context("no map COUNTERS")?.try_into()?;
        let mut baseline = Self { object, counters };
        baseline.limit(policy.limit)?;
        Ok(baseline)
    }

    /// Gives each source another limit.
    pub(crate) fn limit(&mut self, limit: SourceLimit) -> Result<()> {
        let mut rules: Array<_, [u64; 4]> =
            self.object.map_mut("RULES").context("no map RULES")?.try_into()?;
        let [cost, burst] = words(limit);
        Ok(rules.set(0, [cost, burst, 0, 0], 0)?)
    }
}

impl Subject for Baseline {
    fn program(&self) -> Result<ProgramFd> {
        let program: &Xdp = self.object.program("baseline").context("no program baseline")?.try_into()?;
        Ok(program.fd()?.try_clone()?)
    }

    fn counted(&self) -> Result<Counted> {
        let rows = self.counters.get(&0, 0)?;
        let packets =
            |row: usize| rows.iter().filter_map(|cpu| cpu.get(row)).map(|count| count.packets).sum::<u64>();
        let (admitted, limited) = (packets(WITHIN_LIMIT), packets(OVER_LIMIT));
        Ok(Counted { seen: (0..ROWS).map(packets).sum(), admitted, limited, full: 0 })
    }
}

fn fill<K: Pod>(
    object: &mut Ebpf,
    name: &str,
    keys: impl ExactSizeIterator<Item = (u32, K)>,
    leaf: u32,
) -> Result<()> {
    let room = u32::try_from(keys.len())?.max(1);
    let mut trie = LpmTrie::<MapData, K, u32>::create(room, NO_PREALLOC)?;
    for (length, address) in keys {
        trie.insert(&Key::new(length, address), leaf, 0)?;
    }
    let mut outer: ArrayOfMaps<_, LpmTrie<MapData, K, u32>> =
        object.map_mut(name).with_context(|| format!("no map {name}"))?.try_into()?;
    outer.set(0, &trie, 0)?;
    Ok(())
}

/// Cost and burst in the units of the limiter.
fn words(limit: SourceLimit) -> [u64; 2] {
    #[expect(clippy::cast_precision_loss, reason = "a small power of two")]
    let ticks = limit.packet_ns() * TICKS_PER_NS as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "hours in ticks")]
    let charge = ticks.round() as u64;
    [charge << COST_FRACTION_BITS, charge * u64::from(limit.burst)]
}
