//! Counters, kept per CPU and summed by the reader.

use super::layout::shared;

/// Room for reasons; a power of two, so that an index is masked and never checked.
pub const MAX_REASONS: usize = 32;

shared! {
    /// Packets and bytes.
    Count = 16 bytes {
        /// Packets.
        packets: u64,
        /// Bytes of the frames, without preamble and checksum.
        bytes: u64,
    }
}

impl Count {
    /// Nothing counted.
    pub const ZERO: Self = Self { packets: 0, bytes: 0 };
}

shared! {
    /// One interface on one CPU.
    InterfaceCounters = 1040 bytes {
        /// Counted at entry, before anything is decided: equals the sum over `decided`, or the program is wrong.
        seen: Count,
        /// By [`crate::reason::Reason`]: how packets left.
        decided: [Count; MAX_REASONS],
        /// By [`crate::reason::Reason`]: what a rule in monitor mode would have dropped; the packet went on.
        monitored: [Count; MAX_REASONS],
    }
}

shared! {
    /// One blocklist on one CPU.
    ListCounters = 32 bytes {
        /// Dropped because of this list.
        dropped: Count,
        /// What the list, in monitor mode, would have dropped.
        monitored: Count,
    }
}

shared! {
    /// One country on one CPU.
    CountryCounters = 32 bytes {
        /// Dropped because of the country of its source.
        dropped: Count,
        /// What country rules in monitor mode would have dropped.
        monitored: Count,
    }
}

impl CountryCounters {
    /// Nothing counted.
    pub const ZERO: Self = Self { dropped: Count::ZERO, monitored: Count::ZERO };
}

/// Rows for countries: 32 for each first letter. A power of two, so that a row is masked and never checked.
pub const COUNTRY_ROWS: u32 = 1 << 10;

/// The row of a country. That of zeroes, a source of no known country, is none of two letters'.
#[inline(always)]
#[must_use]
pub const fn country_row(country: [u8; 2]) -> u32 {
    let [first, second] = country;
    letter_place(first) << 5 | letter_place(second)
}

#[inline(always)]
const fn letter_place(letter: u8) -> u32 {
    (letter.wrapping_sub(b'A') & 31) as u32
}

shared! {
    /// One limit of one service and plan on one CPU.
    LimitCounters = 48 bytes {
        /// Charged to it.
        charged: Count,
        /// Dropped because of it.
        dropped: Count,
        /// What the limit, in monitor mode, would have dropped.
        monitored: Count,
    }
}

impl LimitCounters {
    /// Nothing counted.
    pub const ZERO: Self = Self { charged: Count::ZERO, dropped: Count::ZERO, monitored: Count::ZERO };
}

shared! {
    /// Sampled events on one CPU.
    EventCounters = 32 bytes {
        /// The theoretical arrival time of the CPU's budget, in ticks.
        budget: u64,
        /// Events handed to the ring.
        written: u64,
        /// Packets whose event was left out because the CPU's budget was used up.
        skipped: u64,
        /// Events that the ring had no room for.
        lost: u64,
    }
}
