//! The kernel side as the daemon sees it: programs, pins, tables, counters. The only module that imports aya.
//!
//! Everything that must outlive the daemon is pinned under one folder of a BPF file system: `maps/NAME`, and
//! `links/N` for the interface in slot N. Dropping a [`Kernel`] changes nothing of what is enforced; pins that guard no
//! interface go with it.

mod attach;
mod ban_words;
mod bans;
mod blocks;
mod buckets;
mod control_words;
mod counters;
mod deadline;
mod detach;
mod error;
mod events;
mod generation;
mod grace;
mod host_interfaces;
mod memory;
mod mend;
mod netlink;
mod object;
mod pins;
mod random;
mod rules;
mod slots;
mod steer;
mod tables;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use xdpgate_ebpf::abi::{BUCKET_SLOTS, BucketSlots, control};
use xdpgate_ebpf::bans::Seed;
use xdpgate_ebpf::buckets::{BucketKey, Owner};

pub use attach::{Attached, AttachedMode};
pub use counters::{CounterSums, EventSums, TableUse};
pub use error::KernelError;
pub use generation::InstallReport;
pub use host_interfaces::{HostInterface, host_interfaces};
pub use mend::PolicyDrift;
pub use object::Features;
pub use steer::{detach_pinned, pause_pinned};

use crate::bans::{BanShape, Bans};
use crate::config::AttachMode;
use attach::OwnProgram;
use ban_words::KernelBanWords;
use buckets::BucketTable;
use control_words::ControlWords;
use events::Ring;
use pins::{Owned, Pins};
use tables::{PolicyTables, Tables};

/// What the daemon decides about the kernel side before it touches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The folder of the pins, on a BPF file system.
    pub bpffs: PathBuf,
    /// Room for exact bans, and likewise for prefix bans, of each address family.
    pub bans: u32,
    /// Room for sources in the limiter.
    pub sources: u32,
    /// The most ranges of addresses in one generation, of each address family.
    pub prefixes: u32,
    /// How programs are attached.
    pub attach: AttachMode,
    /// Whether another program on an interface is replaced.
    pub force: bool,
}

/// The kernel side. All methods take `&self`; each holds the lock of the tables only for its own few calls, so that a
/// ban never waits for a policy that is being written.
pub struct Kernel {
    options: Options,
    pins: Pins,
    control: Arc<ControlWords>,
    tables: Mutex<Tables>,
    policy: Mutex<PolicyTables>,
    bans: Mutex<Bans<KernelBanWords>>,
    buckets: BucketTable,
    events: Mutex<Ring>,
    excesses: Mutex<Ring>,
    /// The program of each slot that this process has attached.
    programs: Mutex<HashMap<u32, OwnProgram>>,
    /// What the live generation holds, if this process wrote it.
    installed: Mutex<Option<InstallReport>>,
    features: Features,
    _owner: Owned,
}

impl Kernel {
    /// Takes ownership of the pins, makes the tables, or adopts those that an earlier daemon left.
    ///
    /// # Errors
    /// Another daemon owns the pins; they have another layout; no BPF file system or no permission; a kernel without a
    /// feature. Nothing that is enforced has then changed.
    pub fn open(options: &Options) -> Result<Self, KernelError> {
        let pins = Pins::new(&options.bpffs);
        // Asked before anything is touched: pins of another version stay as they are.
        pins.check_abi()?;
        let owner = pins.own()?;
        let object = object::make_tables(&pins, options)?;
        pins.write_abi()?;
        let control = Arc::new(ControlWords::open(&pins)?);
        let buckets = BucketTable::open(&pins, &control)?;
        let bans = Bans::open(
            KernelBanWords::open(&pins, Arc::clone(&control))?,
            BanShape::new(options.bans),
            Seed([random::word()?, random::word()?]),
        )?;
        let events = Ring::open(&pins, "EVENTS")?;
        let excesses = Ring::open(&pins, "EXCESSES")?;
        Ok(Self {
            options: options.clone(),
            features: object,
            tables: Mutex::new(Tables::open(&pins)?),
            policy: Mutex::new(PolicyTables::open(&pins)?),
            bans: Mutex::new(bans),
            buckets,
            events: Mutex::new(events),
            excesses: Mutex::new(excesses),
            programs: Mutex::new(HashMap::new()),
            installed: Mutex::new(None),
            control,
            pins,
            _owner: owner,
        })
    }

    /// The folder of the pins.
    #[must_use]
    pub fn bpffs(&self) -> &Path {
        &self.options.bpffs
    }

    /// What of the kernel is in use.
    #[must_use]
    pub const fn features(&self) -> &Features {
        &self.features
    }

    /// The number of the generation that packets see; 0 before the first.
    #[must_use]
    pub fn live_generation(&self) -> u64 {
        self.control.get(control::LIVE_GENERATION)
    }

    /// Passes everything, counted as paused, until it is called with `false`.
    pub fn pause(&self, on: bool) {
        self.control.set(control::PAUSED, u64::from(on));
    }

    /// Whether a pause is in force.
    #[must_use]
    pub fn paused(&self) -> bool {
        self.control.get(control::PAUSED) != 0
    }

    /// The state of a source's bucket as the limiter has it now, in ticks; none where there is no bucket, which is as good as
    /// a full one.
    #[must_use]
    pub fn bucket(&self, key: &BucketKey, class: u64) -> Option<u64> {
        self.buckets.state(key, class)
    }

    /// Whose buckets are full again only after this time, or will be; in nanoseconds of `CLOCK_MONOTONIC`. Each with the tick
    /// at which it is. A slot that has gone to another key since is not among them.
    pub fn buckets_since(&self, ns: u64) -> impl Iterator<Item = (Owner, u64)> {
        self.buckets.since(xdpgate_ebpf::limit::ticks(ns).max(1))
    }

    /// The slots of the limiter, and the bytes of its memory.
    #[must_use]
    pub fn limiter_size(&self) -> (u64, u64) {
        let sets = u64::from(self.buckets.sets());
        (sets * u64::from(BUCKET_SLOTS), sets * size_of::<BucketSlots>() as u64)
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        lock(&self.tables)
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Kernel").field("options", &self.options).finish_non_exhaustive()
    }
}

/// `CLOCK_MONOTONIC`, the clock of bans and buckets, in nanoseconds.
#[must_use]
pub fn monotonic_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(now.tv_nsec).unwrap_or(0))
}

/// A lock whose holder panicked still guards handles that are whole: each call on them is one system call.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
