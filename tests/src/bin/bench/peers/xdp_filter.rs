//! xdp-filter of xdp-tools: exact addresses in a hash, in the driver. It does less: no prefixes, no limits.

use std::net::Ipv4Addr;

use anyhow::{Context, Result, ensure};
use aya::maps::{Map, MapData, PerCpuArray, PerCpuHashMap, PerCpuValues};
use aya::programs::loaded_programs;
use xdpgate_tests::veth::{GUARDED, Wire};

use super::{Counted, Guard};

/// The most addresses that it holds.
pub(crate) const MOST: usize = 10_000;
/// A frame from this source is dropped (`MAP_FLAG_SRC` of xdp-filter's `common_kern_user.h`).
const SOURCE: u64 = 1;
/// Its counters are by action.
const XDP_DROP: u32 = 1;
const XDP_PASS: u32 = 2;

/// Its program on the wire.
pub(crate) struct XdpFilter {
    stats: PerCpuArray<MapData, [u64; 2]>,
}

impl XdpFilter {
    pub(crate) fn set_up(wire: &Wire, sources: &[Ipv4Addr]) -> Result<Self> {
        ensure!(sources.len() <= MOST, "xdp-filter holds {MOST} addresses at most");
        // In a mount namespace with a bpffs of its own: one that the host runs is not touched, and nothing is left.
        let script = format!(
            "mount -t bpf bpf /sys/fs/bpf && exec xdp-filter load {GUARDED} --mode native --features ipv4 --policy allow"
        );
        let status = wire
            .guarded
            .command("unshare")
            .args(["--mount", "sh", "-c", &script])
            .status()
            .context("cannot start xdp-filter")?;
        ensure!(status.success(), "xdp-filter: {status}");
        let mut addresses: PerCpuHashMap<_, [u8; 4], u64> =
            Map::PerCpuHashMap(newest("filter_ipv4")?).try_into()?;
        let cpus = aya::util::nr_cpus().map_err(|(_, error)| error)?;
        for source in sources {
            addresses.insert(source.octets(), PerCpuValues::try_from(vec![SOURCE; cpus])?, 0)?;
        }
        Ok(Self { stats: Map::PerCpuArray(newest("xdp_stats_map")?).try_into()? })
    }
}

impl Guard for XdpFilter {
    fn name(&self) -> &'static str {
        "xdp-filter"
    }

    fn counted(&self, _: &Wire) -> Result<Counted> {
        let packets = |action| {
            let row = self.stats.get(&action, 0)?;
            anyhow::Ok(row.iter().map(|[packets, _]| packets).sum())
        };
        Ok(Counted { dropped: packets(XDP_DROP)?, passed: packets(XDP_PASS)? })
    }
}

/// A map of the xdp-filter that was loaded last, which is ours: programs are numbered in turn.
fn newest(name: &str) -> Result<MapData> {
    let programs = loaded_programs().filter_map(Result::ok);
    let filters =
        programs.filter(|program| program.name_as_str().is_some_and(|name| name.starts_with("xdpfilt")));
    let newest = filters.max_by_key(aya::programs::ProgramInfo::id).context("xdp-filter left no program")?;
    for id in newest.map_ids()?.unwrap_or_default() {
        let map = MapData::from_id(id)?;
        if map.info()?.name_as_str() == Some(name) {
            return Ok(map);
        }
    }
    anyhow::bail!("xdp-filter has no map {name}")
}
