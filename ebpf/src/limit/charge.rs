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

impl<R> Due<'_, R> {
    /// Until when its bucket may be in use once this packet is charged, and those of other CPUs that lost their races.
    #[inline(always)]
    const fn longest(&self, now: u64) -> u64 {
        self.limit.longest(now, self.charge)
    }
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

/// Charges a packet at `now`, in ticks, to all of these limits or to none. A packet that is over a limit changes no bucket.
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

/// `None`: another CPU was faster. Then nothing is left charged, though a bucket may have got its slot already.
///
/// Every place is settled again at the end of each step, or the verifier would prove the next one for each way through it.
#[inline(always)]
fn charge_once<M: BucketMemory, R: Copy, const N: usize>(
    sets: &Sets<'_, M>,
    dues: &[Due<'_, R>; N],
    now: u64,
    insist: bool,
) -> Option<Outcome<R>> {
    let (mut places, mut charged) = ([Place::NONE; N], [Place::NONE; N]);
    // All limits are asked before anything is charged. The last one is charged first, so it needs not be asked before.
    for (number, (due, place)) in dues.iter().zip(&mut places).enumerate() {
        let mut found = Place::NONE;
        if due.limit.is_set() {
            found = sets.find(due.class, now, due.longest(now));
            if number + 1 < N && is_over(sets, due, found, now) {
                return Some(Outcome::Over(due.over));
            }
        }
        *place = sets.settle(found);
    }
    match charge_places(sets, dues, &mut places, &mut charged, now, insist) {
        Ok(outcome) => Some(outcome),
        Err(over) => {
            give_back(sets, dues, &charged);
            over.map(Outcome::Over)
        }
    }
}

/// Charges the buckets that were found, then claims slots for the others. An error names the limit that the packet is over
/// by now, or none where another CPU was faster.
#[inline(always)]
fn charge_places<M: BucketMemory, R: Copy, const N: usize>(
    sets: &Sets<'_, M>,
    dues: &[Due<'_, R>; N],
    places: &mut [Place; N],
    charged: &mut [Place; N],
    now: u64,
    insist: bool,
) -> Result<Outcome<R>, Option<R>> {
    let mut missing = 0;
    for ((due, place), charged) in dues.iter().zip(&mut *places).zip(&mut *charged).rev() {
        if due.limit.is_set() {
            if place.is_some() {
                charge_bucket(sets, due, *place, now, insist)?;
            } else {
                missing += 1;
            }
        }
        *charged = sets.settle(*place);
        *place = sets.settle(*place);
    }
    if missing == 0 {
        return Ok(Outcome::Admitted);
    }
    // All buckets that were found are in use now, so none of them loses its slot to another one of this packet.
    let mut outcome = Outcome::Admitted;
    for ((due, place), charged) in dues.iter().zip(places).zip(charged).rev() {
        let mut got = *charged;
        if due.limit.is_set() && !place.is_some() {
            got = sets.find_free(now, due.longest(now));
            if !claim_bucket(sets, due, got, now)? {
                outcome = Outcome::NoRoom;
            }
        }
        *charged = sets.settle(got);
    }
    Ok(outcome)
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
fn charge_bucket<M: BucketMemory, R: Copy>(
    sets: &Sets<'_, M>,
    due: &Due<'_, R>,
    place: Place,
    now: u64,
    insist: bool,
) -> Result<(), Option<R>> {
    let slot = sets.slot(place).ok_or(None)?;
    let state = slot.state(due.class).ok_or(None)?;
    let next = due.limit.admit(state, now, due.charge).ok_or(Some(due.over))?;
    if slot.swap(state, next) {
        return Ok(());
    }
    if !insist {
        return Err(None);
    }
    slot.add(due.charge);
    Ok(())
}

/// False: no room.
#[inline(always)]
fn claim_bucket<M: BucketMemory, R: Copy>(
    sets: &Sets<'_, M>,
    due: &Due<'_, R>,
    place: Place,
    now: u64,
) -> Result<bool, Option<R>> {
    let next = due.limit.admit(0, now, due.charge).ok_or(Some(due.over))?;
    let Some(slot) = sets.slot(place) else { return Ok(false) };
    // It may have been charged since it was seen to be free.
    let state = slot.free_state(now).ok_or(None)?;
    if slot.claim(due.class, state, next) { Ok(true) } else { Err(None) }
}

/// Takes back what was charged already.
#[inline(always)]
fn give_back<M: BucketMemory, R, const N: usize>(
    sets: &Sets<'_, M>,
    dues: &[Due<'_, R>; N],
    charged: &[Place; N],
) {
    for (due, place) in dues.iter().zip(charged) {
        if let Some(slot) = sets.slot(*place) {
            slot.add(due.charge.wrapping_neg());
        }
    }
}
