//! The program without an interface: loaded over tables that are pinned in a folder, and run over frames with
//! `BPF_PROG_TEST_RUN`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use aya::maps::{Map, MapData, PerCpuArray};
use aya::programs::Xdp;
use aya::{Ebpf, EbpfLoader};
use rustix::thread::{CpuSet, sched_setaffinity};
use xdpgate::kernel::CounterSums;
use xdpgate_ebpf::abi::{Count, InterfaceCounters};

use crate::cleanup::{self, Guard, Leftover};
use crate::daemon::BPFFS;
use crate::namespace::unique_name;
use crate::prerequisites;

/// The two programs of the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// For frames in one buffer.
    OneBuffer,
    /// For frames in several.
    Fragments,
}

impl Program {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::OneBuffer, Self::Fragments];

    /// Its name in the object.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OneBuffer => "xdpgate",
            Self::Fragments => "xdpgate_frags",
        }
    }
}

/// A folder for pins that nobody else uses; removed with all pins in it.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _guard: Guard,
}

impl Folder {
    /// A name for one; whoever pins first makes the folder.
    #[must_use]
    pub fn new() -> Self {
        let path = Path::new(BPFFS).join(unique_name());
        let guard = cleanup::register(Leftover::Directory(path.clone()));
        Self { path, _guard: guard }
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of the tables.
    #[must_use]
    pub fn maps(&self) -> PathBuf {
        self.path.join("maps")
    }

    /// One table.
    ///
    /// # Errors
    ///
    /// When it is not pinned there.
    pub fn map(&self, name: &str) -> Result<Map> {
        open(&self.maps(), name)
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

/// The object's programs, loaded over the tables that are pinned in `maps`; they count in `slot`.
///
/// # Errors
///
/// When there is no object, or the kernel refuses it.
pub fn load(maps: &Path, slot: u32) -> Result<Ebpf> {
    let mut pins = Vec::new();
    for pin in fs::read_dir(maps).with_context(|| format!("no tables in {}", maps.display()))? {
        let pin = pin?;
        pins.push((pin.file_name().to_string_lossy().into_owned(), pin.path()));
    }
    let mut loader = EbpfLoader::new();
    loader.override_global("INTERFACE_SLOT", &slot, true);
    for (name, path) in &pins {
        loader.map_pin_path(name, path);
    }
    let mut object = loader.load_file(prerequisites::xdpgate_object()?)?;
    for program in Program::BOTH {
        let xdp: &mut Xdp = object.program_mut(program.name()).context("no such program")?.try_into()?;
        xdp.load()?;
    }
    Ok(object)
}

/// The counters of a slot, summed over CPUs.
///
/// # Errors
///
/// When they cannot be read.
pub fn counted(maps: &Path, slot: u32) -> Result<CounterSums> {
    sums(&open(maps, "COUNTERS")?.try_into()?, slot)
}

/// Likewise, of an open table.
///
/// # Errors
///
/// When they cannot be read.
pub fn sums(counters: &PerCpuArray<MapData, InterfaceCounters>, slot: u32) -> Result<CounterSums> {
    let mut sums = CounterSums::ZERO;
    for row in counters.get(&slot, 0)?.iter() {
        add(&mut sums.seen, row.seen);
        sums.decided.iter_mut().zip(row.decided).for_each(|(sum, count)| add(sum, count));
        sums.monitored.iter_mut().zip(row.monitored).for_each(|(sum, count)| add(sum, count));
    }
    Ok(sums)
}

/// Keeps the calling thread on one CPU.
///
/// # Errors
///
/// When there is no such CPU.
pub fn stay_on(cpu: usize) -> Result<()> {
    let mut cpus = CpuSet::new();
    cpus.set(cpu);
    sched_setaffinity(None, &cpus).with_context(|| format!("cannot run on CPU {cpu}"))
}

fn open(maps: &Path, name: &str) -> Result<Map> {
    let data = MapData::from_pin(maps.join(name)).with_context(|| format!("no table {name}"))?;
    Ok(Map::from_map_data(data)?)
}

fn add(sum: &mut Count, count: Count) {
    sum.packets += count.packets;
    sum.bytes += count.bytes;
}
