//! What each source may do without a service: `[limits.source]` and `[fragments]`; and the budget of `[events]`.

use super::conditions::conditions;
use super::{choice, integer, word};
use crate::config::choice::FragmentAction;
use crate::config::entry::Entry;
use crate::config::error::Report;
use crate::config::reference::{self, Key};
use crate::config::section::Section;
use crate::config::size::parse_size;
use crate::config::{EventConfig, FragmentRule, Fragments, LimitUnit, Rate, SourceLimitConfig};

pub(super) fn source(section: &Section<'_>, report: &mut Report) -> SourceLimitConfig {
    let default = SourceLimitConfig::default();
    let packets = RateKeys {
        rate: &reference::SOURCE_PACKETS,
        burst: &reference::SOURCE_PACKETS_BURST,
        unit: LimitUnit::Packets,
    };
    let bytes = RateKeys {
        rate: &reference::SOURCE_BYTES,
        burst: &reference::SOURCE_BYTES_BURST,
        unit: LimitUnit::Bytes,
    };
    SourceLimitConfig {
        packets: packets.read(section, report),
        bytes: bytes.read(section, report),
        ipv4_prefix: integer(section, &reference::SOURCE_IPV4_PREFIX, report).unwrap_or(default.ipv4_prefix),
        ipv6_prefix: integer(section, &reference::SOURCE_IPV6_PREFIX, report).unwrap_or(default.ipv6_prefix),
        mode: choice(section, &reference::SOURCE_MODE, report).unwrap_or(default.mode),
    }
}

pub(super) fn fragments(section: &Section<'_>, report: &mut Report) -> Fragments {
    let keys = RateKeys {
        rate: &reference::FRAGMENTS_RATE,
        burst: &reference::FRAGMENTS_BURST,
        unit: LimitUnit::Packets,
    };
    let mode = choice(section, &reference::FRAGMENTS_MODE, report).unwrap_or_default();
    let rate = keys.read(section, report);
    let Some(action) = word::<FragmentAction>(section, &reference::FRAGMENTS_RULE, report) else {
        return Fragments::default();
    };
    conditions(section, &reference::FRAGMENTS_RULE, action.as_str(), report);
    let rule = match (action, rate) {
        (FragmentAction::Limit, Some(rate)) => FragmentRule::Limit(rate),
        (FragmentAction::Drop, _) => FragmentRule::Drop,
        (FragmentAction::Pass | FragmentAction::Limit, _) => FragmentRule::Pass,
    };
    Fragments { rule, mode }
}

pub(super) fn events(section: &Section<'_>, report: &mut Report) -> EventConfig {
    let default = EventConfig::default();
    let per_second = integer(section, &reference::EVENTS_PER_SECOND, report).unwrap_or(default.per_second);
    let Some(entry) = section.get(&reference::EVENTS_BURST) else {
        return EventConfig { per_second, burst: per_second };
    };
    if per_second == 0 {
        entry.refuse(
            "has no effect while events.per_second is 0",
            "remove this key, or raise per_second",
            report,
        );
    }
    EventConfig { per_second, burst: entry.integer(report).unwrap_or(default.burst) }
}

/// The two keys of one rate.
struct RateKeys {
    rate: &'static Key,
    burst: &'static Key,
    unit: LimitUnit,
}

impl RateKeys {
    fn read(&self, section: &Section<'_>, report: &mut Report) -> Option<Rate> {
        let burst = section.get(self.burst);
        let Some(entry) = section.get(self.rate) else {
            if let Some(burst) = burst {
                let needed = self.rate.path();
                burst.refuse(
                    format_args!("has no effect without {needed}"),
                    &format!("add {needed}, or remove this key"),
                    report,
                );
            }
            return None;
        };
        let rate = entry.parse_with(|text| Rate::parse(text, self.unit), report)?;
        let Some(burst) = burst else { return Some(rate) };
        let written = self.burst(&burst, report)?;
        rate.with_burst(written, self.unit).map_err(|error| report.add(burst.place(), error)).ok()
    }

    /// A burst of bytes may be written with a unit.
    fn burst(&self, entry: &Entry<'_>, report: &mut Report) -> Option<u64> {
        if self.unit == LimitUnit::Bytes && entry.as_text().is_some() {
            return entry.parse_with(parse_size, report);
        }
        entry.integer(report)
    }
}
