//! What the decision asks of its host.

use crate::abi::{AttributeSet, Ban, Settings};
use crate::buckets::BucketMemory;
use crate::packet::Source;

/// The tables of one host: the kernel's maps, or a model of them.
pub trait Tables {
    /// The memory of the buckets.
    type Buckets: BucketMemory;

    /// Whether an operator's `pause` is in force.
    fn paused(&self) -> bool;

    /// The live generation; 0 before the first.
    fn generation(&self) -> u64;

    /// The settings of a generation.
    fn settings(&self, generation: u64) -> Option<&Settings>;

    /// What a generation knows about a source.
    fn attributes(&self, generation: u64, source: &Source) -> AttributeSet;

    /// The ban of a source, exact or by prefix, whichever lasts longer. It may have expired.
    fn ban(&self, source: &Source) -> Option<Ban>;

    /// The rate state of all sources.
    fn buckets(&self) -> &Self::Buckets;
}

/// The time, asked only where it matters: in the kernel it is a helper call.
pub trait Clock {
    /// `CLOCK_MONOTONIC`, in nanoseconds.
    fn now_ns(&self) -> u64;
}

/// A time that stands still.
impl Clock for u64 {
    #[inline(always)]
    fn now_ns(&self) -> u64 {
        *self
    }
}
