//! Finding the slot of a bucket, or a free one.
//!
//! The slots of a line are compared without branches: which one matches is as random as the sources are, and a processor
//! that guesses wrong pays more than all the comparisons. The verifier then sees one way through them instead of four.

use super::key::Home;
use super::{BucketMemory, BucketSet};
use crate::abi::{BUCKET_CLAIMED, BUCKET_SLOTS, bucket_tag};
use crate::limit::Cell;

/// Slots of one line of cache.
const LINE: u32 = BUCKET_SLOTS / 2;

/// The two sets of a key, the first of them at hand.
#[derive(Clone, Copy, Debug)]
pub struct Sets<S> {
    first: S,
    home: Home,
}

impl Home {
    /// The sets of this home; `None` where the table is smaller than its shape says.
    #[inline(always)]
    #[must_use]
    pub fn sets<M: BucketMemory>(self, memory: &M) -> Option<Sets<M::Set<'_>>> {
        Some(Sets { first: memory.set(self.index)?, home: self })
    }
}

/// A slot that holds a bucket, or may be given to it. Plain numbers: where a variant leaves fields undefined, the
/// verifier would refuse what the compiler makes of them.
#[derive(Clone, Copy, Debug)]
pub struct Place<S> {
    set: S,
    slot: u32,
    /// What there is of a place.
    pub(crate) found: Found,
    /// What the slot's tag is, or is to be.
    tag: u64,
    /// The state as it was seen. Whatever is written depends on it being unchanged.
    state: u64,
}

/// What [`Sets::look`] has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Found {
    /// The bucket's slot.
    Own,
    /// A slot that is free.
    Free,
    /// Both sets hold only buckets that are in use.
    Full,
    /// Another CPU is changing the place: look again.
    Lost,
}

impl Found {
    /// Whether there is a place.
    #[inline(always)]
    #[must_use]
    pub const fn is_place(self) -> bool {
        self as u32 <= Self::Free as u32
    }
}

impl<'a, S: BucketSet + Copy> Sets<S> {
    /// The place of the bucket of this class at `now`, in ticks. Where there is none, a free slot: of the first set, or
    /// else of the second. Nothing is written.
    #[inline(always)]
    pub fn look<M: BucketMemory<Set<'a> = S>>(&self, memory: &'a M, class: u64, now: u64) -> Place<S> {
        let tag = self.home.tag | class * bucket_tag::CLASS;
        let slot = find(&self.first, tag);
        if slot < BUCKET_SLOTS {
            return found(self.first, slot, tag);
        }
        let Some(second) = memory.set(self.home.second()) else { return self.none() };
        let tag_there = tag | bucket_tag::SECOND;
        let slot = find(&second, tag_there);
        if slot < BUCKET_SLOTS {
            return found(second, slot, tag_there);
        }
        let slot = find_free(&self.first, now);
        if slot < BUCKET_SLOTS {
            return free(self.first, slot, tag, now);
        }
        let slot = find_free(&second, now);
        if slot < BUCKET_SLOTS {
            return free(second, slot, tag_there, now);
        }
        self.none()
    }

    /// No place at all.
    #[inline(always)]
    const fn none(&self) -> Place<S> {
        Place { set: self.first, slot: 0, found: Found::Full, tag: 0, state: 0 }
    }

    /// The state of the bucket of this class, if there is one.
    #[inline(always)]
    pub(super) fn state<M: BucketMemory<Set<'a> = S>>(&self, memory: &'a M, class: u64) -> Option<u64> {
        let tag = self.home.tag | class * bucket_tag::CLASS;
        let slot = find(&self.first, tag);
        if slot < BUCKET_SLOTS {
            return Some(self.first.state(slot).load());
        }
        let second = memory.set(self.home.second())?;
        let slot = find(&second, tag | bucket_tag::SECOND);
        if slot < BUCKET_SLOTS { Some(second.state(slot).load()) } else { None }
    }
}

impl<S: BucketSet> Place<S> {
    /// The state as it was seen, in ticks. That of a free slot is in the past, as that of a full bucket is.
    #[inline(always)]
    #[must_use]
    pub const fn state(&self) -> u64 {
        self.state
    }

    /// Stores the next state if the place is still as it was seen. False: another CPU was faster, and nothing was charged.
    ///
    /// A free slot is claimed first. The mark goes where every charge of the key before must compare and swap: either its
    /// charge came first and the mark is not set, or it finds the mark. So no bucket in use is ever given away.
    #[inline(always)]
    #[must_use]
    pub fn write(&self, next: u64) -> bool {
        let state = self.set.state(self.slot);
        if self.found as u32 == Found::Own as u32 {
            return state.compare_exchange(self.state, next).is_ok();
        }
        if state.compare_exchange(self.state, BUCKET_CLAIMED).is_err() {
            return false;
        }
        self.set.tag(self.slot).store(self.tag);
        state.compare_exchange(BUCKET_CLAIMED, next).is_ok()
    }

    /// Adds to the state, whatever it is now. False: the slot was not this bucket's yet.
    #[inline(always)]
    #[must_use]
    pub fn add(&self, charge: u64) -> bool {
        let own = self.found as u32 == Found::Own as u32;
        if own {
            self.set.state(self.slot).add(charge);
        }
        own
    }
}

#[inline(always)]
fn found<S: BucketSet + Copy>(set: S, slot: u32, tag: u64) -> Place<S> {
    let state = set.state(slot).load();
    let found = if state == BUCKET_CLAIMED { Found::Lost } else { Found::Own };
    Place { set, slot, found, tag, state }
}

#[inline(always)]
fn free<S: BucketSet + Copy>(set: S, slot: u32, tag: u64, now: u64) -> Place<S> {
    let state = set.state(slot).load();
    // Later: charged since it was found free.
    let found = if state > now { Found::Lost } else { Found::Free };
    Place { set, slot, found, tag, state }
}

/// The first slot with this tag, or [`BUCKET_SLOTS`].
#[inline(always)]
fn find<S: BucketSet>(set: &S, tag: u64) -> u32 {
    // Both are below 2^63: only for equal ones is the negated difference not negative.
    let differs = |slot| (set.tag(slot).load() ^ tag).wrapping_neg();
    first_of_set(differs)
}

/// The first slot whose time has passed, or [`BUCKET_SLOTS`].
#[inline(always)]
fn find_free<S: BucketSet>(set: &S, now: u64) -> u32 {
    // Both are below 2^63, but for the mark of a claim: its difference is negative, too.
    let in_use = |slot| now.wrapping_sub(set.state(slot).load());
    first_of_set(in_use)
}

/// The first slot for which `answer` has its uppermost bit clear. The second line is only read where the first has none.
#[inline(always)]
fn first_of_set(answer: impl Fn(u32) -> u64) -> u32 {
    let near = first_of_line(&answer, 0);
    if near < LINE {
        return near;
    }
    LINE + first_of_line(&answer, LINE)
}

#[inline(always)]
fn first_of_line(answer: &impl Fn(u32) -> u64, start: u32) -> u32 {
    let mut none_yet = u64::MAX;
    let mut before = 0;
    let mut slot = 0;
    while slot < LINE {
        none_yet &= answer(start + slot);
        before += none_yet >> 63;
        slot += 1;
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most 4")]
    let before = before as u32;
    before
}
