//! Which limits count a packet, and what they say.
//!
//! The packet's port and destination say which service it is for. The service and the source's plan say which limits count
//! it, up to [`LIMITS_PER_RULE`]: all of them, or none where one rejects it.

mod charge;
mod find;
mod key;
mod verdict;

pub use charge::Steps;
pub use find::{service as service_of, service_by_port};
pub use key::of as bucket_key;
pub use verdict::{LimitCount, RuleVerdict};

use crate::abi::service::NONE;
use crate::abi::{Rule, Settings};
use crate::packet::Packet;
use crate::tables::{Clock, Tables};

/// One packet that may be for a service.
#[derive(Clone, Copy, Debug)]
pub struct RuleCase<'a> {
    /// Its service; see [`service_of`].
    pub service: u8,
    /// The packet.
    pub packet: &'a Packet,
    /// The settings of the generation in force.
    pub settings: &'a Settings,
    /// The plan of its source.
    pub plan: u8,
    /// The country of its source.
    pub country: [u8; 2],
}

/// What the limits of the packet's service say to it.
#[inline(always)]
pub fn judge<T: Tables, C: Clock>(
    tables: &T,
    clock: &C,
    case: &RuleCase<'_>,
    steps: &mut Steps,
) -> RuleVerdict {
    let rule = tables.rule(case.settings.generation, case.service, case.plan);
    if rule == Rule::UNLIMITED {
        return if case.service == NONE { RuleVerdict::NO_SERVICE } else { RuleVerdict::UNLIMITED };
    }
    charge::charge(tables, clock, case, &rule, steps)
}

#[cfg(test)]
mod tests;
