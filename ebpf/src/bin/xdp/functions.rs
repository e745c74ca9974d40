//! Steps that are functions of their own: the verifier proves a global function once, by itself (Linux 5.6, commit
//! 51c39bb1d5d1), however many ways lead to its call. What they need of the packet beside their arguments is in this CPU's
//! memory. Both frames together have the 512 bytes of BPF stack.
#![expect(unsafe_code, reason = "an exported symbol, so that it is a function and global")]

use core::hint::black_box;

use xdpgate_ebpf::abi::{Ban, Settings};
use xdpgate_ebpf::rules::{self, RuleCase, RuleVerdict};
use xdpgate_ebpf::{bans, prefix};

use crate::clock::KernelClock;
use crate::excess;
use crate::maps::{self, Bans, ControlWords, Prefixes, Scratch};
use crate::tables::KernelTables;

/// The packet's service.
#[inline(always)]
pub(crate) fn service_of(settings: &Settings) -> u8 {
    #[expect(clippy::cast_possible_truncation, reason = "the function returns 8 bits")]
    let service = xdpgate_service(settings.generation) as u8;
    service
}

/// As [`rules::service_of`].
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn xdpgate_service(generation: u64) -> u64 {
    let Some(Scratch { packet, settled, .. }) = maps::scratch() else { return 0 };
    let Some(control) = ControlWords::get() else { return 0 };
    let Some(settings) = maps::settings(generation) else { return 0 };
    u64::from(rules::service_of(&KernelTables::of(control, settled), settings, packet))
}

/// What the limits of the packet's service say.
#[inline(always)]
pub(crate) fn judge_rules(case: &RuleCase<'_>) -> RuleVerdict {
    let country = u64::from(u16::from_ne_bytes(case.country));
    let source = u64::from(case.plan) | u64::from(case.service) << 8 | country << 16;
    RuleVerdict::from_word(xdpgate_rules(case.settings.generation, source))
}

/// The ban of the packet's source. Asked only where there are bans.
#[inline(always)]
pub(crate) fn ban() -> Option<Ban> {
    #[expect(clippy::cast_possible_truncation, reason = "the function returns 32 bits")]
    let expiry = xdpgate_ban() as u32;
    Ban::from_expiry(expiry)
}

/// The end of the ban of the packet's source, as [`bans::latest`].
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn xdpgate_ban() -> u64 {
    let Some(Scratch { packet, .. }) = maps::scratch() else { return 0 };
    let Some(control) = ControlWords::get() else { return 0 };
    u64::from(bans::latest(&Bans { control }, &packet.source))
}

/// As [`RuleVerdict::word`].
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn xdpgate_rules(generation: u64, source: u64) -> u64 {
    let Some(Scratch { packet, settled, last_reading, steps, .. }) = maps::scratch() else { return 0 };
    let Some(control) = ControlWords::get() else { return 0 };
    let Some(settings) = maps::settings(generation) else { return 0 };
    #[expect(clippy::cast_possible_truncation, reason = "the parts of `source`")]
    let (plan, service, country) = (source as u8, (source >> 8) as u8, ((source >> 16) as u16).to_ne_bytes());
    let case = RuleCase { service, packet: &*black_box(packet), settings, plan, country };
    rules::judge(
        &KernelTables::of(control, settled),
        &KernelClock::again(last_reading),
        &case,
        black_box(steps),
    )
    .word()
}

/// The number of the attribute set of the packet's source, which is of IPv6.
#[inline(always)]
pub(crate) fn ipv6_attributes(generation: u64) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "the function returns 32 bits")]
    let set = xdpgate_ipv6(generation) as u32;
    set
}

/// As [`prefix::find_ipv6`].
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn xdpgate_ipv6(generation: u64) -> u64 {
    let Some(Scratch { packet, .. }) = maps::scratch() else { return 0 };
    let Some(control) = ControlWords::get() else { return 0 };
    u64::from(prefix::find_ipv6(&Prefixes::of(generation, control), &packet.source.address))
}

/// Tells userspace of the packet's source, which is over a limit that bans.
#[inline(always)]
pub(crate) fn tell_excess() {
    xdpgate_excess();
}

/// As [`excess::tell`]; zero.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn xdpgate_excess() -> u64 {
    if let Some(Scratch { packet, verdict, last_reading, told, .. }) = maps::scratch() {
        excess::tell(verdict, packet, told, &KernelClock::again(last_reading));
    }
    0
}
