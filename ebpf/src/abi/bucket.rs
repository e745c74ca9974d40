//! Rate state of one source.

use super::layout::shared;

/// Values of [`BucketKey::class`]: which of a source's limits the bucket belongs to.
pub mod bucket_class {
    /// The limits per source.
    pub const SOURCE: u32 = 0;
    /// The limit of later fragments.
    pub const FRAGMENTS: u32 = 1;
}

shared! {
    /// Whose bucket it is. Aligned to words: the program builds it on its stack, where the verifier wants aligned stores.
    #[repr(align(8))]
    BucketKey = 24 bytes {
        /// The source, masked to the policy's key length; IPv4 in the first 4 bytes, the rest zero.
        address: [u8; 16],
        /// One of [`super::family`].
        family: u32,
        /// One of [`bucket_class`].
        class: u32,
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
