use super::hash::{Seed, home_ipv6, last_line, shift};
use super::key::{halves_ipv6, prefix_key_ipv6};
use super::line::{first_equal, lower_half, upper_half};
use super::{BanLine, BanMemory, BanTable};
use crate::abi::{BAN_LINE_CONTINUES, BAN_SLOTS_IPV6, MAX_BAN_PROBES, ban_word};

/// Lengths in one word.
const MAX_LENGTHS: u32 = 16;

/// The latest end of a ban of this address.
#[inline(always)]
pub(super) fn latest<M: BanMemory>(memory: &M, present: u64, address: &[u8; 16]) -> u32 {
    let (high, low) = halves_ipv6(u128::from_be_bytes(*address));
    let mut latest = memory.settle(0);
    if present & BanTable::ExactIpv6.bit() != 0 {
        latest = memory.settle(find::<M, MAX_BAN_PROBES>(memory, BanTable::ExactIpv6, high, low));
    }
    if present & BanTable::PrefixIpv6.bit() == 0 {
        return latest;
    }
    let mut lengths = memory.word(ban_word::IPV6_LENGTHS + 1);
    let mut length = 0;
    while length < MAX_LENGTHS && lengths != 0 {
        // The lowest bit is that of the longest prefix.
        let marker = lengths & lengths.wrapping_neg();
        let expiry = memory.settle(find::<M, 2>(memory, BanTable::PrefixIpv6, high, prefix_key_ipv6(low, marker)));
        if expiry > latest {
            latest = expiry;
        }
        lengths ^= marker;
        length += 1;
    }
    let mut lengths = memory.word(ban_word::IPV6_LENGTHS);
    let mut length = 0;
    while length < MAX_LENGTHS && lengths != 0 {
        let marker = lengths & lengths.wrapping_neg();
        let expiry = memory.settle(find::<M, 2>(memory, BanTable::PrefixIpv6, prefix_key_ipv6(high, marker), 0));
        if expiry > latest {
            latest = expiry;
        }
        lengths ^= marker;
        length += 1;
    }
    latest
}

#[inline(always)]
fn find<M: BanMemory, const PROBES: u32>(memory: &M, table: BanTable, high: u64, low: u64) -> u32 {
    let shift = shift(memory, table);
    let mut index = home_ipv6(high, low, Seed::of(memory), shift);
    let mut probe = 0;
    while probe < PROBES {
        let Some(line) = memory.line(table, index) else { return 0 };
        let slot = first_equal(BAN_SLOTS_IPV6, |slot| {
            let difference = (line.word(2 * slot) ^ high) | (line.word(2 * slot + 1) ^ low);
            difference >> 1 | difference & 1
        });
        if slot < BAN_SLOTS_IPV6 {
            return lower_half(line.word(6 + slot / 2) >> (32 * (slot & 1)));
        }
        if upper_half(line.word(7)) & BAN_LINE_CONTINUES == 0 {
            return 0;
        }
        index = (index + 1) & last_line(shift);
        probe += 1;
    }
    0
}
