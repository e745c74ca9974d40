//! The kernel's own maps as the decision's tables: tries for prefixes, hashes for bans, an LRU hash for buckets.

use xdpgate_ebpf::abi::{AttributeSet, Ban, BucketKey, Settings, control, family};
use xdpgate_ebpf::packet::Source;
use xdpgate_ebpf::prefix;
use xdpgate_ebpf::tables::Tables;

use crate::maps::{self, BucketPointer, ControlWords, PrefixKeys, Prefixes};

/// The maps of this program.
pub(crate) struct KernelTables<'k> {
    pub(crate) control: ControlWords,
    pub(crate) keys: &'k PrefixKeys,
}

impl Tables for KernelTables<'_> {
    type Bucket<'a>
        = BucketPointer
    where
        Self: 'a;

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
        maps::attribute_set(generation, prefix::find(&Prefixes::of(generation), source))
    }

    #[inline(always)]
    fn ban(&self, source: &Source) -> Option<Ban> {
        let exact = match source.family {
            family::IPV4 => maps::ban_v4(first_four(source)),
            _ => maps::ban_v6(source.address),
        };
        if self.control.word(control::BANS) == 0 {
            return exact;
        }
        let prefix = match source.family {
            family::IPV4 => maps::ban_prefix_v4(self.keys, first_four(source)),
            _ => maps::ban_prefix_v6(self.keys, source.address),
        };
        match (exact, prefix) {
            (Some(exact), Some(prefix)) if exact.expires_ns > prefix.expires_ns => Some(exact),
            (exact, prefix) => prefix.or(exact),
        }
    }

    #[inline(always)]
    fn bucket(&self, key: &BucketKey) -> Option<BucketPointer> {
        maps::bucket(key)
    }
}

#[inline(always)]
const fn first_four(source: &Source) -> [u8; 4] {
    let [a, b, c, d, ..] = source.address;
    [a, b, c, d]
}
