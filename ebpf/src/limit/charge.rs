//! Charging buckets that other CPUs charge at the same time.

use super::Limit;
use crate::buckets::{BucketMemory, Found, Sets};

/// How often a packet looks again when other CPUs changed its buckets in between. At the last time the cost is added without
/// asking: nothing is lost from the account, and at most one packet a CPU is admitted beyond the burst.
const MAX_LOOKS: u32 = 4;

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
pub fn charge<'a, M: BucketMemory, R: Copy, const N: usize>(
    memory: &'a M,
    sets: &Sets<M::Set<'a>>,
    dues: &[Due<'_, R>; N],
    now: u64,
) -> Outcome<R> {
    // Asked first, without writing, so that a source over one limit does not keep taking from another and giving back.
    if dues.iter().filter(|due| due.limit.is_set()).count() > 1 {
        for due in dues {
            if is_over(memory, sets, due, now) {
                return Outcome::Over(due.over);
            }
        }
    }
    let mut outcome = Outcome::Admitted;
    for (index, due) in dues.iter().enumerate() {
        match take(memory, sets, due, now) {
            Taken::Charged => {}
            Taken::NoRoom => outcome = Outcome::NoRoom,
            Taken::Over => {
                // Other CPUs used it up since it was asked.
                for due in dues.iter().take(index) {
                    give_back(memory, sets, due, now);
                }
                return Outcome::Over(due.over);
            }
        }
    }
    outcome
}

/// What became of one limit.
enum Taken {
    Charged,
    Over,
    NoRoom,
}

#[inline(always)]
fn is_over<'a, M: BucketMemory, R>(memory: &'a M, sets: &Sets<M::Set<'a>>, due: &Due<'_, R>, now: u64) -> bool {
    if !due.limit.is_set() {
        return false;
    }
    let place = sets.look(memory, due.class, now);
    place.found.is_place() && due.limit.admit(place.state(), now, due.charge).is_none()
}

#[inline(always)]
fn take<'a, M: BucketMemory, R>(memory: &'a M, sets: &Sets<M::Set<'a>>, due: &Due<'_, R>, now: u64) -> Taken {
    if !due.limit.is_set() {
        return Taken::Charged;
    }
    let mut looks_left = MAX_LOOKS;
    while looks_left != 0 {
        looks_left -= 1;
        let place = sets.look(memory, due.class, now);
        if place.found as u32 == Found::Full as u32 {
            return Taken::NoRoom;
        }
        if !place.found.is_place() {
            continue;
        }
        let Some(next) = due.limit.admit(place.state(), now, due.charge) else { return Taken::Over };
        if (looks_left == 0 && place.add(due.charge)) || place.write(next) {
            return Taken::Charged;
        }
    }
    // Claims were lost each time, to as many other sources.
    Taken::NoRoom
}

#[inline(always)]
fn give_back<'a, M: BucketMemory, R>(memory: &'a M, sets: &Sets<M::Set<'a>>, due: &Due<'_, R>, now: u64) {
    if due.limit.is_set() {
        let place = sets.look(memory, due.class, now);
        let _ = place.add(due.charge.wrapping_neg());
    }
}
