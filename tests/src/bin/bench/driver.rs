//! The driver: runs a program over frames whose sources follow a plan (ebpf/src/bin/bench).

use std::env;
use std::path::PathBuf;
use std::thread;

use anyhow::{Context, Result, anyhow, ensure};
use aya::maps::{Array, MapData, PerCpuArray, PerCpuValues, ProgramArray};
use aya::programs::xdp::Xdp;
use aya::programs::{ProgramFd, TestRun, TestRunOptions};
use aya::{Ebpf, EbpfLoader};
use rustix::time::{ClockId, clock_gettime};
use xdpgate_tests::program::stay_on;

/// The answer of an XDP program that could not be reached (`XDP_ABORTED`).
const ABORTED: u32 = 0;
/// Where test runs are: CPU 0 has the interrupts of most machines.
const CPU: usize = 1;
/// Room for listed sources (ebpf/src/bin/bench/source.rs).
const LISTED: u32 = 1 << 20;
/// The driver's own programs.
const PROGRAMS: [&str; 11] = [
    "driver",
    "timed_driver",
    "bare",
    "counted_drop",
    "base4",
    "base6",
    "trie4",
    "trie6",
    "ours4",
    "ours6",
    "parse_and_look",
];

/// Where sources come from. The same as in the program (ebpf/src/bin/bench/source.rs).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Every frame keeps the source that it has.
    Keep,
    /// Each frame draws one of so many.
    Draw(u32),
    /// So many take turns.
    Walk(u32),
    /// Those of [`Driver::set_sources`], in turn.
    Listed,
    /// Every frame has one that no frame had before.
    New,
    /// Likewise, and each has two frames, one right behind the other.
    Twice,
}

impl Plan {
    const fn words(self, seed: u32) -> [u64; 4] {
        let (kind, count) = match self {
            Self::Keep => (0, 0),
            Self::Draw(count) => (1, count),
            Self::Walk(count) => (2, count),
            Self::New => (3, 0),
            Self::Twice => (4, 0),
            Self::Listed => (5, 0),
        };
        [kind, count as u64, seed as u64, 0]
    }
}

/// What one run found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Run {
    /// Nanoseconds of the CPU for each frame.
    pub(crate) ns: f64,
    /// What the small programs added up: the answers of look-ups.
    pub(crate) sum: u64,
}

/// The first and the last frame, in seconds of `CLOCK_MONOTONIC`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Span {
    pub(crate) start: f64,
    pub(crate) end: f64,
}

/// The loaded driver and its small programs.
pub(crate) struct Driver {
    object: Ebpf,
    programs: ProgramArray<MapData>,
    plan: Array<MapData, [u64; 4]>,
    next: PerCpuArray<MapData, u64>,
    sum: PerCpuArray<MapData, u64>,
    stamps: PerCpuArray<MapData, [u64; 2]>,
}

impl Driver {
    /// Loads it, with room for so many prefixes in each of its tries.
    pub(crate) fn load(prefixes: u32) -> Result<Self> {
        let path = object("XDPGATE_BENCH_OBJECT")?;
        let mut object = EbpfLoader::new()
            .map_max_entries("TRIE_V4", prefixes)
            .map_max_entries("TRIE_V6", prefixes)
            .load_file(&path)
            .with_context(|| format!("cannot load {}", path.display()))?;
        for name in PROGRAMS {
            let program: &mut Xdp = object.program_mut(name).context(name)?.try_into()?;
            program.load().with_context(|| format!("the kernel refuses {name}"))?;
        }
        Ok(Self {
            programs: object.take_map("PROGRAMS").context("no map PROGRAMS")?.try_into()?,
            plan: object.take_map("PLAN").context("no map PLAN")?.try_into()?,
            next: object.take_map("NEXT").context("no map NEXT")?.try_into()?,
            sum: object.take_map("SUM").context("no map SUM")?.try_into()?,
            stamps: object.take_map("STAMPS").context("no map STAMPS")?.try_into()?,
            object,
        })
    }

    /// One of the small programs.
    pub(crate) fn small(&self, name: &str) -> Result<ProgramFd> {
        Ok(self.program(name)?.fd()?.try_clone()?)
    }

    /// One of the small programs, to attach it.
    pub(crate) fn program_mut(&mut self, name: &str) -> Result<&mut Xdp> {
        Ok(self.object.program_mut(name).with_context(|| format!("no program {name}"))?.try_into()?)
    }

    /// Gives [`Plan::Listed`] its sources: IPv4 addresses in the first four bytes.
    pub(crate) fn set_sources(&mut self, sources: &[[u8; 16]]) -> Result<()> {
        let mut listed: Array<_, [u8; 16]> = self.map_mut("SOURCES")?.try_into()?;
        let all = sources.iter().cycle();
        (0..LISTED).zip(all).try_for_each(|(index, source)| Ok(listed.set(index, source, 0)?))
    }

