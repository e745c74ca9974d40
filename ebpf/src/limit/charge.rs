//! Charging buckets that other CPUs charge at the same time.

use super::Limit;
use crate::buckets::{BucketMemory, Place, Sets};

/// How often a packet looks for its buckets where other CPUs change them in between. The last time the cost is added without
/// asking: nothing is lost from the account, and at most one packet a CPU is admitted beyond the burst.
const MAX_LOOKS: u32 = 2;

/// One 64-bit word that several CPUs change.
pub trait Cell {
    /// Reads it.
    fn load(&self) -> u64;
    /// Writes it.
    fn store(&self, value: u64);
    /// Stores `new` if it still holds `current`. What was written before is seen by whoever sees `new`.
    ///
    /// # Errors
    /// The value that it holds instead.
    fn compare_exchange(&self, current: u64, new: u64) -> Result<(), u64>;
    /// Adds, wrapping.
    fn add(&self, amount: u64);
}

/// What one limit wants of a packet.
#[derive(Clone, Copy, Debug)]
pub struct Due<'a, R> {
    /// The limit; one that is not set wants nothing.
    pub limit: &'a Limit,
    /// One of [`crate::abi::bucket_class`].
    pub class: u64,
    /// What the packet costs, in ticks.
    pub charge: u64,
    /// What to say of a packet that is over the limit.
    pub over: R,
}

/// What limits say to one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<R> {
    /// Within all limits, and charged to all.
    Admitted,
    /// Over a limit, the first such one; charged to none.
    Over(R),
    /// Not over any limit, but at least one had no room for a bucket. Charged to the others.
    NoRoom,
}

/// Charges a packet at `now`, in ticks, to all of these limits or to none. A packet that is over a limit writes nothing.
#[inline(always)]
pub fn charge<M: BucketMemory, R: Copy, const N: usize>(
    sets: &Sets<'_, M>,
    dues: &[Due<'_, R>; N],
    now: u64,
) -> Outcome<R> {
    let mut looks_left = MAX_LOOKS;
    while looks_left != 0 {
        looks_left -= 1;
        if let Some(outcome) = charge_once(sets, dues, now, looks_left == 0) {
            return outcome;
        }
    }
    // Each time another source took the free slot.
    Outcome::NoRoom
}

/// `None`: another CPU was faster. Then nothing is left charged, though a bucket may have got its place already.
#[inline(always)]
fn charge_once<M: BucketMemory, R: Copy, const N: usize>(
    sets: &Sets<'_, M>,
    dues: &[Due<'_, R>; N],
    now: u64,
    insist: bool,
) -> Option<Outcome<R>> {
    // All limits are asked before anything is charged. The last one is charged first, so it needs not be asked before.
    let mut places = [sets.settle(Place::NONE); N];
    for (number, (due, kept)) in dues.iter().zip(&mut places).enumerate() {
        if !due.limit.is_set() {
            continue;
        }
        let place = sets.find(due.class);
        if number + 1 < N && is_over(sets, due, place, now) {
            return Some(Outcome::Over(due.over));
        }
        *kept = sets.settle(place);
    }
    let mut outcome = Outcome::Admitted;
    for (number, (due, kept)) in dues.iter().zip(&mut places).enumerate().rev() {
        if !due.limit.is_set() {
            continue;
        }
        let mut place = *kept;
        let taken = if place.is_some() {
            charge_bucket(sets, due, place, now, insist)
        } else {
            // Only now, when the buckets before it are charged: no two of one packet get the same slot.
            place = sets.find_free(now);
            claim_bucket(sets, due, place, now)
        };
        *kept = sets.settle(place);
        match taken {
            Taken::Charged => {}
            Taken::NoRoom => outcome = Outcome::NoRoom,
            Taken::Over => {
                give_back(sets, dues, &places, number + 1);
                return Some(Outcome::Over(due.over));
            }
            Taken::Lost => {
                give_back(sets, dues, &places, number + 1);
                return None;
            }
        }
    }
    Some(outcome)
}

/// What came of one charge.
#[derive(Clone, Copy)]
enum Taken {
    Charged,
    NoRoom,
    Over,
    /// Another CPU was faster.
    Lost,
}

/// Whether the limit speaks against the packet already.
#[inline(always)]
fn is_over<M: BucketMemory, R>(sets: &Sets<'_, M>, due: &Due<'_, R>, place: Place, now: u64) -> bool {
    let state = match sets.slot(place) {
        Some(slot) => slot.state(due.class),
        // No bucket is a full one.
        None => Some(0),
    };
    match state {
        Some(state) => due.limit.admit(state, now, due.charge).is_none(),
        // Looked at again when it is charged.
        None => false,
    }
}

#[inline(always)]
fn charge_bucket<M: BucketMemory, R>(
    sets: &Sets<'_, M>,
    due: &Due<'_, R>,
    place: Place,
    now: u64,
    insist: bool,
) -> Taken {
    let Some(slot) = sets.slot(place) else { return Taken::NoRoom };
    let Some(state) = slot.state(due.class) else { return Taken::Lost };
    let Some(next) = due.limit.admit(state, now, due.charge) else { return Taken::Over };
    if slot.swap(state, next) {
        return Taken::Charged;
    }
    if !insist {
        return Taken::Lost;
    }
    slot.add(due.charge);
    Taken::Charged
}

#[inline(always)]
fn claim_bucket<M: BucketMemory, R>(sets: &Sets<'_, M>, due: &Due<'_, R>, place: Place, now: u64) -> Taken {
    let Some(next) = due.limit.admit(0, now, due.charge) else { return Taken::Over };
    let Some(slot) = sets.slot(place) else { return Taken::NoRoom };
    // It may have been charged since it was seen to be free.
    let Some(state) = slot.free_state(now) else { return Taken::Lost };
    if slot.claim(due.class, state, next) { Taken::Charged } else { Taken::Lost }
}

/// Takes back what was charged already: to those from `start` on.
#[inline(always)]
fn give_back<M: BucketMemory, R, const N: usize>(
    sets: &Sets<'_, M>,
    dues: &[Due<'_, R>; N],
    places: &[Place; N],
    start: usize,
) {
    for (due, place) in dues.iter().zip(places).skip(start) {
        if let Some(slot) = sets.slot(*place) {
            slot.add(due.charge.wrapping_neg());
        }
    }
}
