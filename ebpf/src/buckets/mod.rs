//! The table of buckets: where the rate state of a source lies, and how a source gets a place.
//!
//! A bucket whose time has passed is full, and a full bucket equals none. So a slot is free as soon as its time is in the
//! past, whoever it belonged to, and giving it to another key forgets nothing. A slot whose time is in the future is never
//! given away: a flood of new sources can't push out those that are being limited.
//!
//! Every key has two sets of seven slots. It lies in the first of them unless that was full when it came. Keys are exact:
//! the place of a slot and its tag give back the key, so no two sources share a bucket.
//!
//! A set begins with marks. They say until when anything in use lies beyond its first line, so that a source which was
//! never seen before, as all of a spoofed flood are, costs one line of cache and not four.

#[cfg(not(target_arch = "bpf"))]
mod host;
mod key;
#[cfg(not(target_arch = "bpf"))]
mod owner;
mod place;

#[cfg(not(target_arch = "bpf"))]
pub use host::HostTable;
pub use key::{BucketKey, Home};
#[cfg(not(target_arch = "bpf"))]
pub use owner::Owner;
pub use place::{Place, Sets, Slot};

use crate::abi::{MAX_BUCKET_BITS, MIN_BUCKET_BITS};
use crate::limit::Cell;

/// The memory of one table: a map in the kernel, or ordinary memory.
pub trait BucketMemory {
    /// One set; a pointer that is cheap to copy.
    type Set<'a>: BucketSet + Copy
    where
        Self: 'a;

    /// How keys fall on sets.
    fn shape(&self) -> Shape;

    /// A set; `None` beyond the end of the table.
    fn set(&self, index: u32) -> Option<Self::Set<'_>>;

    /// Sends a number through memory of which the verifier knows nothing. Elsewhere there is nothing to do.
    #[inline(always)]
    fn settle(&self, number: u64) -> u64 {
        number
    }
}

/// The words of one set. The host masks the number of a slot, 1 to [`crate::abi::BUCKET_SLOTS`], to [`crate::abi::BUCKET_PLACES`].
pub trait BucketSet {
    /// One word.
    type Cell: Cell;
    /// Whose the slot is; see [`crate::abi::bucket_tag`].
    fn tag(&self, slot: u32) -> Self::Cell;
    /// The slot's rate state.
    fn state(&self, slot: u32) -> Self::Cell;
    /// [`crate::abi::BucketMarks::second`].
    fn second_mark(&self) -> Self::Cell;
    /// [`crate::abi::BucketMarks::line`].
    fn line_mark(&self) -> Self::Cell;
}

/// How keys fall on sets. It holds as long as the table does: with another one, nothing would be found again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Random, so that nobody outside can aim at one set.
    pub seed: u64,
    /// The number of sets, as a power of two: [`MIN_BUCKET_BITS`] to [`MAX_BUCKET_BITS`].
    pub bits: u32,
}

/// Sources that are limited at once, for each set: few, so that a set is seldom full.
const SOURCES_PER_SET: u32 = 2;

impl Shape {
    /// The bits of a table for this many sources at once.
    #[must_use]
    pub const fn bits_for(sources: u32) -> u32 {
        let sets = sources.div_ceil(SOURCES_PER_SET);
        // The number of bits of the largest index.
        let bits = u32::BITS - sets.saturating_sub(1).leading_zeros();
        if bits < MIN_BUCKET_BITS {
            MIN_BUCKET_BITS
        } else if bits > MAX_BUCKET_BITS {
            MAX_BUCKET_BITS
        } else {
            bits
        }
    }

    /// The number of sets.
    #[must_use]
    pub const fn sets(self) -> u32 {
        1 << self.bits
    }
}

#[cfg(test)]
mod tests;
