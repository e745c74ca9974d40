//! Whom we are compared with on the wire: each guards a wire of its own, of the same make, under the same flood.

mod bare;
mod iptables;
mod nftables;
mod ours;
mod xdp_filter;

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_setaffinity};
use xdpgate_tests::flood::{Generator, SentFrames, Sources};
use xdpgate_tests::prerequisites;
use xdpgate_tests::program::stay_on;
use xdpgate_tests::stats::WireCounters;
use xdpgate_tests::veth::{GUARDED, Wire};

pub(crate) use bare::Bare;
pub(crate) use iptables::{Iptables, ipset_file};
pub(crate) use nftables::{Nftables, nft_file};
pub(crate) use ours::Ours;
pub(crate) use xdp_filter::XdpFilter;

use crate::frames;

/// The CPU that takes the frames off the wire, where that is another one.
const RECEIVER: usize = 1;
/// Frames that may still be on the wire, or not counted yet, when the generator has ended.
const DRAINED_WITHIN: Duration = Duration::from_secs(5);
/// Packets that no generator sent: multicast reports.
const STRAYS: u64 = 16;

/// Drops a flood, and counts what it did.
pub(crate) trait Guard: Sync {
    /// What it is called in the table.
    fn name(&self) -> &'static str;

    /// What it has counted so far.
    fn counted(&self, wire: &Wire) -> Result<Counted>;
}

/// Packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) dropped: u64,
    /// The first of each source, where its limit lets that through.
    pub(crate) passed: u64,
}

/// Where the guard's side of the wire runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receiver {
    /// On the generator's CPU, in turn with it: what a frame costs both is what decides.
    SameCpu,
    /// On a CPU of its own: what a frame costs the guard is what decides, as long as the generator is faster.
    OwnCpu,
}

/// A guard on its wire.
pub(crate) struct Stand {
    guard: Box<dyn Guard>,
    wire: Wire,
    floods: BTreeMap<&'static str, Vec<(Generator, SentFrames)>>,
}

/// One flood and what came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Flooded {
    /// Packets dropped in a second.
    pub(crate) dropped_per_second: f64,
    /// How long the generators sent.
    pub(crate) seconds: f64,
    /// Frames handed to the wire.
    pub(crate) sent: u64,
    /// What the guard did not see, because the ring was full.
    pub(crate) refused: u64,
    /// What the guard let through.
    pub(crate) passed: u64,
}

impl Flooded {
    /// The share of frames that found the ring full: above zero the guard is slower than the generator.
    pub(crate) fn refused_share(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "millions of packets")]
        let share = self.refused as f64 / self.sent as f64;
        share
    }
}

