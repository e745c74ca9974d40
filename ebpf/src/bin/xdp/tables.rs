//! The program's maps as the decision's tables.

use xdpgate_ebpf::abi::{AttributeSet, Ban, Settings, control};
use xdpgate_ebpf::packet::Source;
use xdpgate_ebpf::tables::Tables;
use xdpgate_ebpf::{bans, prefix};

use crate::maps::{self, Bans, Buckets, ControlWords, Prefixes};

/// The maps of this program.
pub(crate) struct KernelTables {
    control: ControlWords,
    buckets: Buckets,
}

impl KernelTables {
    #[inline(always)]
    pub(crate) fn of(control: ControlWords) -> Self {
        Self { control, buckets: Buckets::of(control) }
    }
}

impl Tables for KernelTables {
    type Buckets = Buckets;

    #[inline(always)]
    fn paused(&self) -> bool {
        self.control.word(control::PAUSED) != 0
    }

    #[inline(always)]
    fn generation(&self) -> u64 {
        self.control.word(control::LIVE_GENERATION)
    }

    #[inline(always)]
    fn settings(&self, generation: u64) -> Option<&Settings> {
        maps::settings(generation)
    }

    #[inline(always)]
    fn attributes(&self, generation: u64, source: &Source) -> AttributeSet {
        maps::attribute_set(generation, prefix::find(&Prefixes::of(generation, self.control), source))
    }

    #[inline(always)]
    fn ban(&self, source: &Source) -> Option<Ban> {
        bans::find(&Bans { control: self.control }, source)
    }

    #[inline(always)]
    fn buckets(&self) -> &Buckets {
        &self.buckets
    }
}
