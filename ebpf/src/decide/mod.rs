//! The decision about one packet. No kernel types: the same code runs in the kernel, in `explain` and in the tests.

mod country;
mod fragments;
mod limits;
mod lists;
mod safety;

pub use limits::bucket_key;

use core::hint::black_box;

use crate::abi::{Access, AttributeSet, MAX_SERVICES, Settings, action, attribute, rules, service};
use crate::buckets::Home;
use crate::packet::{Fragment, Packet, Unparsed, View, parse};
use crate::reason::Reason;
use crate::tables::{Clock, Tables};
use crate::verdict::Verdict;

/// What a step says: leave with a reason, or go on to the next step.
type Step = Option<Reason>;

/// One packet on its way through the steps.
struct Case<'a, T, C> {
    tables: &'a T,
    clock: &'a C,
    settings: &'a Settings,
    packet: &'a Packet,
    /// Its service.
    service: u8,
    attributes: AttributeSet,
    /// Where its source's buckets lie.
    home: Home,
}

/// Decides one frame; `packet` comes back with what was read of it.
#[inline(always)]
pub fn decide<V: View, T: Tables, C: Clock>(view: &V, packet: &mut Packet, tables: &T, clock: &C) -> Verdict {
    *packet = Packet::unread(view.len());
    let parsed = parse(view, packet);
    // From here on the packet is read back from memory. In the kernel that memory is a map value, of which the verifier
    // knows nothing: one proof of the steps below serves every way through the headers.
    let packet = &*black_box(packet);
    // A pause passes everything, malformed packets too.
    if tables.paused() {
        return Verdict::of(Reason::Paused);
    }
    let generation = generation_in_force(tables, clock);
    let Some(settings) = (if generation == 0 { None } else { tables.settings(generation) }) else {
        return Verdict::of(Reason::NoPolicy);
    };
    match parsed {
        Ok(()) => {}
        Err(Unparsed::NotIp) => return Verdict::of(Reason::NotIp),
        Err(Unparsed::Malformed) => return Verdict::of(Reason::Malformed),
        Err(Unparsed::TooDeep) => return Verdict::of(Reason::TooDeep),
    }
    // Before the look-up that it does not depend on, so that both wait for memory at the same time.
    let mut service = service::NONE;
    if settings.rules & rules::SERVICES != 0 {
        service = tables.service_of(settings, packet);
    }
    let home = limits::home(tables, settings, service, packet);
    let attributes = tables.attributes(generation, &packet.source);
    judge(&Case { tables, clock, settings, packet, service, attributes, home })
}

/// The live generation, or the one before it where nobody has confirmed the live one in time.
#[inline(always)]
pub fn generation_in_force<T: Tables, C: Clock>(tables: &T, clock: &C) -> u64 {
    // The time before the generation, as userspace stores them: whoever sees an unconfirmed generation sees its end.
    let (return_at, live) = (tables.return_at(), tables.generation());
    if return_at == 0 {
        return live;
    }
    // Its lowest bit is that of the generation that it ends: one that was left behind ends no other.
    let ends = (return_at ^ live) & 1 == 0 && clock.now_ns() >= return_at;
    if ends { live - 1 } else { live }
}

/// What comes after the parser, in the order of the chart in docs/architecture.md.
#[inline(always)]
fn judge<T: Tables, C: Clock>(case: &Case<'_, T, C>) -> Verdict {
    let mut verdict = Verdict::of(Reason::Allowed);
    verdict.country = case.attributes.country;
    if case.attributes.has(attribute::ALLOWED) {
        return verdict;
    }
    if let Some(reason) = safety::judge(case) {
        return leave(verdict, reason);
    }
    if let Some(ban) = case.tables.ban(&case.packet.source)
        && ban.holds(case.clock.now_ns())
    {
        return leave(verdict, Reason::Banned);
    }
    if case.attributes.lists != 0 || case.attributes.denied != 0 {
        let access = access(case);
        if let Some(reason) = lists::judge(case, access, &mut verdict) {
            return leave(verdict, reason);
        }
        if let Some(reason) = country::judge(case, access, &mut verdict) {
            return leave(verdict, reason);
        }
    }
    if case.packet.fragment == Fragment::Later
        && let Some(reason) = fragments::judge(case, &mut verdict)
    {
        return leave(verdict, reason);
    }
    // What is dropped anyway is not charged to its source.
    if case.settings.default_action == action::DROP {
        return leave(verdict, Reason::DefaultDrop);
    }
    let reason = limits::judge(case, &mut verdict);
    leave(verdict, reason)
}

#[inline(always)]
fn leave(mut verdict: Verdict, reason: Reason) -> Verdict {
    verdict.reason = reason;
    verdict
}

/// What holds for the packet's service.
#[inline(always)]
fn access<'a, T: Tables, C: Clock>(case: &Case<'a, T, C>) -> &'a Access {
    let number = case.tables.forget(case.service.into()) & (MAX_SERVICES - 1);
    &case.settings.access[number as usize]
}

#[cfg(test)]
mod tests;
