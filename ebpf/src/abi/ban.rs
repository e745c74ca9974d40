//! Bans: exact sources and prefixes, changed in place.

use super::layout::shared;

/// A ban with no end.
pub const NEVER_EXPIRES: u64 = u64::MAX;

/// A [`Ban`] as the prefix tables hold it, in the machine's byte order: the kernel's trie puts the value right behind
/// an IPv4 key, where a 64-bit word would not be aligned.
///
/// It holds the latest expiry of the prefix and of all banned prefixes around it, so that the longest match answers
/// for all of them.
pub type PrefixBan = [u8; 8];

shared! {
    /// One ban.
    Ban = 8 bytes {
        /// The first nanosecond of `CLOCK_MONOTONIC` at which the ban no longer holds.
        expires_ns: u64,
    }
}

impl Ban {
    /// As the prefix tables hold it.
    #[inline(always)]
    #[must_use]
    pub const fn from_prefix(ban: PrefixBan) -> Self {
        Self { expires_ns: u64::from_ne_bytes(ban) }
    }

    /// For the prefix tables.
    #[must_use]
    pub const fn to_prefix(self) -> PrefixBan {
        self.expires_ns.to_ne_bytes()
    }

    /// Whether the ban holds at `now_ns`.
    #[inline(always)]
    #[must_use]
    pub const fn holds(&self, now_ns: u64) -> bool {
        now_ns < self.expires_ns
    }
}
