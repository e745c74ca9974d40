//! From a key to its two sets and its tag, reversibly.

use super::{BucketMemory, BucketSet, Shape};
use crate::abi::{bucket_tag, family};
use crate::limit::Cell;

/// Odd, so that multiplying by it can be undone. From `SplitMix64` (Steele, Lea, Flood 2014), whose bits are well spread.
pub(super) const SPREAD: u64 = 0xbf58_476d_1ce4_e5b9;
/// Likewise.
pub(super) const SECOND_SPREAD: u64 = 0x94d0_49bb_1331_11eb;

/// Whose buckets: a source, cut to the key length of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BucketKey {
    /// The first 64 bits of an IPv6 address; all of an IPv4 address, in the lower half.
    pub high: u64,
    /// The other 64 bits of an IPv6 address.
    pub low: u64,
    /// Of the service. Buckets of one source have places for [`crate::abi::BUCKET_SLOTS`] times two limits, so each service
    /// has places of its own. The class of a bucket says its service, so the place and the tag still give back the key.
    pub salt: u64,
    /// One of [`family`].
    pub family: u8,
}

/// Where the buckets of a key lie. Two words, so that it can be computed early and kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Home {
    /// The first set.
    pub(super) index: u32,
    /// Bits of the table's shape.
    pub(super) bits: u32,
    /// The tag of class 0 in the first set.
    pub(super) tag: u64,
}

impl BucketKey {
    /// Sixty-four bits that stand for the key: the key itself unless it is longer. Longer keys of IPv6 are mixed, so two of
    /// them may share a bucket; nobody can find such a pair without the seed, and by chance one in 2^64 is.
    #[inline(always)]
    const fn identity(&self, seed: u64) -> u64 {
        if self.low == 0 {
            return self.high ^ self.salt;
        }
        let low = self.low.wrapping_mul(seed | 1);
        let low = (low ^ (low >> 32)).wrapping_mul(SECOND_SPREAD);
        self.high ^ self.salt ^ low ^ (low >> 29)
    }
}

impl Home {
    /// Nobody's.
    pub const NONE: Self = Self { index: 0, bits: 0, tag: 0 };

    /// The home of a key in a table of this shape.
    #[inline(always)]
    #[must_use]
    pub const fn of(key: &BucketKey, shape: Shape) -> Self {
        let mixed = mix(key.identity(shape.seed), shape.seed);
        let family = if key.family == family::IPV6 { bucket_tag::IPV6 } else { 0 };
        // The upper bits are the set, the others go to the tag; its top bit stays zero.
        let rest = mixed.wrapping_shl(shape.bits) >> 1 & !bucket_tag::FLAGS;
        Self { index: upper(mixed, shape.bits), bits: shape.bits, tag: rest | family | bucket_tag::USED }
    }

    /// Starts to load the first line of the set. What else is looked up meanwhile costs no extra time.
    #[inline(always)]
    pub fn touch<M: BucketMemory>(&self, memory: &M) {
        if let Some(set) = memory.set(self.index) {
            // The value does not matter; a load that nothing waits for does.
            let _ = set.second_mark().load();
        }
    }

    /// The second set: never the first one. It depends on the rest of the key, so that keys of one first set seldom share
    /// the second one; and on nothing else, so that it can be undone.
    #[inline(always)]
    pub(super) const fn second(&self) -> u32 {
        self.index ^ other(self.tag, self.bits)
    }
}

/// What the indexes of the two sets of a tag differ by. Odd, hence not zero.
#[inline(always)]
pub(super) const fn other(tag: u64, bits: u32) -> u32 {
    upper((tag & !bucket_tag::FLAGS).wrapping_mul(SECOND_SPREAD), bits) | 1
}

/// A bijection. The seed keeps outsiders from choosing keys that fall on one set.
#[inline(always)]
pub(super) const fn mix(identity: u64, seed: u64) -> u64 {
    let mixed = identity.wrapping_mul(seed | 1);
    (mixed ^ (mixed >> 32)).wrapping_mul(SPREAD)
}

/// The uppermost bits.
#[inline(always)]
const fn upper(mixed: u64, bits: u32) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "at most 24 bits are left")]
    let upper = mixed.wrapping_shr(u64::BITS.wrapping_sub(bits)) as u32;
    upper
}
