use super::hash::{Seed, path_ipv6, shift};
use super::key::{halves_ipv6, prefix_key_ipv6};
use super::line::{lower_half, upper_half};
use super::opaque::Opaque;
use super::{BanLine, BanMemory, BanTable, LAST_PROBE, filtered};
use crate::abi::{BAN_LINE_CONTINUES, MAX_BAN_PROBES, ban_word, expiry};

/// Lines that a look-up reads for the lengths in one word: one for each length, and as many again where lines continue.
/// Up to 16 lengths can't need more. With all 64 of them, half of their lines would have to continue: of a full table
/// one in 12 does.
const MAX_PREFIX_LINES: u32 = 2 * u64::BITS;

/// The latest end of a ban of this address; zero where there is none.
#[inline(always)]
pub(super) fn latest<M: BanMemory>(memory: &M, present: u64, address: &[u8; 16]) -> u32 {
    let (high, low) = halves_ipv6(u128::from_be_bytes(*address));
    let exact = if present & BanTable::ExactIpv6.bit() == 0 { 0 } else { exact(memory, high, low) };
    if present & BanTable::PrefixIpv6.bit() == 0 {
        return exact;
    }
    let opaque = Opaque::new(present);
    let latest = opaque.any(exact);
    let lengths = memory.word(ban_word::IPV6_LENGTHS + 1);
    let latest = prefixes(memory, opaque, lengths, latest, |marker| (high, prefix_key_ipv6(low, marker)));
    let lengths = memory.word(ban_word::IPV6_LENGTHS);
    let latest = prefixes(memory, opaque, lengths, latest, |marker| (prefix_key_ipv6(high, marker), 0));
    lower_half(latest)
}

#[inline(always)]
fn exact<M: BanMemory>(memory: &M, high: u64, low: u64) -> u32 {
    let path = path_ipv6(high, low, Seed::of(memory), shift(memory, BanTable::ExactIpv6));
    if filtered(memory, BanTable::ExactIpv6, &path) != Some(1) {
        return 0;
    }
    let mut probe = 0;
    while probe < MAX_BAN_PROBES {
        let Some(line) = memory.line(BanTable::ExactIpv6, path.line(probe)) else { return 0 };
        let (ends, last) = (line.word(6), line.word(7));
        // A free slot may have any key, but no end. One that was lifted is no answer either: its ban may be cleared and its
        // key changed between these reads, and the ban that is looked for may be in a slot behind it.
        if line.word(0) == high && line.word(1) == low && lower_half(ends) >= expiry::FIRST {
            return lower_half(ends);
        }
        if line.word(2) == high && line.word(3) == low && upper_half(ends) >= expiry::FIRST {
            return upper_half(ends);
        }
        if line.word(4) == high && line.word(5) == low && lower_half(last) >= expiry::FIRST {
            return lower_half(last);
        }
        if upper_half(last) & BAN_LINE_CONTINUES == 0 {
            return 0;
        }
        probe += 1;
    }
    0
}

/// The latest of `latest` and the ends of the banned prefixes with these keys. No branch but those that end the loop.
#[inline(always)]
fn prefixes<M: BanMemory>(
    memory: &M,
    opaque: Opaque,
    lengths: u64,
    mut latest: u64,
    key: impl Fn(u64) -> (u64, u64),
) -> u64 {
    let (seed, shift) = (Seed::of(memory), shift(memory, BanTable::PrefixIpv6));
    let mut lengths = candidates(memory, lengths, seed, shift, &key);
    let mut probe = 0;
    let mut lines = 0;
    while lengths != 0 && lines < MAX_PREFIX_LINES {
        let marker = lengths & lengths.wrapping_neg();
        let (high, low) = key(marker);
        let path = path_ipv6(high, low, seed, shift);
        let Some(line) = memory.line(BanTable::PrefixIpv6, path.line(probe)) else { break };
        let (ends, last) = (line.word(6), line.word(7));
        let differs =
            |slot: usize| opaque.ones((line.word(2 * slot) ^ high) | (line.word(2 * slot + 1) ^ low));
        // At most one slot has the key, and a free one adds nothing.
        let found = u64::from(lower_half(ends)) & !differs(0)
            | (ends >> 32) & !differs(1)
            | u64::from(lower_half(last)) & !differs(2);
        latest = opaque.later(latest, found);
        let continues = opaque.ones(u64::from(upper_half(last) & BAN_LINE_CONTINUES))
            & opaque.less(u64::from(probe), LAST_PROBE);
        lengths ^= marker & !continues;
        probe = (probe + 1) & lower_half(continues);
        lines += 1;
    }
    latest
}

/// The lengths of which there may be a ban. These loads do not depend on each other, so they overlap.
#[inline(always)]
fn candidates<M: BanMemory>(
    memory: &M,
    mut lengths: u64,
    seed: Seed,
    shift: u32,
    key: &impl Fn(u64) -> (u64, u64),
) -> u64 {
    let mut candidates = 0;
    let mut length = 0;
    while lengths != 0 && length < u64::BITS {
        let marker = lengths & lengths.wrapping_neg();
        let (high, low) = key(marker);
        let path = path_ipv6(high, low, seed, shift);
        let Some(maybe) = filtered(memory, BanTable::PrefixIpv6, &path) else { break };
        candidates |= marker & maybe.wrapping_neg();
        lengths ^= marker;
        length += 1;
    }
    candidates
}