impl Stand {
    /// Makes a wire and puts a guard on it.
    pub(crate) fn make<G: Guard + 'static>(set_up: impl FnOnce(&Wire) -> Result<G>) -> Result<Self> {
        let wire = Wire::create()?;
        // Without an XDP program the other end has NAPI only with GRO. For all, so that it makes no difference.
        wire.guarded.run("ethtool", &["-K", GUARDED, "gro", "on"])?;
        let guard = set_up(&wire)?;
        Ok(Self { guard: Box::new(guard), wire, floods: BTreeMap::new() })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.guard.name()
    }

    /// Makes a flood of these sources ready, with one generator for each CPU.
    pub(crate) fn prepare(&mut self, flood: &'static str, sources: &Sources, cpus: usize) -> Result<()> {
        let object = prerequisites::flood_object()?;
        let generators = (0..cpus).map(|_| {
            let generator = Generator::load(&object, &self.wire, sources, frames::to_service()?)?;
            let sent = generator.sent();
            anyhow::Ok((generator, sent))
        });
        self.floods.insert(flood, generators.collect::<Result<_>>()?);
        Ok(())
    }

    /// Chooses who takes the frames off the wire.
    pub(crate) fn place(&self, receiver: Receiver) -> Result<()> {
        let before = napi_threads()?;
        let threaded = if receiver == Receiver::OwnCpu { '1' } else { '0' };
        let path = format!("/sys/class/net/{GUARDED}/threaded");
        // `ip netns exec` mounts the /sys of the namespace.
        let script = format!("echo {threaded} > {path}");
        let status = Command::new("ip")
            .args(["netns", "exec", self.wire.guarded.name(), "sh", "-c", &script])
            .stdin(Stdio::null())
            .status()?;
        ensure!(status.success(), "cannot write {threaded} to {path}");
        for thread in napi_threads()?.into_iter().filter(|thread| !before.contains(thread)) {
            let mut cpus = CpuSet::new();
            cpus.set(RECEIVER);
            sched_setaffinity(Some(thread), &cpus).context("cannot move a thread of NAPI")?;
        }
        Ok(())
    }

    /// How many frames each generator of a flood sends in so long, found out with `warm_up` frames.
    pub(crate) fn frames_for(&self, flood: &str, time: Duration, warm_up: u32) -> Result<u32> {
        let warm = self.flood(flood, warm_up)?;
        let each = f64::from(warm_up) * time.as_secs_f64() / warm.seconds;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded")]
        let frames = each.clamp(100_000.0, 50_000_000.0) as u32;
        Ok(frames)
    }

    /// Sends so many frames from each generator, the first on CPU 0, and counts until nothing is under way any more.
    pub(crate) fn flood(&self, flood: &str, frames: u32) -> Result<Flooded> {
        let generators = self.floods.get(flood).context("no such flood")?;
        let total = || generators.iter().map(|(_, sent)| sent.total()).sum::<Result<u64>>();
        let (sent, counted) = (total()?, self.guard.counted(&self.wire)?);
        let wire = WireCounters::read(&self.wire)?;
        let start = Instant::now();
        thread::scope(|scope| {
            let generate = |(cpu, (generator, _)): (usize, &'_ (Generator, SentFrames))| {
                let work = || {
                    stay_on(cpu)?;
                    generator.send_at_once(frames)
                };
                self.wire.outside.within(work)
            };
            let threads: Vec<_> =
                generators.iter().enumerate().map(|one| scope.spawn(move || generate(one))).collect();
            let join = |thread: thread::ScopedJoinHandle<'_, Result<()>>| {
                thread.join().map_err(|_| anyhow!("a generator panicked"))?
            };
            threads.into_iter().try_for_each(join)
        })?;
        let taken = start.elapsed();
        let sent = total()? - sent;
        let refused = WireCounters::read(&self.wire)?.since(wire).refused;
        let counted = self.drained(counted, sent - refused)?;
        #[expect(clippy::cast_precision_loss, reason = "millions of packets")]
        let dropped = counted.dropped as f64;
        let seconds = taken.as_secs_f64();
        Ok(Flooded { dropped_per_second: dropped / seconds, seconds, sent, refused, passed: counted.passed })
    }

    /// Waits until all that arrived is counted.
    fn drained(&self, before: Counted, arrived: u64) -> Result<Counted> {
        let start = Instant::now();
        loop {
            let now = self.guard.counted(&self.wire)?;
            let counted =
                Counted { dropped: now.dropped - before.dropped, passed: now.passed - before.passed };
            let all = counted.dropped + counted.passed;
            if (arrived..=arrived + STRAYS).contains(&all) {
                return Ok(counted);
            }
            if start.elapsed() > DRAINED_WITHIN {
                bail!("{}: {arrived} packets arrived, but {counted:?}", self.guard.name());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The kernel's threads that poll interfaces.
fn napi_threads() -> Result<Vec<Pid>> {
    let mut threads = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let Some(id) = number.and_then(Pid::from_raw) else { continue };
        let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        if name.starts_with("napi/") {
            threads.push(id);
        }
    }
    Ok(threads)
}