    /// What the small programs added up.
    pub(crate) fn sum(&self) -> Result<u64> {
        Ok(self.sum.get(&0, 0)?.iter().sum())
    }

    /// A map of the small programs.
    pub(crate) fn map_mut(&mut self, name: &str) -> Result<&mut aya::maps::Map> {
        self.object.map_mut(name).with_context(|| format!("no map {name}"))
    }

    /// Makes `program` the one that is run, with this plan; the first frame of each CPU is number `start` and, so that
    /// no two CPUs have the same, half of all numbers further on the second one.
    pub(crate) fn prepare(&mut self, program: &ProgramFd, plan: Plan, start: u64) -> Result<()> {
        const SEED: u32 = 0x5eed_0000;
        self.programs.set(0, program, 0)?;
        self.plan.set(0, plan.words(SEED), 0)?;
        let cpus = aya::util::nr_cpus().map_err(|(_, error)| error)?;
        let numbers = (0..cpus as u64).map(|cpu| start + (cpu << 31));
        self.next.set(0, PerCpuValues::try_from(numbers.collect::<Vec<_>>())?, 0)?;
        self.sum.set(0, PerCpuValues::try_from(vec![0; cpus])?, 0)?;
        self.stamps.set(0, PerCpuValues::try_from(vec![[0; 2]; cpus])?, 0)?;
        Ok(())
    }

    /// Prepares and runs so many frames on this thread's CPU.
    pub(crate) fn run(
        &mut self,
        program: &ProgramFd,
        plan: Plan,
        frame: &[u8],
        frames: u32,
        start: u64,
    ) -> Result<Run> {
        self.prepare(program, plan, start)?;
        let ns = self.go("driver", frame, frames, CPU)?;
        Ok(Run { ns, sum: self.sum()? })
    }

    /// Prepares and runs, and says when.
    pub(crate) fn run_timed(
        &mut self,
        program: &ProgramFd,
        plan: Plan,
        frame: &[u8],
        frames: u32,
        start: u64,
    ) -> Result<Span> {
        self.prepare(program, plan, start)?;
        self.go("timed_driver", frame, frames, CPU)?;
        self.span()
    }

    /// Runs what was prepared, on this CPU; nanoseconds of this thread's CPU time for each frame. The kernel's own figure is whole
    /// nanoseconds, which is too coarse for a look-up of five.
    pub(crate) fn go(&self, driver: &str, frame: &[u8], frames: u32, cpu: usize) -> Result<f64> {
        let program = self.program(driver)?;
        let run = || {
            stay_on(cpu.min(aya::util::nr_cpus().map_err(|(_, error)| error)? - 1))?;
            let options = TestRunOptions { data_in: Some(frame), repeat: frames, ..TestRunOptions::new() };
            let before = thread_ns();
            let answer = program.test_run(options)?.return_value;
            anyhow::Ok((answer, thread_ns() - before))
        };
        // A thread of its own: what this process starts would inherit its CPU.
        let (answer, spent) = thread::scope(|scope| {
            scope.spawn(run).join().map_err(|_| anyhow!("a thread of test runs panicked"))?
        })?;
        ensure!(answer != ABORTED, "the program under test was not reached");
        Ok(spent / f64::from(frames))
    }

    /// When the frames of `timed_driver` came, on any CPU.
    pub(crate) fn span(&self) -> Result<Span> {
        let stamps = self.stamps.get(&0, 0)?;
        let used = || stamps.iter().filter(|[first, _]| *first != 0);
        let first = used().map(|[first, _]| *first).min().context("no frame was stamped")?;
        let last = used().map(|[_, last]| *last).max().unwrap_or(first);
        Ok(Span { start: seconds(first), end: seconds(last) })
    }

    fn program(&self, name: &str) -> Result<&Xdp> {
        Ok(self.object.program(name).with_context(|| format!("no program {name}"))?.try_into()?)
    }
}

/// An object that `cargo xtask bench` builds.
pub(crate) fn object(variable: &str) -> Result<PathBuf> {
    let path = env::var_os(variable).map(PathBuf::from);
    path.with_context(|| format!("{variable} is not set; run this through `cargo xtask bench`"))
}

#[expect(clippy::cast_precision_loss, reason = "to a microsecond in a month of uptime")]
fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

fn thread_ns() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    #[expect(clippy::cast_precision_loss, reason = "days of CPU time fit")]
    let ns = (now.tv_sec * 1_000_000_000 + now.tv_nsec) as f64;
    ns
}
