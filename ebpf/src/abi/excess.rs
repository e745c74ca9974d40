//! A source that is over a limit which bans: what the kernel asks userspace to do.

use super::layout::shared;

shared! {
    /// One source over one limit. While the ban is not in force yet, a CPU tells of the same source at most every
    /// [`EXCESS_AGAIN_NS`].
    Excess = 32 bytes {
        /// `CLOCK_MONOTONIC`, in nanoseconds.
        time_ns: u64,
        /// The source; IPv4 in the first 4 bytes.
        source: [u8; 16],
        /// The number of the limit's row.
        limit: u16,
        /// One of [`super::family`].
        family: u8,
        /// Zero.
        spare: [u8; 5],
    }
}

/// How long a CPU keeps quiet about a source of which it has told.
pub const EXCESS_AGAIN_NS: u64 = 100_000_000;

impl Excess {
    /// A record of the ring; `None` where it has another length.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; 32] = bytes.try_into().ok()?;
        let (time_ns, rest) = bytes.split_first_chunk::<8>()?;
        let (source, rest) = rest.split_first_chunk::<16>()?;
        let (limit, rest) = rest.split_first_chunk::<2>()?;
        Some(Self {
            time_ns: u64::from_ne_bytes(*time_ns),
            source: *source,
            limit: u16::from_ne_bytes(*limit),
            family: *rest.first()?,
            spare: [0; 5],
        })
    }
}
