//! What the decision asks of its host.

use crate::abi::{AttributeSet, Ban, LimitRow, Rule, ServiceRow, Settings};
use crate::buckets::BucketMemory;
use crate::packet::{Packet, Source};
use crate::rules::{self, LimitCount, RuleCase, RuleVerdict, Steps};

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

    /// From when on the generation before the live one is in force, in nanoseconds of `CLOCK_MONOTONIC`. Zero: never.
    fn return_at(&self) -> u64;

    /// What services say about a place of [`crate::abi::port_place`].
    fn port_class(&self, generation: u64, place: u32) -> u8;

    /// A border between destinations, below [`crate::abi::MAX_BORDERS`], in two halves.
    fn border(&self, generation: u64, number: u32) -> (u64, u64);

    /// What services say about the destinations that are not below so many borders.
    fn destination_class(&self, generation: u64, borders: u32) -> u8;

    /// The service of these destinations and ports; zero: none.
    fn service(&self, generation: u64, destinations: u8, ports: u8) -> u8;

    /// What is known of a service.
    fn service_row(&self, generation: u64, service: u8) -> ServiceRow;

    /// The limits of a service for a plan.
    fn rule(&self, generation: u64, service: u8, plan: u8) -> Rule;

    /// A limit by its number, which is not zero.
    fn limit(&self, generation: u64, number: u16) -> Option<&LimitRow>;

    /// Counts a packet for a limit.
    fn count_limit(&self, number: u16, count: LimitCount, bytes: u32);

    /// As [`BucketMemory::settle`], for a number below [`crate::abi::MAX_BORDERS`].
    #[inline(always)]
    fn settle_number(&self, number: u32) -> u32 {
        number
    }

    /// The same number, of which the verifier no longer knows where it comes from: what depends on it is proved once, however
    /// many ways led to it.
    #[inline(always)]
    fn forget(&self, number: u32) -> u32 {
        number
    }

    /// The packet's service, where there are services. The kernel's host finds it in a function of its own.
    #[inline(always)]
    fn service_of(&self, settings: &Settings, packet: &Packet) -> u8
    where
        Self: Sized,
    {
        rules::service_of(self, settings, packet)
    }

    /// What the limits of the packet's service say. The kernel's host does this in a function of its own.
    #[inline(always)]
    fn judge_rules<C: Clock>(&self, clock: &C, case: &RuleCase<'_>) -> RuleVerdict
    where
        Self: Sized,
    {
        let mut steps = Steps::NONE;
        rules::judge(self, clock, case, &mut steps)
    }
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
