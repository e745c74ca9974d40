//! What a generation says beside its prefixes.

use xdpgate_ebpf::abi::{
    Limit, MAX_MANAGEMENT_PORTS, MAX_UDP_SERVICES, Settings, SourceLimits, action, fragments, mode,
};

use super::access;
use super::country::CountryRules;
use super::error::{CompileError, LimitProblem};
use super::limits::{byte_limit, event_budget, packet_limit};
use super::sources::Sources;
use crate::config::{DefaultAction, FragmentRule, Mode, Rate, SourceLimitConfig};

pub(super) fn settings(
    sources: &Sources<'_>,
    country_rules: &CountryRules,
    generation: u64,
    rules: u8,
) -> Result<Settings, CompileError> {
    let config = sources.config;
    let limits = &config.source_limits;
    Ok(Settings {
        generation,
        source: source_limits(limits)?,
        events: event_budget(config.events),
        ipv4_key: key_mask4("limits.source.ipv4_prefix", limits.ipv4_prefix)?,
        reserved: [0; 4],
        ipv6_key: key_mask6("limits.source.ipv6_prefix", limits.ipv6_prefix)?,
        management_ports: ports::<MAX_MANAGEMENT_PORTS>(
            "safety.management_ports",
            &config.safety.management_ports,
        )?,
        udp_services: ports::<MAX_UDP_SERVICES>("country.udp_services", &config.udp_services.0)?,
        default_action: match config.default_action {
            DefaultAction::Pass => action::PASS,
            DefaultAction::Drop => action::DROP,
        },
        fragments: fragment_rule(config.fragments.rule),
        modes: monitor(limits.mode, mode::MONITOR_LIMITS)
            | monitor(config.fragments.mode, mode::MONITOR_FRAGMENTS),
        rules,
        spare: [0; 4],
        access: access::rows(sources, country_rules)?,
    })
}

/// The bit of a list, if there is one for it.
pub(super) fn list_bit(index: usize, count: usize) -> Result<u64, CompileError> {
    u32::try_from(index)
        .ok()
        .and_then(|index| 1_u64.checked_shl(index))
        .ok_or(CompileError::TooManyLists { count })
}

fn source_limits(limits: &SourceLimitConfig) -> Result<SourceLimits, CompileError> {
    Ok(SourceLimits {
        packets: optional("limits.source.packets", limits.packets.as_ref(), packet_limit)?,
        bytes: optional("limits.source.bytes", limits.bytes.as_ref(), byte_limit)?,
    })
}

/// Its limit, if it has one, is among the rules.
const fn fragment_rule(rule: FragmentRule) -> u8 {
    match rule {
        FragmentRule::Pass => fragments::PASS,
        FragmentRule::Drop => fragments::DROP,
        FragmentRule::Limit(_) => fragments::LIMIT,
    }
}

fn optional(
    key: &'static str,
    rate: Option<&Rate>,
    convert: impl FnOnce(&Rate) -> Result<Limit, LimitProblem>,
) -> Result<Limit, CompileError> {
    rate.map_or(Ok(Limit::NONE), convert).map_err(|problem| CompileError::Limit { key, problem })
}

const fn monitor(mode: Mode, bit: u8) -> u8 {
    match mode {
        Mode::Enforce => 0,
        Mode::Monitor => bit,
    }
}

fn key_mask4(key: &'static str, length: u8) -> Result<[u8; 4], CompileError> {
    let host = host_bits(key, length, 32)?;
    Ok(u32::MAX.checked_shl(host).unwrap_or(0).to_be_bytes())
}

fn key_mask6(key: &'static str, length: u8) -> Result<[u8; 16], CompileError> {
    let host = host_bits(key, length, 128)?;
    Ok(u128::MAX.checked_shl(host).unwrap_or(0).to_be_bytes())
}

fn host_bits(key: &'static str, length: u8, most: u8) -> Result<u32, CompileError> {
    most.checked_sub(length).map(u32::from).ok_or(CompileError::PrefixLength { key, length, most })
}

fn ports<const MOST: usize>(key: &'static str, ports: &[u16]) -> Result<[[u8; 2]; MOST], CompileError> {
    let mut table = [[0; 2]; MOST];
    if ports.len() > MOST {
        return Err(CompileError::TooManyPorts { key, count: ports.len(), most: MOST });
    }
    for (slot, port) in table.iter_mut().zip(ports) {
        *slot = port.to_be_bytes();
    }
    Ok(table)
}
