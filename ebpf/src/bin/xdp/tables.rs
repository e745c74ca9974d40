//! The program's maps as the decision's tables.

use xdpgate_ebpf::abi::{AttributeSet, Ban, LimitRow, Rule, ServiceRow, Settings, control, family};
use xdpgate_ebpf::packet::{Packet, Source};
use xdpgate_ebpf::rules::{LimitCount, RuleCase, RuleVerdict};
use xdpgate_ebpf::tables::{Clock, Tables};
use xdpgate_ebpf::{bans, prefix};

use crate::frame::Settled;
use crate::functions;
use crate::maps::{self, Bans, Buckets, ControlWords, Prefixes};

/// The maps of this program.
pub(crate) struct KernelTables<'a> {
    control: ControlWords,
    settled: &'a Settled,
    buckets: Buckets,
}

impl<'a> KernelTables<'a> {
    #[inline(always)]
    pub(crate) fn of(control: ControlWords, settled: &'a Settled) -> Self {
        Self { control, settled, buckets: Buckets::of(control) }
    }
}

impl Tables for KernelTables<'_> {
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
        let set = match source.family {
            family::IPV4 => prefix::find_ipv4(&Prefixes::of(generation, self.control), &source.address),
            _ => functions::ipv6_attributes(generation),
        };
        maps::attribute_set(generation, set)
    }

    #[inline(always)]
    fn ban(&self, source: &Source) -> Option<Ban> {
        if bans::is_surely_free(&Bans { control: self.control }, source) { None } else { functions::ban() }
    }

    #[inline(always)]
    fn buckets(&self) -> &Buckets {
        &self.buckets
    }

    #[inline(always)]
    fn return_at(&self) -> u64 {
        self.control.word(control::RETURN_AT)
    }

    #[inline(always)]
    fn port_class(&self, generation: u64, place: u32) -> u8 {
        // Settled, or the compiler leaves out the mask that Linux 6.1 needs.
        maps::port_class(generation, self.settle_number(place))
    }

    #[inline(always)]
    fn border(&self, generation: u64, number: u32) -> (u64, u64) {
        maps::border(generation, number)
    }

    #[inline(always)]
    fn destination_class(&self, generation: u64, borders: u32) -> u8 {
        maps::destination_class(generation, borders)
    }

    #[inline(always)]
    fn service(&self, generation: u64, destinations: u8, ports: u8) -> u8 {
        maps::service(generation, destinations, ports)
    }

    #[inline(always)]
    fn service_row(&self, generation: u64, service: u8) -> ServiceRow {
        maps::service_row(generation, service)
    }

    #[inline(always)]
    fn service_of(&self, settings: &Settings, packet: &Packet) -> u8 {
        if settings.rules & xdpgate_ebpf::abi::rules::DESTINATIONS == 0 {
            return xdpgate_ebpf::rules::service_by_port(self, settings, packet);
        }
        functions::service_of(settings)
    }

    #[inline(always)]
    fn rule(&self, generation: u64, service: u8, plan: u8) -> Rule {
        maps::rule(generation, service, plan)
    }

    #[inline(always)]
    fn limit(&self, generation: u64, number: u16) -> Option<&LimitRow> {
        maps::limit(generation, number)
    }

    #[inline(always)]
    fn count_limit(&self, number: u16, what: LimitCount, bytes: u32) {
        maps::count_limit(number, what, bytes);
    }

    #[inline(always)]
    fn settle_number(&self, number: u32) -> u32 {
        number ^ self.control.zero()
    }

    #[inline(always)]
    fn forget(&self, number: u32) -> u32 {
        self.settled.round_trip(number)
    }

    #[inline(always)]
    fn judge_rules<C: Clock>(&self, _: &C, case: &RuleCase<'_>) -> RuleVerdict {
        functions::judge_rules(case)
    }
}
