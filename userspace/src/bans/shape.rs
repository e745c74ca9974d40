//! How large the tables are.

use xdpgate_ebpf::abi::{BAN_LINE_WORDS, MIN_BAN_LINES};
use xdpgate_ebpf::bans::BanTable;

use super::BanWords;

/// The sizes that follow from the policy's `tables.bans`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BanShape {
    bans: u32,
}

/// Tables that are not as [`BanShape`] makes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{table:?} has {words} words, which are not a power of two of lines")]
pub struct ShapeError {
    /// Which table.
    pub table: BanTable,
    /// Its size.
    pub words: usize,
}

impl BanShape {
    /// Room for this many exact bans of each address family, and for a quarter as many prefixes.
    #[must_use]
    pub const fn new(bans: u32) -> Self {
        Self { bans }
    }

    /// The most bans in a table.
    #[must_use]
    pub const fn capacity(self, table: BanTable) -> u32 {
        match table {
            BanTable::ExactIpv4 | BanTable::ExactIpv6 => self.bans,
            BanTable::PrefixIpv4 | BanTable::PrefixIpv6 => self.bans.div_ceil(4),
        }
    }

    /// The lines of a table, each of 64 bytes. At its capacity a quarter of the slots of an IPv4 table are in use, and a
    /// third of those of an IPv6 table: one ban in 900 has to be looked for beyond its own line, or one in 12, and the
    /// chance that one finds no room at all is below one in 10^8.
    #[must_use]
    pub fn lines(self, table: BanTable) -> u32 {
        let capacity = u64::from(self.capacity(table));
        let lines = match table {
            BanTable::ExactIpv4 | BanTable::PrefixIpv4 => capacity.div_ceil(2),
            BanTable::ExactIpv6 | BanTable::PrefixIpv6 => capacity,
        };
        let lines = lines.max(MIN_BAN_LINES).next_power_of_two();
        // A map of the kernel has fewer than 2^32 entries.
        u32::try_from(lines).unwrap_or(1 << 31)
    }
}

/// By how much a hash is shifted to number the lines of a table.
pub(super) fn shift<W: BanWords + ?Sized>(words: &W, table: BanTable) -> Result<u32, ShapeError> {
    let words = words.table(table).len();
    let lines = words as u64 / BAN_LINE_WORDS as u64;
    if !words.is_multiple_of(BAN_LINE_WORDS) || !lines.is_power_of_two() || lines < MIN_BAN_LINES {
        return Err(ShapeError { table, words });
    }
    Ok(u64::BITS - lines.trailing_zeros())
}
