//! Bans: exact sources and prefixes, changed in place.

use super::layout::shared;

/// A ban with no end.
pub const NEVER_EXPIRES: u64 = u64::MAX;

shared! {
    /// One ban. For a prefix it is the latest expiry of the prefix and of all banned prefixes around it, so that the
    /// longest match answers for all of them.
    Ban = 8 bytes {
        /// The first nanosecond of `CLOCK_MONOTONIC` at which the ban no longer holds.
        expires_ns: u64,
    }
}

impl Ban {
    /// Whether the ban holds at `now_ns`.
    #[inline(always)]
    #[must_use]
    pub const fn holds(&self, now_ns: u64) -> bool {
        now_ns < self.expires_ns
    }
}
