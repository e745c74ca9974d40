//! What a policy takes of the kernel's tables.

use xdpgate_ebpf::abi::{MAX_ATTRIBUTE_SETS, MAX_LIMITS, MAX_PLANS, Rule, limit_key, service};

use crate::api::types::{NowAndThen, TableChanges};
use crate::policy::{FamilySize, Image, PrefixSize};

/// Both policies, each with the size of its prefix tables.
pub(super) fn changes(
    before: (&Image, PrefixSize),
    after: (&Image, PrefixSize),
    ranges: u32,
    (limiter_slots, limiter_bytes): (u64, u64),
) -> TableChanges {
    let pair = |most: u64, count: fn(&Image, &PrefixSize) -> u64| NowAndThen {
        now: count(before.0, &before.1),
        then: count(after.0, &after.1),
        most,
    };
    TableChanges {
        prefix_bytes: pair(0, |_, size| bytes(&size.ipv4) + bytes(&size.ipv6)),
        ipv4_ranges: pair(ranges.into(), |_, size| size.ipv4.segments as u64),
        ipv6_ranges: pair(ranges.into(), |_, size| size.ipv6.segments as u64),
        attribute_sets: pair(MAX_ATTRIBUTE_SETS.into(), |image, _| image.attributes.len() as u64),
        limits: pair(MAX_LIMITS.into(), |image, _| image.rules.limits.len() as u64),
        slots_per_source: pair(0, |image, _| slots_per_source(image)),
        limiter_slots,
        limiter_bytes,
    }
}

const fn bytes(size: &FamilySize) -> u64 {
    size.bytes() as u64
}

/// A source that uses every service has a bucket of its own for each limit that tells sources apart, in the plan that
/// takes most.
fn slots_per_source(image: &Image) -> u64 {
    let rules = &image.rules;
    let alone = |rule: Rule| {
        let limits = rule.limits.iter().filter_map(|number| rules.limits.get(number));
        limits.filter(|row| row.key == limit_key::ADDRESS).count() as u64
    };
    let numbers = || (service::NONE..service::FRAGMENTS).chain([service::FRAGMENTS]);
    let of_plan = |plan| numbers().map(|number| alone(rules.rule(number, plan))).sum::<u64>();
    let plans = (0..MAX_PLANS).filter_map(|plan| u8::try_from(plan).ok());
    let of_rules = plans.map(of_plan).max().unwrap_or(0);
    // One limit of each source has no rule.
    let source = &image.settings.source;
    let without_rule =
        rules.rule(service::NONE, 0) == Rule::UNLIMITED && (source.packets.is_set() || source.bytes.is_set());
    of_rules + u64::from(without_rule)
}
