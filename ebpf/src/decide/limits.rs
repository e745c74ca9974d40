//! The limits of each source.

use super::Case;
use crate::abi::{Settings, action, bucket_class, family, fragments, mode};
use crate::buckets::{BucketKey, BucketMemory, Home, Sets};
use crate::limit::{Due, Outcome, charge, ticks};
use crate::packet::{Fragment, Packet, Source};
use crate::reason::Reason;
use crate::tables::{Clock, Tables};
use crate::verdict::Verdict;

#[inline(always)]
pub(super) fn judge<T: Tables, C: Clock>(case: &Case<'_, T, C>, verdict: &mut Verdict) -> Reason {
    let limits = &case.settings.source;
    if !limits.packets.is_set() && !limits.bytes.is_set() {
        return Reason::DefaultPass;
    }
    let in_bytes = Due {
        limit: &limits.bytes,
        class: bucket_class::BYTES,
        charge: limits.bytes.charge(case.packet.bytes),
        over: Reason::ByteLimit,
    };
    let in_packets = Due {
        limit: &limits.packets,
        class: bucket_class::PACKETS,
        charge: limits.packets.charge(1),
        over: Reason::PacketLimit,
    };
    // Most policies have one limit, which needs none of the care that two need.
    let outcome = if limits.bytes.is_set() {
        charge_all(case, &[in_bytes, in_packets])
    } else {
        charge_all(case, &[in_packets])
    };
    let rejected = match outcome {
        Outcome::Admitted => return Reason::WithinLimit,
        Outcome::NoRoom => return Reason::LimiterFull,
        Outcome::Over(reason) => reason,
    };
    if case.settings.modes & mode::MONITOR_LIMITS != 0 {
        verdict.monitored |= rejected.bit();
        return Reason::DefaultPass;
    }
    rejected
}

/// Charges the packet to buckets of its source.
#[inline(always)]
pub(super) fn charge_all<T: Tables, C: Clock, const N: usize>(
    case: &Case<'_, T, C>,
    dues: &[Due<'_, Reason>; N],
) -> Outcome<Reason> {
    charge(&Sets::new(case.tables.buckets(), case.home), dues, ticks(case.clock.now_ns()))
}

/// Finds out where the buckets of the packet's source lie, and starts to load them where a limit may ask for them.
#[inline(always)]
pub(super) fn home<T: Tables>(tables: &T, settings: &Settings, packet: &Packet) -> Home {
    let memory = tables.buckets();
    let home = Home::of(&bucket_key(settings, &packet.source), memory.shape());
    if may_be_limited(settings, packet) {
        home.touch(memory);
    }
    home
}

#[inline(always)]
fn may_be_limited(settings: &Settings, packet: &Packet) -> bool {
    if packet.fragment == Fragment::Later && settings.fragments == fragments::LIMIT {
        return true;
    }
    let limited = settings.source.packets.is_set() || settings.source.bytes.is_set();
    limited && settings.default_action != action::DROP
}

/// Whose buckets a source uses: its address, cut to the prefix length of the policy.
#[inline(always)]
#[must_use]
pub fn bucket_key(settings: &Settings, source: &Source) -> BucketKey {
    let address = u128::from_be_bytes(source.address);
    if source.family == family::IPV4 {
        let mask = u128::from(u32::from_be_bytes(settings.ipv4_key));
        return BucketKey { high: lower_half((address >> 96) & mask), low: 0, family: family::IPV4 };
    }
    let key = address & u128::from_be_bytes(settings.ipv6_key);
    BucketKey { high: lower_half(key >> 64), low: lower_half(key), family: source.family }
}

#[inline(always)]
const fn lower_half(bits: u128) -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "the point")]
    let half = bits as u64;
    half
}
