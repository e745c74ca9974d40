//! Finding the slot of a bucket, or a free one.
//!
//! Both walk over the two sets of a key in the same order: most of the first set, most of the second, then what each of
//! them keeps in reserve for keys whose other set is as full. So both sets hold nothing but buckets in use six to two
//! hundred times less often than if the first set were filled to its end before the second; see
//! docs/adr/0011-bucket-table.md. Whoever looks for a bucket leaves out what the marks say holds none in use.
//!
//! The slots of a line are compared without branches: which one matches is as random as the sources are, and a processor
//! that guesses wrong pays more than all the comparisons.

use super::key::Home;
use super::{BucketMemory, BucketSet};
use crate::abi::{BUCKET_PLACES, bucket_tag};
use crate::limit::{Cell, ticks};

/// The first slot. Before it are the marks.
const FIRST: u32 = 1;
/// The first slot of the second line of cache.
const LINE: u32 = BUCKET_PLACES / 2;
/// The first slot of the reserve.
const RESERVE: u32 = BUCKET_PLACES - 2;
/// How far a mark is set beyond the time that is needed, so that it is not written for every packet: 16 ms.
const MARGIN: u64 = ticks(1 << 24);

/// The two sets of a key.
#[derive(Clone, Copy, Debug)]
pub struct Sets<'a, M> {
    memory: &'a M,
    home: Home,
}

/// One slot of two sets, or none.
///
/// A number, not a pointer: it goes through [`BucketMemory::settle`], after which the verifier knows nothing of how it was
/// found, and proves what follows once. The places of the first set, then those of the second. Where a set's marks are is
/// no slot, so such a number says that there is none.
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

    /// The bucket of this class, if it may be in use at `now`. It is going to be found until another time, both in ticks.
    #[inline(always)]
    #[must_use]
    pub fn find(&self, class: u64, now: u64, until: u64) -> Place {
        let tag = self.home.tag | bucket_tag::of_class(class);
        // Equal tags differ by zero. Others, all below 2^63, by something whose negative is negative.
        let answer =
            |set: &M::Set<'a>, slot: u32, second: u64| (set.tag(slot).load() ^ (tag | second)).wrapping_neg();
        self.first(|mark| mark > now, until, answer)
    }

    /// A slot that is free at `now`. What it is given to is going to be found until another time, both in ticks.
    #[inline(always)]
    #[must_use]
    pub fn find_free(&self, now: u64, until: u64) -> Place {
        // Times are below 2^63, so what is later has a negative difference.
        let answer = |set: &M::Set<'a>, slot: u32, _: u64| now.wrapping_sub(set.state(slot).load());
        self.first(|_| true, until, answer)
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
        let (index, second) = if place < BUCKET_PLACES {
            (self.home.index, 0)
        } else {
            (self.home.second(), bucket_tag::SECOND)
        };
        let set = self.memory.set(index)?;
        Some(Slot { set, number: place & (BUCKET_PLACES - 1), tag: self.home.tag | second })
    }

    /// The same place, of which the verifier knows nothing any more.
    #[inline(always)]
    #[must_use]
    pub fn settle(&self, place: Place) -> Place {
        Place(self.memory.settle(place.0))
    }

    /// The first slot of the walk for which the uppermost bit of `answer` is clear. What lies further on is only read where
    /// all before it was in vain, and where `reaches` finds its mark far enough. Its marks then reach until a time.
    #[inline(always)]
    fn first(
        &self,
        reaches: impl Fn(u64) -> bool,
        until: u64,
        answer: impl Fn(&M::Set<'a>, u32, u64) -> u64,
    ) -> Place {
        let place = Place(self.memory.settle(u64::from(self.walk(reaches, answer))));
        self.raise_marks(place, until);
        self.settle(place)
    }

    #[inline(always)]
    fn walk(&self, reaches: impl Fn(u64) -> bool, answer: impl Fn(&M::Set<'a>, u32, u64) -> u64) -> u32 {
        let Some(first) = self.memory.set(self.home.index) else { return NOWHERE };
        let in_first = |slot| answer(&first, slot, 0);
        let slot = first_of(in_first, FIRST, LINE);
        if slot < LINE {
            return slot;
        }
        let in_line = reaches(first.line_mark().load());
        if in_line {
            let slot = first_of(in_first, LINE, RESERVE);
            if slot < RESERVE {
                return slot;
            }
        }
        if reaches(first.second_mark().load()) {
            let Some(second) = self.memory.set(self.home.second()) else { return NOWHERE };
            let in_second = |slot| answer(&second, slot, bucket_tag::SECOND);
            let slot = first_of(in_second, FIRST, LINE);
            if slot < LINE {
                return BUCKET_PLACES + slot;
            }
            if reaches(second.line_mark().load()) {
                let slot = first_of(in_second, LINE, RESERVE);
                if slot < RESERVE {
                    return BUCKET_PLACES + slot;
                }
                let slot = if in_line { first_of(in_first, RESERVE, BUCKET_PLACES) } else { BUCKET_PLACES };
                if slot < BUCKET_PLACES {
                    return slot;
                }
                return BUCKET_PLACES + first_of(in_second, RESERVE, BUCKET_PLACES);
            }
        }
        if in_line { first_of(in_first, RESERVE, BUCKET_PLACES) } else { NOWHERE }
    }

    #[inline(always)]
    fn raise_marks(&self, place: Place, until: u64) {
        let Place(number) = place;
        if number < u64::from(LINE) || !place.is_some() {
            return;
        }
        let mut index = self.home.index;
        if number > u64::from(BUCKET_PLACES) {
            if let Some(first) = self.memory.set(index) {
                raise(&first.second_mark(), until);
            }
            index = self.home.second();
        }
        if number & u64::from(LINE) != 0
            && let Some(set) = self.memory.set(index)
        {
            raise(&set.line_mark(), until);
        }
    }
}

/// The place of the marks, and the one behind the last slot, which is that of the next set's.
const NOWHERE: u32 = 0;

impl Place {
    /// Nowhere.
    pub const NONE: Self = Self(NOWHERE as u64);

    /// Whether there is one.
    #[inline(always)]
    #[must_use]
    pub const fn is_some(self) -> bool {
        self.0 & (BUCKET_PLACES as u64 - 1) != 0
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

/// The first slot from `start` to before `end` for which `answer` has its uppermost bit clear, or `end`.
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

/// Raises a mark to at least this time.
#[inline(always)]
fn raise<C: Cell>(mark: &C, until: u64) {
    let seen = mark.load();
    if seen >= until || mark.compare_exchange(seen, until + MARGIN).is_ok() {
        return;
    }
    // Another CPU raised it just now, if not as far. Whatever others add meanwhile, this is enough.
    mark.add((until + MARGIN).saturating_sub(mark.load()));
}
