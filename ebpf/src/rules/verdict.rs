//! What the limits of a service say.

use crate::abi::limit_unit;
use crate::reason::Reason;

/// What limits say to one packet. One word, so that it passes between two functions of the kernel's program, which proves
/// each of them by itself.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleVerdict(u64);

/// What a limit counts of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitCount {
    /// It was charged.
    Charged,
    /// It is not, after all: another limit rejects the packet.
    TakenBack,
    /// It was over the limit, and dropped.
    Dropped,
    /// It was over the limit, which is in monitor mode.
    Monitored,
}

/// Codes of the reasons, in the lowest byte.
mod code {
    pub(super) const NO_SERVICE: u64 = 0;
    pub(super) const PASS: u64 = 1;
    pub(super) const WITHIN: u64 = 2;
    pub(super) const NO_ROOM: u64 = 3;
    pub(super) const PACKETS: u64 = 4;
    pub(super) const BYTES: u64 = 5;
    pub(super) const CONNECTIONS: u64 = 6;
    pub(super) const FRAGMENTS: u64 = 7;
    pub(super) const MASK: u64 = 7;
}

/// The bit that asks for a ban.
const BAN: u64 = 1 << 8;
/// Where the number of the limit begins.
const LIMIT_SHIFT: u32 = 16;
/// Where the bits of [`RuleVerdict::monitored`] begin.
const MONITORED_SHIFT: u32 = 32;

impl RuleVerdict {
    /// The packet is for no service.
    pub const NO_SERVICE: Self = Self(code::NO_SERVICE);
    /// No limit counts the packet.
    pub const UNLIMITED: Self = Self(code::PASS);
    /// All limits charged it.
    pub const WITHIN: Self = Self(code::WITHIN);
    /// At least one limit had no room for its bucket.
    pub const NO_ROOM: Self = Self(code::NO_ROOM);

    /// Over a limit, by its unit and the number of its row.
    #[inline(always)]
    pub const fn over(unit: u8, limit: u16, ban: bool) -> Self {
        let code = match unit {
            limit_unit::BYTES => code::BYTES,
            limit_unit::CONNECTIONS => code::CONNECTIONS,
            limit_unit::FRAGMENTS => code::FRAGMENTS,
            _ => code::PACKETS,
        };
        Self(code | if ban { BAN } else { 0 } | (limit as u64) << LIMIT_SHIFT)
    }

    /// The same, and what limits in monitor mode would have dropped: bits of [`Reason::bit`], and the first such limit.
    #[inline(always)]
    pub const fn with_monitored(self, monitored: u32, limit: u16) -> Self {
        let limit = if self.limit() == 0 { limit as u64 } else { 0 };
        Self(self.0 | limit << LIMIT_SHIFT | (monitored as u64) << MONITORED_SHIFT)
    }

    /// As [`RuleVerdict::word`] gave it.
    #[inline(always)]
    pub const fn from_word(word: u64) -> Self {
        Self(word)
    }

    /// The verdict as a number.
    #[inline(always)]
    #[must_use]
    pub const fn word(self) -> u64 {
        self.0
    }

    /// How the packet leaves; `None`: it is for no service.
    #[inline(always)]
    #[must_use]
    pub const fn reason(self) -> Option<Reason> {
        match self.0 & code::MASK {
            code::NO_SERVICE => None,
            code::WITHIN => Some(Reason::WithinLimit),
            code::NO_ROOM => Some(Reason::LimiterFull),
            code::PACKETS => Some(Reason::PacketLimit),
            code::BYTES => Some(Reason::ByteLimit),
            code::CONNECTIONS => Some(Reason::ConnectionLimit),
            code::FRAGMENTS => Some(Reason::FragmentLimit),
            _ => Some(Reason::DefaultPass),
        }
    }

    /// The number of the row that rejected it, or of the first in monitor mode that would have; zero: none.
    #[inline(always)]
    #[must_use]
    pub const fn limit(self) -> u16 {
        #[expect(clippy::cast_possible_truncation, reason = "its 16 bits")]
        let limit = (self.0 >> LIMIT_SHIFT) as u16;
        limit
    }

    /// Bits of [`Reason::bit`]: what limits in monitor mode would have dropped.
    #[inline(always)]
    #[must_use]
    pub const fn monitored(self) -> u32 {
        (self.0 >> MONITORED_SHIFT) as u32
    }

    /// Whether the source is to be banned.
    #[inline(always)]
    #[must_use]
    pub const fn asks_for_ban(self) -> bool {
        self.0 & BAN != 0
    }
}

/// The reason of a packet over a limit with this unit.
#[inline(always)]
pub(super) const fn reason_of(unit: u8) -> Reason {
    match unit {
        limit_unit::BYTES => Reason::ByteLimit,
        limit_unit::CONNECTIONS => Reason::ConnectionLimit,
        limit_unit::FRAGMENTS => Reason::FragmentLimit,
        _ => Reason::PacketLimit,
    }
}
