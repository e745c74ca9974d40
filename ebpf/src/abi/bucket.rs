//! Rate state: a table of sets, each two lines of cache.

use super::layout::shared;

/// Places of a set: one for its marks, then [`BUCKET_SLOTS`]. A power of two, so that a number is masked and never checked.
pub const BUCKET_PLACES: u32 = 8;
/// Slots of a set, numbered from 1.
pub const BUCKET_SLOTS: u32 = BUCKET_PLACES - 1;
/// Words of a set.
pub const BUCKET_SET_WORDS: usize = 16;
/// The fewest sets, as a power of two: what the place of a set says of its keys leaves room for the rest of a tag.
pub const MIN_BUCKET_BITS: u32 = 16;
/// The most sets, as a power of two: 2 GiB.
pub const MAX_BUCKET_BITS: u32 = 24;

/// Which limit a bucket belongs to. Below [`bucket_tag::CLASSES`].
pub mod bucket_class {
    /// The limit in packets.
    pub const PACKETS: u64 = 0;
    /// The limit in bytes.
    pub const BYTES: u64 = 1;
    /// The limit of later fragments.
    pub const FRAGMENTS: u64 = 2;
    /// The first of the limits of services; see [`super::super::LimitRow::class`].
    pub const SERVICES: u64 = 3;
}

/// The parts of [`BucketSlot::tag`], beside the bits of the key that the place of the set does not say. Those are in bits
/// 15 to 62, at their upper end. Bit 63 is zero.
pub mod bucket_tag {
    /// Somebody's.
    pub const USED: u64 = 1;
    /// In the second set of its key, not in the first.
    pub const SECOND: u64 = 1 << 1;
    /// The key is of IPv6.
    pub const IPV6: u64 = 1 << 2;
    /// How many values of [`super::bucket_class`] there is room for.
    pub const CLASSES: u64 = 1 << 12;
    /// All bits that do not belong to the key.
    pub const FLAGS: u64 = (CLASSES << CLASS_SHIFT) - 1;

    const CLASS_SHIFT: u32 = 3;

    /// The bits of a class.
    #[inline(always)]
    #[must_use]
    pub const fn of_class(class: u64) -> u64 {
        class << CLASS_SHIFT
    }
}

shared! {
    /// One bucket of one source.
    BucketSlot = 16 bytes {
        /// Whose it is; see [`bucket_tag`]. Zero: nobody's yet.
        tag: u64,
        /// The time at which the bucket is full again, in ticks; see [`crate::limit`]. In the past: a full bucket, and the
        /// slot is free for any key.
        state: u64,
    }
}

shared! {
    /// Until when a look-up has to go beyond the first line of a set, in ticks. In the past: what lies there is full, and
    /// full buckets equal none.
    BucketMarks = 16 bytes {
        /// No bucket that has its first set here and lies in its second set is in use any longer than this.
        second: u64,
        /// No bucket in the second line of this set is in use any longer than this.
        line: u64,
    }
}

shared! {
    /// The buckets of keys that fall on one place. Aligned to its size, so that it is two lines of cache.
    #[repr(align(128))]
    BucketSlots = 128 bytes {
        /// In the first line.
        marks: BucketMarks,
        /// In no order; three in the first line, four in the second.
        slots: [BucketSlot; BUCKET_SLOTS as usize],
    }
}
