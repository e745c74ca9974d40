//! One limit in the kernel's terms.

use xdpgate_ebpf::abi::{LimitRow, limit_flag, limit_key, limit_unit};

use crate::config::{Amount, LimitConfig, LimitKey, LimitUnit, Mode, OnExceed, Rate, SourceLimitConfig};
use crate::policy::error::LimitProblem;
use crate::policy::limits::{byte_limit, packet_limit};
use crate::policy::meter;

pub(super) fn of_limit(
    limit: &LimitConfig,
    class: u16,
    source: &SourceLimitConfig,
) -> Result<LimitRow, LimitProblem> {
    let meter = match limit.amount {
        Amount::Rate(rate) => meter::bucket(&rate, limit.unit)?,
        Amount::Window { count, window } => meter::window(limit.algorithm, count, window, limit.unit)?,
    };
    let (key, ipv4, ipv6) = match limit.key {
        LimitKey::Source => (limit_key::ADDRESS, source.ipv4_prefix, source.ipv6_prefix),
        LimitKey::Prefix { ipv4, ipv6 } => (limit_key::ADDRESS, ipv4, ipv6),
        LimitKey::Country => (limit_key::COUNTRY, 0, 0),
        LimitKey::Service => (limit_key::SERVICE, 0, 0),
    };
    let unit = match limit.unit {
        LimitUnit::Packets => limit_unit::PACKETS,
        LimitUnit::Bytes => limit_unit::BYTES,
        LimitUnit::Connections => limit_unit::CONNECTIONS,
    };
    let flags = match (limit.mode(), limit.on_exceed) {
        (Mode::Monitor, _) => limit_flag::MONITOR,
        (Mode::Enforce, OnExceed::Ban { .. }) => limit_flag::BAN,
        (Mode::Enforce, OnExceed::Drop | OnExceed::Monitor) => 0,
    };
    let (ipv4_key, ipv6_key) = masks(ipv4, ipv6);
    Ok(LimitRow { meter, ipv6_key, ipv4_key, class, unit, key, flags, spare: [0; 7] })
}

/// A limit of each source beside those of services.
pub(super) fn of_source(
    rate: &Rate,
    unit: u8,
    class: u64,
    mode: Mode,
    source: &SourceLimitConfig,
) -> Result<LimitRow, LimitProblem> {
    let limit = if unit == limit_unit::BYTES { byte_limit(rate)? } else { packet_limit(rate)? };
    let (ipv4_key, ipv6_key) = masks(source.ipv4_prefix, source.ipv6_prefix);
    #[expect(clippy::cast_possible_truncation, reason = "a handful")]
    let class = class as u16;
    let flags = if mode == Mode::Monitor { limit_flag::MONITOR } else { 0 };
    let meter = xdpgate_ebpf::abi::Meter::bucket(limit);
    Ok(LimitRow { meter, ipv6_key, ipv4_key, class, unit, key: limit_key::ADDRESS, flags, spare: [0; 7] })
}

/// The upper bits of an IPv4 address, and of the first half of an IPv6 address.
pub(super) fn masks(ipv4: u8, ipv6: u8) -> ([u8; 4], [u8; 8]) {
    let ipv4 = u32::MAX.checked_shl(32_u32.saturating_sub(ipv4.into())).unwrap_or(0);
    let ipv6 = u64::MAX.checked_shl(64_u32.saturating_sub(ipv6.into())).unwrap_or(0);
    (ipv4.to_be_bytes(), ipv6.to_be_bytes())
}
