//! Finding the ban of a source in tables that another side changes at the same time.
//!
//! There are four tables of 64-byte lines: exact addresses and prefixes, of IPv4 and of IPv6. A key's hash leads to a
//! line. Where that line had no room the ban is in one of the next lines on the key's way, and the line says so. Prefixes
//! are looked up by length, in those lengths that are in use.
//!
//! A table begins with a filter of eight bits for each line. It is small enough to stay in the cache, and tells nearly all
//! sources that are not banned apart, without their line.

mod hash;
mod ipv4;
mod ipv6;
mod key;
mod line;
mod opaque;

pub use hash::{FilterBit, Path, Seed, filter_lines, last_line, path_ipv4, path_ipv6};
pub use key::{halves_ipv6, prefix_key_ipv4, prefix_key_ipv6};
pub use line::{halves, lower_half, upper_half};

use crate::abi::{Ban, MAX_BAN_PROBES, ban_word, family};
use crate::packet::Source;

/// The number of the last line in which a key may be found.
const LAST_PROBE: u64 = MAX_BAN_PROBES as u64 - 1;

/// One of the tables. Its number is that of its bit and byte in [`crate::abi::BanControl`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum BanTable {
    /// Single IPv4 addresses.
    ExactIpv4 = 0,
    /// IPv4 prefixes.
    PrefixIpv4 = 1,
    /// Single IPv6 addresses.
    ExactIpv6 = 2,
    /// IPv6 prefixes.
    PrefixIpv6 = 3,
}

impl BanTable {
    /// All of them, by number.
    pub const ALL: [Self; 4] = [Self::ExactIpv4, Self::PrefixIpv4, Self::ExactIpv6, Self::PrefixIpv6];

    /// Its bit in [`crate::abi::BanControl::present`].
    #[inline(always)]
    #[must_use]
    pub const fn bit(self) -> u64 {
        1 << self as u8
    }
}

/// The memory of the tables: the kernel's maps, or a model of them.
pub trait BanMemory {
    /// A line of a table.
    type Line<'a>: BanLine
    where
        Self: 'a;

    /// A word of [`crate::abi::BanControl`], by its index in [`ban_word`].
    fn word(&self, index: usize) -> u64;

    /// A line of a table; `None` beyond the last.
    fn line(&self, table: BanTable, index: u32) -> Option<Self::Line<'_>>;
}

/// 64 bytes of a table.
pub trait BanLine {
    /// One of its [`crate::abi::BAN_LINE_WORDS`] words, read whole.
    fn word(&self, index: usize) -> u64;
}

/// The ban of a source, exact or by prefix, whichever lasts longest. It may have ended.
#[inline(always)]
pub fn find<M: BanMemory>(memory: &M, source: &Source) -> Option<Ban> {
    if is_surely_free(memory, source) { None } else { Ban::from_expiry(latest(memory, source)) }
}

/// Whether a source has no ban, where little work tells: a source of IPv4 without banned prefixes. Otherwise false.
#[inline(always)]
pub fn is_surely_free<M: BanMemory>(memory: &M, source: &Source) -> bool {
    let present = memory.word(ban_word::PRESENT);
    present == 0 || source.family == family::IPV4 && ipv4::is_surely_free(memory, present, &source.address)
}

/// The end of the ban of a source, as the tables hold it; see [`crate::abi::expiry`].
#[inline(always)]
pub fn latest<M: BanMemory>(memory: &M, source: &Source) -> u32 {
    let present = memory.word(ban_word::PRESENT);
    match source.family {
        family::IPV4 => ipv4::latest(memory, present, &source.address),
        _ => ipv6::latest(memory, present, &source.address),
    }
}

/// One where there may be a ban of the key with this way through the table, zero where there is none; `None` where the
/// table is smaller than the words of control say.
#[inline(always)]
fn filtered<M: BanMemory>(memory: &M, table: BanTable, path: &Path) -> Option<u64> {
    let FilterBit { line, word, bit } = path.filter();
    memory.line(table, line).map(|line| line.word(word) >> bit & 1)
}

#[cfg(test)]
mod tests;
