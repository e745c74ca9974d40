//! Bans: lines of hash tables, exact and by prefix, changed in place. `crate::bans` looks them up.
//!
//! A table is an array of lines: first its filter, with one byte for each of the lines that follow, then these.

use super::layout::shared;

/// A ban with no end.
pub const NEVER_EXPIRES: u64 = u64::MAX;

/// Tables count ends of bans in units of 2 to the power of this, in nanoseconds of `CLOCK_MONOTONIC`: 67 ms. 32 bits
/// of them are nine years of uptime.
pub const EXPIRY_SHIFT: u32 = 26;

/// Values of an end in the tables that are not a time.
pub mod expiry {
    /// The slot holds nothing.
    pub const FREE: u32 = 0;
    /// The slot holds a ban that was lifted. As a time it is long past, so that readers need not know it. Two values,
    /// so that userspace can tell those of the last second from older ones.
    pub const LIFTED: [u32; 2] = [1, 2];
    /// The first that is a time.
    pub const FIRST: u32 = 3;
    /// No end.
    pub const NEVER: u32 = u32::MAX;
}

/// 64-bit words in a line of a ban table, which is one line of the cache.
pub const BAN_LINE_WORDS: usize = 8;
/// Bans in a line of an IPv4 table. A slot is one word: the key in the lower half, the end in the upper one.
pub const BAN_SLOTS_IPV4: usize = 8;
/// Bans in a line of an IPv6 table. Slot n has its key in the words 2n (the first 64 bits) and 2n + 1. The last two
/// words hold, as halves from the lowest on, the ends of the slots and [`BAN_LINE_CONTINUES`].
pub const BAN_SLOTS_IPV6: usize = 3;
/// In the last half of an IPv6 line, where a ban that belongs here is in a line behind it. An IPv4 line says the same
/// by a last slot that holds something.
pub const BAN_LINE_CONTINUES: u32 = 1;
/// How many lines a ban may be found in: the one that its key leads to, and those behind it.
pub const MAX_BAN_PROBES: u32 = 8;

/// The fewest lines of a table, so that those in which a ban may be found are all different.
pub const MIN_BAN_LINES: u32 = MAX_BAN_PROBES;

/// Indexes of the words of [`BanControl`].
pub mod ban_word {
    /// Of [`super::BanControl::present`].
    pub const PRESENT: usize = 0;
    /// Of [`super::BanControl::shifts`].
    pub const SHIFTS: usize = 1;
    /// Of [`super::BanControl::seed`], the first of two.
    pub const SEED: usize = 2;
    /// Of [`super::BanControl::ipv4_lengths`].
    pub const IPV4_LENGTHS: usize = 4;
    /// Of [`super::BanControl::ipv6_lengths`], the first of two.
    pub const IPV6_LENGTHS: usize = 5;
    /// Of [`super::BanControl::capacity`].
    pub const CAPACITY: usize = 7;
    /// How many there are.
    pub const WORDS: usize = 8;
}

shared! {
    /// What leads the data path through the tables of bans. Each word is written whole; those that every packet reads
    /// come first.
    BanControl = 64 bytes {
        /// Bit n: the table with the number n holds bans. Zero: nobody is banned.
        present: u64,
        /// Byte n: by how much a 64-bit hash is shifted right to number the lines of table n. A table of 2^b lines has
        /// 64 - b here.
        shifts: u64,
        /// Random, so that nobody can choose addresses that meet in one line.
        seed: [u64; 2],
        /// Bit 31 - n: there are bans of IPv4 prefixes of length n.
        ipv4_lengths: u64,
        /// Bit 63 - n of the first word: there are bans of IPv6 prefixes of length n, and of length 64 + n in the second.
        ipv6_lengths: [u64; 2],
        /// The most exact bans of each family that the tables are to hold. Not read by the data path.
        capacity: u64,
    }
}

shared! {
    /// One ban.
    Ban = 8 bytes {
        /// The first nanosecond of `CLOCK_MONOTONIC` at which the ban no longer holds.
        expires_ns: u64,
    }
}

impl Ban {
    /// The ban that an end in the tables stands for; `None` where there is none.
    #[inline(always)]
    #[must_use]
    pub const fn from_expiry(expiry: u32) -> Option<Self> {
        if expiry < expiry::FIRST {
            return None;
        }
        if expiry == expiry::NEVER {
            return Some(Self { expires_ns: NEVER_EXPIRES });
        }
        Some(Self { expires_ns: (expiry as u64) << EXPIRY_SHIFT })
    }

    /// Its end as the tables hold it: rounded up, so that no ban ends early. Beyond what they can hold it is no end, and
    /// userspace ends the ban.
    #[must_use]
    pub fn expiry(self) -> u32 {
        let units = self.expires_ns.div_ceil(1 << EXPIRY_SHIFT);
        u32::try_from(units).unwrap_or(expiry::NEVER).max(expiry::FIRST)
    }

    /// Whether the ban holds at `now_ns`.
    #[inline(always)]
    #[must_use]
    pub const fn holds(&self, now_ns: u64) -> bool {
        now_ns < self.expires_ns
    }
}
