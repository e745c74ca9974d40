//! A table in memory that the host can reach: the model's own, the kernel's as the daemon sees it, or a test's.

use core::sync::atomic::{AtomicU64, Ordering};

use super::{BucketKey, BucketMemory, BucketSet, Home, Owner, Sets, Shape};
use crate::abi::{BUCKET_PLACES, BUCKET_SET_WORDS};
use crate::limit::Cell;

/// A table in words of memory: [`BUCKET_SET_WORDS`] for each set.
#[derive(Clone, Debug)]
pub struct HostTable<W> {
    words: W,
    shape: Shape,
}

/// One set of a [`HostTable`].
#[derive(Clone, Copy, Debug)]
pub struct HostSet<'a>(&'a [AtomicU64; BUCKET_SET_WORDS]);

impl<W: AsRef<[AtomicU64]>> HostTable<W> {
    /// The table in these words. Sets that the shape promises and the words do not hold have no room for anybody.
    pub const fn new(words: W, shape: Shape) -> Self {
        Self { words, shape }
    }

    /// The words.
    pub fn words(&self) -> &[AtomicU64] {
        self.words.as_ref()
    }

    /// The state of a bucket, in ticks; `None` where the table has none, which is as good as a full one.
    #[must_use]
    pub fn state(&self, key: &BucketKey, class: u64) -> Option<u64> {
        let sets = Sets::new(self, Home::of(key, self.shape));
        sets.slot(sets.find(class, 0, 0))?.state(class)
    }

    /// Every slot that was ever used: whose it is, and its state in ticks. Packets change slots meanwhile: one that goes to
    /// another key just now is left out.
    pub fn buckets(&self) -> impl Iterator<Item = (Owner, u64)> {
        let sets = (0..self.shape.sets()).filter_map(|index| Some((index, self.set(index)?)));
        sets.flat_map(move |(index, set)| {
            (1..BUCKET_PLACES).filter_map(move |slot| {
                let tag = Cell::load(&set.tag(slot));
                let owner = Owner::of(self.shape, index, tag)?;
                let state = Cell::load(&set.state(slot));
                (Cell::load(&set.tag(slot)) == tag).then_some((owner, state))
            })
        })
    }

    /// Puts a bucket into this state. False: no room for it.
    pub fn set_state(&self, key: &BucketKey, class: u64, state: u64) -> bool {
        let sets = Sets::new(self, Home::of(key, self.shape));
        if let Some(slot) = sets.slot(sets.find(class, 0, state)) {
            return slot.state(class).is_some_and(|seen| slot.swap(seen, state));
        }
        // At time zero nothing is in the past but slots that were never used.
        let Some(slot) = sets.slot(sets.find_free(0, state)) else { return false };
        slot.free_state(0).is_some_and(|seen| slot.claim(class, seen, state))
    }
}

impl<W: AsRef<[AtomicU64]>> BucketMemory for HostTable<W> {
    type Set<'a>
        = HostSet<'a>
    where
        Self: 'a;

    fn shape(&self) -> Shape {
        self.shape
    }

    fn set(&self, index: u32) -> Option<HostSet<'_>> {
        let start = usize::try_from(index).ok()?.checked_mul(BUCKET_SET_WORDS)?;
        self.words().get(start..)?.first_chunk().map(HostSet)
    }
}

impl<'a> BucketSet for HostSet<'a> {
    type Cell = &'a AtomicU64;

    fn tag(&self, slot: u32) -> &'a AtomicU64 {
        &self.0[(slot & (BUCKET_PLACES - 1)) as usize * 2]
    }

    fn state(&self, slot: u32) -> &'a AtomicU64 {
        &self.0[(slot & (BUCKET_PLACES - 1)) as usize * 2 + 1]
    }

    fn second_mark(&self) -> &'a AtomicU64 {
        &self.0[0]
    }

    fn line_mark(&self) -> &'a AtomicU64 {
        &self.0[1]
    }
}

/// In the orders that the kernel's program has: its compare-and-swap is a full barrier.
impl Cell for &AtomicU64 {
    fn load(&self) -> u64 {
        AtomicU64::load(self, Ordering::Acquire)
    }

    fn store(&self, value: u64) {
        AtomicU64::store(self, value, Ordering::Release);
    }

    fn compare_exchange(&self, current: u64, new: u64) -> Result<(), u64> {
        AtomicU64::compare_exchange(self, current, new, Ordering::SeqCst, Ordering::SeqCst).map(|_| ())
    }

    fn add(&self, amount: u64) {
        self.fetch_add(amount, Ordering::SeqCst);
    }
}
