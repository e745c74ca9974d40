//! How large the tables are.

use xdpgate_ebpf::abi::{BAN_LINE_WORDS, MIN_BAN_LINES};
use xdpgate_ebpf::bans::{BanTable, filter_lines};

use super::BanWords;

/// The sizes that follow from the policy's `tables.bans`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BanShape {
    bans: u32,
}

/// Tables that are not as [`BanShape`] makes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{table:?} has {words} words, as no table of bans has")]
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

    /// The lines of a table, each of 64 bytes, and those of its filter before them: the entries of its map.
    ///
    /// At its capacity a quarter of the slots of an IPv4 table are in use, and a third of those of an IPv6 table: one ban in
    /// 900 has to be looked for beyond its own line, or one in 12, and the chance that one finds no room at all is below one
    /// in 10^8. The filter lets one in four, or one in eight, of the others through.
    #[must_use]
    pub fn lines(self, table: BanTable) -> u32 {
        let capacity = self.capacity(table);
        let lines = match table {
            BanTable::ExactIpv4 | BanTable::PrefixIpv4 => capacity.div_ceil(2),
            BanTable::ExactIpv6 | BanTable::PrefixIpv6 => capacity,
        };
        // The policy does not go beyond 2^24, and a map of the kernel has fewer than 2^32 entries.
        let lines = lines.clamp(MIN_BAN_LINES, 1 << 30).next_power_of_two();
        lines + filter_lines(lines - 1)
    }
}

/// By how much a hash is shifted to number the lines of a table.
pub(super) fn shift<W: BanWords + ?Sized>(words: &W, table: BanTable) -> Result<u32, ShapeError> {
    let words = words.table(table).len();
    let refused = ShapeError { table, words };
    let all = u32::try_from(words / BAN_LINE_WORDS).map_err(|_| refused)?;
    // The filter is by far the smaller part.
    let lines = all.checked_ilog2().map_or(0, |bits| 1 << bits);
    if lines < MIN_BAN_LINES || words != (lines + filter_lines(lines - 1)) as usize * BAN_LINE_WORDS {
        return Err(refused);
    }
    Ok(u64::BITS - lines.trailing_zeros())
}
