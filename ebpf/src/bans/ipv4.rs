use super::hash::{Seed, path_ipv4, shift};
use super::key::prefix_key_ipv4;
use super::line::{lower_half, upper_half};
use super::opaque::Opaque;
use super::{BanLine, BanMemory, BanTable, LAST_PROBE, filtered};
use crate::abi::{BAN_SLOTS_IPV4, MAX_BAN_PROBES, ban_word};

/// Lines that a look-up reads for prefixes: one for each length, and as many again where lines continue. Up to 8 lengths
/// can't need more. With all 32 of them, half of their lines would have to continue: of a full table one in 900 does.
const MAX_PREFIX_LINES: u32 = 2 * u32::BITS;

/// The latest end of a ban of this address; zero where there is none.
#[inline(always)]
pub(super) fn latest<M: BanMemory>(memory: &M, present: u64, address: &[u8; 16]) -> u32 {
    let [a, b, c, d, ..] = *address;
    let address = u32::from_be_bytes([a, b, c, d]);
    let exact = if present & BanTable::ExactIpv4.bit() == 0 { 0 } else { exact(memory, address) };
    if present & BanTable::PrefixIpv4.bit() == 0 {
        return exact;
    }
    let opaque = Opaque::new(present);
    lower_half(prefixes(memory, opaque, address, opaque.any(exact)))
}

/// Whether one look at a filter is enough to know that there is no ban of this address.
#[inline(always)]
pub(super) fn is_surely_free<M: BanMemory>(memory: &M, present: u64, address: &[u8; 16]) -> bool {
    if present & BanTable::PrefixIpv4.bit() != 0 {
        return false;
    }
    let [a, b, c, d, ..] = *address;
    let path =
        path_ipv4(u32::from_be_bytes([a, b, c, d]), Seed::of(memory), shift(memory, BanTable::ExactIpv4));
    present & BanTable::ExactIpv4.bit() == 0 || filtered(memory, BanTable::ExactIpv4, &path) == Some(0)
}

#[inline(always)]
fn exact<M: BanMemory>(memory: &M, address: u32) -> u32 {
    let path = path_ipv4(address, Seed::of(memory), shift(memory, BanTable::ExactIpv4));
    if filtered(memory, BanTable::ExactIpv4, &path) != Some(1) {
        return 0;
    }
    let mut probe = 0;
    while probe < MAX_BAN_PROBES {
        let Some(line) = memory.line(BanTable::ExactIpv4, path.line(probe)) else { return 0 };
        let mut last = 0;
        let mut slot = 0;
        while slot < BAN_SLOTS_IPV4 {
            last = line.word(slot);
            // A free slot has the key of 0.0.0.0, but no end.
            if lower_half(last) == address && upper_half(last) != 0 {
                return upper_half(last);
            }
            slot += 1;
        }
        if last == 0 {
            return 0;
        }
        probe += 1;
    }
    0
}

/// The latest of `latest` and the ends of all banned prefixes around the address. No branch but those that end the loop.
#[inline(always)]
fn prefixes<M: BanMemory>(memory: &M, opaque: Opaque, address: u32, mut latest: u64) -> u64 {
    let (seed, shift) = (Seed::of(memory), shift(memory, BanTable::PrefixIpv4));
    let mut lengths = candidates(memory, address, seed, shift);
    let mut probe = 0;
    let mut lines = 0;
    while lengths != 0 && lines < MAX_PREFIX_LINES {
        let marker = lengths & lengths.wrapping_neg();
        let key = prefix_key_ipv4(address, marker);
        let path = path_ipv4(key, seed, shift);
        let Some(line) = memory.line(BanTable::PrefixIpv4, path.line(probe)) else { break };
        let mut found = 0;
        let mut last = 0;
        let mut slot = 0;
        while slot < BAN_SLOTS_IPV4 {
            last = line.word(slot);
            // At most one slot has the key, and a free one adds nothing.
            found |= (last >> 32) & !opaque.ones(u64::from(lower_half(last) ^ key));
            slot += 1;
        }
        latest = opaque.later(latest, found);
        let continues = lower_half(opaque.ones(last) & opaque.less(u64::from(probe), LAST_PROBE));
        lengths ^= marker & !continues;
        probe = (probe + 1) & continues;
        lines += 1;
    }
    latest
}

/// The lengths of which there may be a ban. These loads do not depend on each other, so they overlap.
#[inline(always)]
fn candidates<M: BanMemory>(memory: &M, address: u32, seed: Seed, shift: u32) -> u32 {
    let mut lengths = lower_half(memory.word(ban_word::IPV4_LENGTHS));
    let mut candidates = 0;
    let mut length = 0;
    while lengths != 0 && length < u32::BITS {
        let marker = lengths & lengths.wrapping_neg();
        let path = path_ipv4(prefix_key_ipv4(address, marker), seed, shift);
        let Some(maybe) = filtered(memory, BanTable::PrefixIpv4, &path) else { break };
        candidates |= marker & lower_half(maybe).wrapping_neg();
        lengths ^= marker;
        length += 1;
    }
    candidates
}
