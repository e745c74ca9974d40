//! Services, plans and limits as the data path reads them: see [`xdpgate_ebpf::rules`].

mod destinations;
mod numbers;
mod ports;
mod row;
mod services;
mod table;

pub use numbers::{LimitNumbers, LimitUse};
pub use table::RuleTables;

use xdpgate_ebpf::abi::rules;

use self::table::Builder;
use super::error::CompileError;
use super::sources::Sources;
use crate::config::FragmentRule;

/// Compiles the rules of a policy, and the bits of [`rules`] that say which there are.
pub(super) fn compile(sources: &Sources<'_>) -> Result<(RuleTables, u8), CompileError> {
    let config = sources.config;
    let mut builder = Builder::new(sources.numbers);
    let mut bits = 0;
    if config.source_limits.packets.is_some() && config.source_limits.bytes.is_some() {
        builder.source_limits(&config.source_limits)?;
        bits |= rules::SOURCE;
    }
    if let FragmentRule::Limit(rate) = config.fragments.rule {
        builder.fragments(&rate, config.fragments.mode, &config.source_limits)?;
    }
    if !config.services.is_empty() {
        bits |= rules::SERVICES;
        if config.services.iter().any(|service| !service.destinations.is_empty()) {
            bits |= rules::DESTINATIONS;
        }
        builder.services(config)?;
    }
    Ok((builder.finish(), bits))
}

#[cfg(test)]
mod tests;
