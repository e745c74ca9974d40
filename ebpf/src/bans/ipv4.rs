use super::hash::{Seed, home_ipv4, last_line, shift};
use super::key::prefix_key_ipv4;
use super::line::{first_equal, lower_half, upper_half};
use super::{BanLine, BanMemory, BanTable};
use crate::abi::{BAN_SLOTS_IPV4, MAX_BAN_PROBES, ban_word};

/// Lengths from 0 to 31.
const MAX_LENGTHS: u32 = u32::BITS;

/// The latest end of a ban of this address.
#[inline(always)]
pub(super) fn latest<M: BanMemory>(memory: &M, present: u64, address: &[u8; 16]) -> u32 {
    let [a, b, c, d, ..] = *address;
    let address = u32::from_be_bytes([a, b, c, d]);
    let mut latest = memory.settle(0);
    if present & BanTable::ExactIpv4.bit() != 0 {
        latest = memory.settle(find::<M, MAX_BAN_PROBES>(memory, BanTable::ExactIpv4, address));
    }
    if present & BanTable::PrefixIpv4.bit() == 0 {
        return latest;
    }
    let mut lengths = lower_half(memory.word(ban_word::IPV4_LENGTHS));
    let mut length = 0;
    while length < MAX_LENGTHS && lengths != 0 {
        // The lowest bit is that of the longest prefix.
        let marker = lengths & lengths.wrapping_neg();
        let expiry = memory.settle(find::<M, 1>(memory, BanTable::PrefixIpv4, prefix_key_ipv4(address, marker)));
        if expiry > latest {
            latest = expiry;
        }
        lengths ^= marker;
        length += 1;
    }
    latest
}

#[inline(always)]
fn find<M: BanMemory, const PROBES: u32>(memory: &M, table: BanTable, key: u32) -> u32 {
    let shift = shift(memory, table);
    let mut index = home_ipv4(key, Seed::of(memory), shift);
    let mut probe = 0;
    while probe < PROBES {
        let Some(line) = memory.line(table, index) else { return 0 };
        let slot = first_equal(BAN_SLOTS_IPV4, |slot| u64::from(lower_half(line.word(slot)) ^ key));
        if slot < BAN_SLOTS_IPV4 {
            return upper_half(line.word(slot));
        }
        if line.word(BAN_SLOTS_IPV4 - 1) == 0 {
            return 0;
        }
        index = (index + 1) & last_line(shift);
        probe += 1;
    }
    0
}
