//! IPv4: 16 bits are left behind the root, one more than a digit has.

use super::run::Run;
use super::{Block, PrefixMemory};
use crate::abi::family;
use crate::abi::prefix::{DIGIT_BITS, Entry, MAX_STEPS_V4, ROOT_BITS, Region, UNIT_BYTES, offset};

/// As [`super::find`], of an IPv4 source: its address in the first 4 bytes.
#[inline(always)]
#[must_use]
pub fn find<M: PrefixMemory>(memory: &M, address: &[u8; 16]) -> u32 {
    let [a, b, c, d, ..] = *address;
    let mut entry = Entry::from_bits(memory.root(family::IPV4, u16::from_be_bytes([a, b])));
    // The bits that nothing has consumed yet, first bit on top.
    let mut key = u32::from_be_bytes([a, b, c, d]) << ROOT_BITS;

    let mut steps = 0;
    while steps < MAX_STEPS_V4 && entry.is_table() {
        let Some(block) = memory.block(Region::IPV4.block(entry.position())) else { return 0 };
        let index = key >> (u32::BITS - entry.stride());
        key <<= entry.stride();
        entry = Entry::from_bits(block.word(offset(entry.position()) + index * UNIT_BYTES));
        steps += 1;
    }
    if !entry.is_run() {
        return entry.set();
    }

    let Some(block) = memory.block(Region::IPV4.block(entry.position())) else { return 0 };
    let run = Run::new(&block, entry, 0);
    let passed = run.passed(key >> (u32::BITS - DIGIT_BITS));
    let bits = key >> (u32::BITS - u16::BITS);
    run.set(if run.holds_prefixes() { run.inside(passed, bits) } else { passed })
}
