//! Buckets in the kernel's LRU hash: one look-up where the source is there, and one insertion where it is not.

use xdpgate_ebpf::abi::Limit;
use xdpgate_ebpf::limit::ticks;

use crate::maps::{self, Found, Word};

/// As in the program: after so many lost races the cost is added without asking.
const MAX_ATTEMPTS: u32 = 4;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Admitted,
    Rejected,
}

/// The limits of each source.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    packets: Limit,
    bytes: Limit,
}

/// When each of a source's buckets is full again, in ticks.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Bucket {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
}

#[inline(always)]
pub(crate) fn charge_v4(source: &[u8; 4], bytes: u32) -> Outcome {
    charge(bytes, || maps::bucket_v4(source), |bucket| maps::add_bucket_v4(source, bucket))
}

/// A /64 is one source.
#[inline(always)]
pub(crate) fn charge_v6(source: &[u8; 8], bytes: u32) -> Outcome {
    charge(bytes, || maps::bucket_v6(source), |bucket| maps::add_bucket_v6(source, bucket))
}

#[inline(always)]
fn charge(bytes: u32, find: impl FnOnce() -> Option<Found>, add: impl FnOnce(Bucket)) -> Outcome {
    let Some(Rules { packets, bytes: in_bytes }) = maps::rules() else { return Outcome::Admitted };
    if !packets.is_set() && !in_bytes.is_set() {
        return Outcome::Admitted;
    }
    let found = find();
    let now = ticks(maps::monotonic_ns());
    let (packet_charge, byte_charge) = (packets.charge(1), in_bytes.charge(bytes));
    let Some(found) = found else {
        if byte_charge > in_bytes.burst && in_bytes.is_set() {
            return Outcome::Rejected;
        }
        add(Bucket { packets: now + packet_charge, bytes: now + byte_charge });
        return Outcome::Admitted;
    };
    if in_bytes.is_set() && in_bytes.admit(found.bytes().load(), now, byte_charge).is_none() {
        return Outcome::Rejected;
    }
    if packets.is_set() && !take(&found.packets(), packets, packet_charge, now) {
        return Outcome::Rejected;
    }
    if in_bytes.is_set() && !take(&found.bytes(), in_bytes, byte_charge, now) {
        found.packets().add(packet_charge.wrapping_neg());
        return Outcome::Rejected;
    }
    Outcome::Admitted
}

#[inline(always)]
fn take(word: &Word, limit: &Limit, charge: u64, now: u64) -> bool {
    let mut found = word.load();
    let mut attempt = 0;
    while attempt < MAX_ATTEMPTS {
        let Some(next) = limit.admit(found, now, charge) else { return false };
        match word.compare_exchange(found, next) {
            Ok(()) => return true,
            Err(other) => found = other,
        }
        attempt += 1;
    }
    word.add(charge);
    true
}
