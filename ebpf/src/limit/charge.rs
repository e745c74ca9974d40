//! Charging a bucket that other CPUs charge at the same time.

use super::{Limit, ticks};
use crate::abi::SourceLimits;

/// How often a charge is retried when another CPU changed the word in between. After that the cost is added without
/// asking: nothing is lost from the account, and at most one packet a CPU is admitted beyond the burst.
const MAX_ATTEMPTS: u32 = 4;

/// One 64-bit word that several CPUs change.
pub trait Cell {
    /// Reads it.
    fn load(&self) -> u64;
    /// Stores `new` if it still holds `current`.
    ///
    /// # Errors
    /// The value that it holds instead.
    fn compare_exchange(&self, current: u64, new: u64) -> Result<(), u64>;
    /// Adds, wrapping.
    fn add(&self, amount: u64);
}

/// The rate state of one source.
pub trait Bucket {
    /// One word of it.
    type Cell: Cell;
    /// The word of the packet limit.
    fn packets(&self) -> Self::Cell;
    /// The word of the byte limit.
    fn bytes(&self) -> Self::Cell;
}

/// What the limits of a source say to one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Within all limits, and charged.
    Admitted,
    /// Over the packet limit; charged to none.
    OverPackets,
    /// Over the byte limit; charged to none.
    OverBytes,
}

/// Charges one packet of `bytes` to both limits of a source, or to none.
#[inline(always)]
pub fn charge_source<B: Bucket>(bucket: &B, limits: &SourceLimits, bytes: u32, now_ns: u64) -> Outcome {
    let now = ticks(now_ns);
    let byte_charge = limits.bytes.charge(bytes);
    let byte_cell = bucket.bytes();
    // Asked first, without writing, so that a source over its byte limit does not keep taking and giving back packets.
    if limits.bytes.is_set() && limits.bytes.admit(byte_cell.load(), now, byte_charge).is_none() {
        return Outcome::OverBytes;
    }

    let packet_charge = limits.packets.charge(1);
    let packet_cell = bucket.packets();
    if limits.packets.is_set() && !take(&packet_cell, &limits.packets, packet_charge, now) {
        return Outcome::OverPackets;
    }
    if limits.bytes.is_set() && !take(&byte_cell, &limits.bytes, byte_charge, now) {
        // Another CPU used up the bytes since they were asked.
        if limits.packets.is_set() {
            packet_cell.add(packet_charge.wrapping_neg());
        }
        return Outcome::OverBytes;
    }
    Outcome::Admitted
}

/// Takes `charge` from the bucket at `now`, both in ticks. False: over the limit, and nothing was written.
#[inline(always)]
pub fn take<C: Cell>(cell: &C, limit: &Limit, charge: u64, now: u64) -> bool {
    let mut word = cell.load();
    let mut attempt = 0;
    while attempt < MAX_ATTEMPTS {
        let Some(next) = limit.admit(word, now, charge) else { return false };
        match cell.compare_exchange(word, next) {
            Ok(()) => return true,
            Err(found) => word = found,
        }
        attempt += 1;
    }
    cell.add(charge);
    true
}
