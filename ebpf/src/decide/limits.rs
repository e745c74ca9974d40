//! The limits of the packet's service, or those of each source.

use super::Case;
use crate::abi::{ServiceRow, Settings, action, bucket_class, family, fragments, mode, service};
use crate::buckets::{BucketKey, BucketMemory, Home, Sets};
use crate::limit::{Due, Outcome, charge, ticks};
use crate::packet::{Fragment, Packet, Source};
use crate::reason::Reason;
use crate::rules::RuleCase;
use crate::tables::{Clock, Tables};
use crate::verdict::Verdict;

#[inline(always)]
pub(super) fn judge<T: Tables, C: Clock>(case: &Case<'_, T, C>, verdict: &mut Verdict) -> Reason {
    if case.settings.rules != 0
        && let Some(reason) = judge_service(case, case.service, verdict)
    {
        return reason;
    }
    judge_source(case, verdict)
}

/// What the limits of a service say. `None`: it is none, and has none.
#[inline(always)]
pub(super) fn judge_service<T: Tables, C: Clock>(
    case: &Case<'_, T, C>,
    service: u8,
    verdict: &mut Verdict,
) -> Option<Reason> {
    let Case { settings, packet, attributes, .. } = *case;
    let rules = RuleCase { service, packet, settings, plan: attributes.plan, country: attributes.country };
    let said = case.tables.judge_rules(case.clock, &rules);
    verdict.limit = said.limit();
    verdict.ban = said.asks_for_ban();
    verdict.monitored |= said.monitored();
    said.reason()
}

/// The one limit of the packet's source: most policies have no more, so it costs no more than it must.
#[inline(always)]
fn judge_source<T: Tables, C: Clock>(case: &Case<'_, T, C>, verdict: &mut Verdict) -> Reason {
    let limits = &case.settings.source;
    let in_bytes = limits.bytes.is_set();
    let limit = if in_bytes { &limits.bytes } else { &limits.packets };
    if !limit.is_set() {
        return Reason::DefaultPass;
    }
    let (class, units, over) = if in_bytes {
        (bucket_class::BYTES, case.packet.bytes, Reason::ByteLimit)
    } else {
        (bucket_class::PACKETS, 1, Reason::PacketLimit)
    };
    let due = Due { limit, class, charge: limit.charge(units), over };
    let sets = Sets::new(case.tables.buckets(), case.home);
    let rejected = match charge(&sets, &[due], ticks(case.clock.now_ns())) {
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

/// Finds out where the buckets of the packet's source lie, and starts to load them where a limit may ask for them.
#[inline(always)]
pub(super) fn home<T: Tables>(tables: &T, settings: &Settings, service: u8, packet: &Packet) -> Home {
    let memory = tables.buckets();
    let mut key = bucket_key(settings, &packet.source);
    if service != service::NONE {
        let row = tables.service_row(settings.generation, service);
        key.salt = row.salt;
        touch_wider(memory, &row, packet);
    }
    let home = Home::of(&key, memory.shape());
    if may_be_limited(settings, packet) {
        home.touch(memory);
    }
    home
}

/// Starts to load the bucket of the source's network, or whatever its service counts together beside single sources. It is
/// asked last, and would be the one thing to wait for.
#[inline(always)]
fn touch_wider<M: BucketMemory>(memory: &M, row: &ServiceRow, packet: &Packet) {
    let (ipv4, ipv6) = (u32::from_be_bytes(row.ipv4_key), u64::from_be_bytes(row.ipv6_key));
    if ipv4 | lower_word(ipv6 | ipv6 >> 32) == 0 {
        return;
    }
    let first = lower_half(u128::from_be_bytes(packet.source.address) >> 64);
    let (high, family) = if packet.source.family == family::IPV4 {
        (first >> 32 & u64::from(ipv4), family::IPV4)
    } else {
        (first & ipv6, family::IPV6)
    };
    Home::of(&BucketKey { high, low: 0, salt: row.salt, family }, memory.shape()).touch(memory);
}

#[inline(always)]
fn may_be_limited(settings: &Settings, packet: &Packet) -> bool {
    if packet.fragment == Fragment::Later && settings.fragments == fragments::LIMIT {
        return true;
    }
    let limited = settings.source.packets.is_set() || settings.source.bytes.is_set() || settings.rules != 0;
    limited && settings.default_action != action::DROP
}

/// Whose buckets a source uses: its address, cut to the prefix length of the policy.
#[inline(always)]
#[must_use]
pub fn bucket_key(settings: &Settings, source: &Source) -> BucketKey {
    let address = u128::from_be_bytes(source.address);
    if source.family == family::IPV4 {
        let mask = u128::from(u32::from_be_bytes(settings.ipv4_key));
        return BucketKey { high: lower_half((address >> 96) & mask), low: 0, salt: 0, family: family::IPV4 };
    }
    let key = address & u128::from_be_bytes(settings.ipv6_key);
    BucketKey { high: lower_half(key >> 64), low: lower_half(key), salt: 0, family: source.family }
}

#[inline(always)]
const fn lower_word(bits: u64) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "the point")]
    let word = bits as u32;
    word
}

#[inline(always)]
const fn lower_half(bits: u128) -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "the point")]
    let half = bits as u64;
    half
}
