//! The program and its tables, in a folder of their own.

use std::path::{Path, PathBuf};

use aya::Ebpf;
use aya::maps::{Array, Map, MapData, PerCpuArray};
use aya::programs::{TestRun, TestRunOptions, TestRunResult, Xdp};
use xdpgate::config::AttachMode;
use xdpgate::kernel::{CounterSums, Kernel, KernelError, Options};
use xdpgate_ebpf::abi::{Count, InterfaceCounters, ListCounters, MAX_INTERFACES};
use xdpgate_ebpf::reason::Reason;
use xdpgate_tests::packets::{Scene, State, World};
use xdpgate_tests::program;
pub(crate) use xdpgate_tests::program::Program;

/// The answers of an XDP program (`enum xdp_action` of linux/bpf.h).
pub(crate) const XDP_DROP: u32 = 1;
pub(crate) const XDP_PASS: u32 = 2;

/// The least that `BPF_PROG_TEST_RUN` takes: an Ethernet header.
pub(crate) const SHORTEST: usize = 14;
/// The slot in which the program counts. Not the first, so that a program that ignores it is found out.
pub(crate) const SLOT: u32 = 37;

/// A folder for pins that nobody else uses; removed with all pins in it.
#[derive(Debug)]
pub(crate) struct Folder(program::Folder);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(program::Folder::new())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn maps(&self) -> PathBuf {
        self.0.maps()
    }

    pub(crate) fn map(&self, name: &str) -> Map {
        self.0.map(name).unwrap()
    }

    /// One word of a pinned array.
    pub(crate) fn words(&self, name: &str) -> Array<MapData, u64> {
        self.map(name).try_into().unwrap()
    }

    /// Lets the pins outlive their owner, as those of a guarded interface do: something stands where its link would.
    pub(crate) fn keep(&self) {
        MapData::from_pin(self.maps().join("ABI")).unwrap().pin(self.path().join("links/kept")).unwrap();
    }

    pub(crate) fn options(&self) -> Options {
        Options {
            bpffs: self.path().to_owned(),
            bans: 1 << 10,
            sources: 1 << 14,
            prefixes: 1 << 12,
            attach: AttachMode::Auto,
            force: false,
        }
    }

    pub(crate) fn open(&self) -> Result<Kernel, KernelError> {
        Kernel::open(&self.options())
    }
}

/// The program and its tables.
pub(crate) struct Gate {
    pub(crate) kernel: Kernel,
    object: Ebpf,
    counters: PerCpuArray<MapData, InterfaceCounters>,
    lists: PerCpuArray<MapData, ListCounters>,
    /// Dropped last: the pins go when nobody uses them any more.
    pub(crate) folder: Folder,
}

impl Gate {
    pub(crate) fn new() -> Self {
        let folder = Folder::new();
        let kernel = folder.open().unwrap();
        Self::around(kernel, folder)
    }

    /// With tables of other sizes.
    pub(crate) fn sized(change: impl FnOnce(&mut Options)) -> Self {
        let folder = Folder::new();
        let mut options = folder.options();
        change(&mut options);
        let kernel = Kernel::open(&options).unwrap();
        Self::around(kernel, folder)
    }

    /// With the tables that are open.
    pub(crate) fn around(kernel: Kernel, folder: Folder) -> Self {
        let object = program::load(&folder.maps(), SLOT).unwrap();
        let counters = folder.map("COUNTERS").try_into().unwrap();
        let lists = folder.map("LIST_COUNTERS").try_into().unwrap();
        Self { kernel, object, counters, lists, folder }
    }

    /// As a scene of the packet table finds it.
    pub(crate) fn staged(world: &World, scene: &Scene) -> Self {
        let gate = Self::new();
        if scene.state != State::NoPolicy {
            gate.kernel.install(&world.compile(&scene.policy, 1).unwrap()).unwrap();
        }
        gate.kernel.pause(scene.state == State::Paused);
        for (prefix, expires_ns) in world.bans() {
            gate.kernel.ban(*prefix, *expires_ns).unwrap();
        }
        gate
    }

    pub(crate) fn program(&self, program: Program) -> &Xdp {
        self.object.program(program.name()).unwrap().try_into().unwrap()
    }

    /// Runs one program over one frame, again and again; the last answer.
    pub(crate) fn run(&self, program: Program, frame: &[u8], times: u32) -> TestRunResult {
        let options = TestRunOptions { data_in: Some(frame), repeat: times, ..TestRunOptions::new() };
        self.program(program).test_run(options).unwrap()
    }

    /// Runs the usual program over one frame; why it left.
    pub(crate) fn reason_of(&self, frame: &[u8]) -> Reason {
        let before = self.counted();
        self.run(Program::Fragments, frame, 1);
        let after = self.counted();
        let changed = |reason: &&Reason| after.decided(**reason) != before.decided(**reason);
        let mut reasons = Reason::ALL.iter().filter(changed);
        let reason = *reasons.next().unwrap();
        assert_eq!(reasons.next(), None, "one packet has left twice");
        reason
    }

    /// The counters of the program's slot.
    pub(crate) fn counted(&self) -> CounterSums {
        self.counted_in(SLOT)
    }

    pub(crate) fn counted_in(&self, slot: u32) -> CounterSums {
        program::sums(&self.counters, slot).unwrap()
    }

    /// The counters of one list. Cheaper than asking for all of them.
    pub(crate) fn counted_by_list(&self, bit: u32) -> ListCounters {
        let mut sums = ListCounters { dropped: Count::ZERO, monitored: Count::ZERO };
        for row in self.lists.get(&bit, 0).unwrap().iter() {
            add(&mut sums.dropped, row.dropped);
            add(&mut sums.monitored, row.monitored);
        }
        sums
    }

    /// That no slot but the program's was counted in.
    pub(crate) fn assert_other_slots_are_untouched(&self) {
        for slot in (0..MAX_INTERFACES).filter(|slot| *slot != SLOT) {
            assert_eq!(self.counted_in(slot), CounterSums::ZERO, "slot {slot}");
        }
    }

    /// How much of a long frame the kernel puts into its first buffer, which is all that the program reads.
    pub(crate) fn first_buffer(&self) -> usize {
        let before = self.counted().seen.bytes;
        self.run(Program::Fragments, &[0xff; 9_000], 1);
        usize::try_from(self.counted().seen.bytes - before).unwrap()
    }
}

/// Keeps the calling thread on one CPU.
pub(crate) fn stay_on(cpu: usize) {
    program::stay_on(cpu).unwrap();
}

fn add(sum: &mut Count, count: Count) {
    sum.packets += count.packets;
    sum.bytes += count.bytes;
}
