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
    let mut looks_left = MAX_LOOKS;
    while looks_left != 0 {
        looks_left -= 1;
        if let Some(outcome) = charge_once(memory, sets, dues, now, looks_left == 0) {
            return outcome;
        }
    }
    // Claims were lost each time, to as many other sources.
    Outcome::NoRoom
}

/// `None`: another CPU was faster. Then nothing is left charged, though a free slot may have got its owner already.
#[inline(always)]
fn charge_once<'a, M: BucketMemory, R: Copy, const N: usize>(
    memory: &'a M,
    sets: &Sets<M::Set<'a>>,
    dues: &[Due<'_, R>; N],
    now: u64,
    insist: bool,
) -> Option<Outcome<R>> {
    // Everything is read before anything is written.
    let mut changes = [(sets.none(), 0_u64); N];
    let mut outcome = Outcome::Admitted;
    for (due, (place, next)) in dues.iter().zip(&mut changes) {
        if !due.limit.is_set() {
            continue;
        }
        *place = sets.look(memory, due.class, now);
        match place.found {
            Found::Own | Found::Free => match due.limit.admit(place.state(), now, due.charge) {
                Some(state) => *next = state,
                None => return Some(Outcome::Over(due.over)),
            },
            Found::Full => outcome = Outcome::NoRoom,
            Found::Lost => return None,
        }
    }
    for (written, (due, (place, next))) in dues.iter().zip(&changes).enumerate() {
        if *next == 0 || (insist && place.add(due.charge)) || place.write(*next) {
            continue;
        }
        for (due, (place, next)) in dues.iter().zip(&changes).take(written) {
            if *next != 0 {
                place.give_back(due.charge);
            }
        }
        return None;
    }
    Some(outcome)
}
