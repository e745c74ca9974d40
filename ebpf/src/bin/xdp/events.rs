//! Sampled events: a budget per CPU, so that an attack can't turn its drops into work for userspace.

use xdpgate_ebpf::abi::{Event, control, event_kind};
use xdpgate_ebpf::limit::ticks;
use xdpgate_ebpf::packet::Packet;
use xdpgate_ebpf::tables::Clock;
use xdpgate_ebpf::verdict::{Action, Verdict};

use crate::maps::{self, ControlWords};

/// Writes an event for a dropped or monitored packet, if the CPU's budget has room.
#[inline(always)]
pub(crate) fn sample<C: Clock>(verdict: &Verdict, packet: &Packet, control: ControlWords, clock: &C) {
    let Some(settings) = maps::settings(control.word(control::LIVE_GENERATION)) else { return };
    let budget = settings.events;
    if budget.burst == 0 {
        return;
    }
    let Some(counters) = maps::event_counters() else { return };
    let now_ns = clock.now_ns();
    let now = ticks(now_ns);
    let word = counters.budget();
    let next = if word > now { word } else { now } + budget.cost;
    if next - now > budget.burst {
        counters.skipped();
        return;
    }
    counters.set_budget(next);

    let event = Event {
        time_ns: now_ns,
        monitored: verdict.monitored,
        bytes: packet.bytes,
        source: packet.source.address,
        destination: packet.destination,
        source_port: packet.source_port,
        destination_port: packet.destination_port,
        country: verdict.country,
        family: packet.source.family,
        protocol: packet.protocol,
        kind: match verdict.action() {
            Action::Drop => event_kind::DROPPED,
            Action::Pass => event_kind::MONITORED,
        },
        reason: verdict.reason as u8,
        list: match verdict.list {
            Some(list) => list.bit(),
            None => Event::NO_LIST,
        },
        interface: maps::interface_slot() as u8,
        tcp_flags: packet.tcp_flags,
        spare: 0,
        limit: verdict.limit,
    };
    counters.written_or_lost(maps::write_event(event));
}
