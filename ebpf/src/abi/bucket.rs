//! Rate state of one source.

use super::layout::shared;

/// Values of [`BucketKey::class`]: which of a source's limits the bucket belongs to.
pub mod bucket_class {
    /// The limits per source.
    pub const SOURCE: u8 = 0;
    /// The limit of later fragments.
    pub const FRAGMENTS: u8 = 1;
}

shared! {
    /// Whose bucket it is.
    BucketKey = 20 bytes {
        /// The source, masked to the policy's key length; IPv4 in the first 4 bytes, the rest zero.
        address: [u8; 16],
        /// One of [`super::family`].
        family: u8,
        /// One of [`bucket_class`].
        class: u8,
        /// Zero: the kernel's hash covers every byte of a key.
        spare: [u8; 2],
    }
}

shared! {
    /// Theoretical arrival times, in ticks; see [`crate::limit`]. Zeroes are full buckets.
    Bucket = 16 bytes {
        /// Of the packet limit.
        packets: u64,
        /// Of the byte limit.
        bytes: u64,
    }
}
