//! Finding the slot of a bucket, or a free one.
//!
//! Both walk over the two sets of a key in the same order: most of the first set, most of the second, then what each of
//! them keeps in reserve for keys whose other set is as full. So both sets hold nothing but buckets in use some thirty
//! times less often than if the first set were filled to its end before the second.
//!
//! The slots of a line are compared without branches: which one matches is as random as the sources are, and a processor
//! that guesses wrong pays more than all the comparisons.

use super::key::Home;
use super::{BucketMemory, BucketSet};
use crate::abi::{BUCKET_SLOTS, bucket_tag};
use crate::limit::Cell;

/// Slots of the first line of cache.
const LINE: u32 = BUCKET_SLOTS / 2;
/// The first slot of the reserve.
const RESERVE: u32 = BUCKET_SLOTS - 2;

/// The two sets of a key.
#[derive(Clone, Copy, Debug)]
pub struct Sets<'a, M> {
    memory: &'a M,
    home: Home,
}

/// One slot of two sets, or none.
///
/// A number, not a pointer: it goes through [`BucketMemory::settle`], after which the verifier knows nothing of how it was
/// found, and proves what follows once. The slots of the first set, then those of the second, then [`Place::NONE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(u64);

/// A slot at hand.
#[derive(Clone, Copy, Debug)]
pub struct Slot<S> {
    set: S,
    number: u32,
    /// Its tag once it holds the bucket of a class, but for the class.
    tag: u64,
}

impl<'a, M: BucketMemory> Sets<'a, M> {
    /// Those of this home.
    #[inline(always)]
    pub const fn new(memory: &'a M, home: Home) -> Self {
        Self { memory, home }
    }

    /// The bucket of this class.
    #[inline(always)]
    #[must_use]
    pub fn find(&self, class: u64) -> Place {
        let tag = self.home.tag | bucket_tag::of_class(class);
        // Equal tags differ by zero. Others, all below 2^63, by something whose negative is negative.
        self.first(|set, slot, second| (set.tag(slot).load() ^ (tag | second)).wrapping_neg())
    }

    /// A slot that is free at `now`, in ticks.
    #[inline(always)]
    #[must_use]
    pub fn find_free(&self, now: u64) -> Place {
        // Times are below 2^63, so what is later has a negative difference.
        self.first(|set, slot, _| now.wrapping_sub(set.state(slot).load()))
    }

    /// The slot at a place; `None` where there is no place.
    #[inline(always)]
    #[must_use]
    pub fn slot(&self, place: Place) -> Option<Slot<M::Set<'a>>> {
        if !place.is_some() {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "below 16")]
        let place = place.0 as u32;
        let (index, second) = if place < BUCKET_SLOTS {
            (self.home.index, 0)
        } else {
            (self.home.second(), bucket_tag::SECOND)
        };
        let set = self.memory.set(index)?;
        Some(Slot { set, number: place & (BUCKET_SLOTS - 1), tag: self.home.tag | second })
    }

    /// The same place, of which the verifier knows nothing any more.
    #[inline(always)]
    #[must_use]
    pub fn settle(&self, place: Place) -> Place {
        Place(self.memory.settle(place.0))
    }

    /// The first slot of the walk for which the uppermost bit of `answer` is clear. What lies further on is only read where
    /// all before it was in vain.
    #[inline(always)]
    fn first(&self, answer: impl Fn(&M::Set<'a>, u32, u64) -> u64) -> Place {
        Place(self.memory.settle(u64::from(self.walk(answer))))
    }

    #[inline(always)]
    fn walk(&self, answer: impl Fn(&M::Set<'a>, u32, u64) -> u64) -> u32 {
        let none = 2 * BUCKET_SLOTS;
        let Some(first) = self.memory.set(self.home.index) else { return none };
        let in_first = |slot| answer(&first, slot, 0);
        let slot = first_before_reserve(in_first);
        if slot < RESERVE {
            return slot;
        }
        let Some(second) = self.memory.set(self.home.second()) else { return none };
        let in_second = |slot| answer(&second, slot, bucket_tag::SECOND);
        let slot = first_before_reserve(in_second);
        if slot < RESERVE {
            return BUCKET_SLOTS + slot;
        }
        let slot = first_of(in_first, RESERVE, BUCKET_SLOTS);
        if slot < BUCKET_SLOTS {
            return slot;
        }
        // None is the slot behind the last one.
        BUCKET_SLOTS + first_of(in_second, RESERVE, BUCKET_SLOTS)
    }
}

impl Place {
    /// Nowhere.
    pub const NONE: Self = Self(2 * BUCKET_SLOTS as u64);

    /// Whether there is one.
    #[inline(always)]
    #[must_use]
    pub const fn is_some(self) -> bool {
        self.0 < Self::NONE.0
    }
}

impl<S: BucketSet> Slot<S> {
    /// The state of the bucket of this class, in ticks; `None` where the slot has gone to another one.
    #[inline(always)]
    pub fn state(&self, class: u64) -> Option<u64> {
        let state = self.set.state(self.number).load();
        // In this order: a tag that is still there says whose the state was.
        let tag = self.set.tag(self.number).load();
        if tag == self.tag_of(class) { Some(state) } else { None }
    }

    /// The state if the slot is free at `now`, in ticks.
    #[inline(always)]
    pub fn free_state(&self, now: u64) -> Option<u64> {
        let state = self.set.state(self.number).load();
        if state > now { None } else { Some(state) }
    }

    /// Changes the state from what was seen. False: another CPU was faster.
    #[inline(always)]
    #[must_use]
    pub fn swap(&self, seen: u64, next: u64) -> bool {
        self.set.state(self.number).compare_exchange(seen, next).is_ok()
    }

    /// Adds to the state, whatever it is now.
    #[inline(always)]
    pub fn add(&self, charge: u64) {
        self.set.state(self.number).add(charge);
    }

    /// Gives the slot, free when `seen`, to the bucket of this class, in the state `next`. False: another CPU was faster.
    ///
    /// The state first: whoever charges the key before must compare and swap the same word, so either its charge came first,
    /// and the claim is lost, or it finds the slot in use. No bucket in use is ever given away.
    #[inline(always)]
    #[must_use]
    pub fn claim(&self, class: u64, seen: u64, next: u64) -> bool {
        if !self.swap(seen, next) {
            return false;
        }
        self.set.tag(self.number).store(self.tag_of(class));
        true
    }

    #[inline(always)]
    const fn tag_of(&self, class: u64) -> u64 {
        self.tag | bucket_tag::of_class(class)
    }
}

/// The first slot before the reserve for which `answer` has its uppermost bit clear, or [`RESERVE`]. The second line is only
/// read where the first has none.
#[inline(always)]
fn first_before_reserve(answer: impl Fn(u32) -> u64) -> u32 {
    let slot = first_of(&answer, 0, LINE);
    if slot < LINE {
        return slot;
    }
    first_of(&answer, LINE, RESERVE)
}

/// Likewise, of the slots from `start` to before `end`, or `end`.
#[inline(always)]
fn first_of(answer: impl Fn(u32) -> u64, start: u32, end: u32) -> u32 {
    let mut none_yet = u64::MAX;
    let mut before = 0;
    let mut slot = start;
    while slot < end {
        none_yet &= answer(slot);
        before += none_yet >> 63;
        slot += 1;
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most 4")]
    let before = before as u32;
    start + before
}
