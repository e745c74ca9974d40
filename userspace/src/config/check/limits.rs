//! `[[limit]]`.

use std::time::Duration;

use super::conditions::{conditions, require};
use super::{choice, integer, names, word};
use crate::config::amount::{parse_amount, written};
use crate::config::entry::Entry;
use crate::config::error::Report;
use crate::config::reference::{self, Key};
use crate::config::section::Section;
use crate::config::{
    Algorithm, Amount, ExceedAction, LimitConfig, LimitKey, LimitKeyKind, LimitUnit, Name, OnExceed, Rate,
    display_duration, most_in_window, shortest_window,
};
use crate::thousands::grouped;

const IPV4_PREFIX: u8 = 24;
const IPV6_PREFIX: u8 = 48;
const FIRST_BAN: Duration = Duration::from_mins(10);
const LONGEST_BAN: Duration = Duration::from_hours(24);

/// `has_database`: whether the policy names a geo database, be it rightly or not.
pub(super) fn limits(sections: &[Section<'_>], has_database: bool, report: &mut Report) -> Vec<LimitConfig> {
    names::at_most(sections, "limit", "remove some", report);
    sections.iter().filter_map(|section| limit(section, has_database, report)).collect()
}

fn limit(section: &Section<'_>, has_database: bool, report: &mut Report) -> Option<LimitConfig> {
    require(section, &reference::LIMIT_NAME, report);
    let name = section.get(&reference::LIMIT_NAME).and_then(|entry| entry.parse::<Name>(report));
    let amount = amount(section, report);
    let key = key(section, has_database, report);
    let on_exceed = on_exceed(section, key, report);
    let mode = choice(section, &reference::LIMIT_MODE, report).unwrap_or_default();
    let (unit, amount, algorithm) = amount?;
    let (name, key, on_exceed) = (name?, key?, on_exceed?);
    Some(LimitConfig { name, algorithm, unit, amount, key, on_exceed, mode, line: section.line() })
}

fn amount(section: &Section<'_>, report: &mut Report) -> Option<(LimitUnit, Amount, Algorithm)> {
    let algorithm: Algorithm = word(section, &reference::LIMIT_ALGORITHM, report)?;
    conditions(section, &reference::LIMIT_ALGORITHM, algorithm.as_str(), report);
    let (unit, amount) = match algorithm {
        Algorithm::TokenBucket => bucket(section, &reference::LIMIT_BURST, None, report)?,
        Algorithm::LeakyBucket => {
            bucket(section, &reference::LIMIT_DEPTH, Some(LimitUnit::least_burst), report)?
        }
        Algorithm::FixedWindow | Algorithm::SlidingWindow => window(section, algorithm, report)?,
    };
    Some((unit, amount, algorithm))
}

/// `default`: what may come at once where no key says it, if not what the rate has by itself.
fn bucket(
    section: &Section<'_>,
    at_once: &'static Key,
    default: Option<fn(LimitUnit) -> u64>,
    report: &mut Report,
) -> Option<(LimitUnit, Amount)> {
    let rate =
        section.get(&reference::LIMIT_RATE).and_then(|entry| entry.parse_with(Rate::parse_any, report));
    let Some(entry) = section.get(at_once) else {
        let (unit, rate) = rate?;
        let burst = default.map_or(rate.burst, |least| least(unit));
        return Some((unit, Amount::Rate(Rate { burst, ..rate })));
    };
    let burst = units(&entry, rate.map(|(unit, _)| unit), report);
    let ((unit, rate), burst) = (rate?, burst?);
    let rate = rate.with_burst(burst, unit).map_err(|error| report.add(entry.place(), error)).ok()?;
    Some((unit, Amount::Rate(rate)))
}

/// What may come at once: a number of the rate's units, or a text that says the same unit.
fn units(entry: &Entry<'_>, unit: Option<LimitUnit>, report: &mut Report) -> Option<u64> {
    if entry.as_text().is_none() {
        return entry.integer(report);
    }
    let (written, amount) = entry.parse_with(parse_amount, report)?;
    if let Some(unit) = unit
        && written != unit
    {
        let what = format_args!("counts {written}, and the rate counts {unit}");
        entry.refuse(what, "write both in the same unit", report);
        return None;
    }
    Some(amount)
}

fn window(section: &Section<'_>, algorithm: Algorithm, report: &mut Report) -> Option<(LimitUnit, Amount)> {
    let count_entry = section.get(&reference::LIMIT_COUNT);
    let counted = count_entry.as_ref().and_then(|entry| entry.parse_with(parse_amount, report));
    let window_entry = section.get(&reference::LIMIT_WINDOW);
    let window = window_entry.as_ref().and_then(|entry| entry.duration(report));
    let ((unit, count), window) = (counted?, window?);
    let (least, most) = (unit.least_burst(), most_in_window(algorithm, unit, window)?);
    let (count_entry, window_entry) = (count_entry?, window_entry?);
    if most < least {
        let nearest = display_duration(shortest_window(algorithm, unit)?);
        let what = format!("`{}` is too short to count {unit}", window_entry.as_text()?);
        let allowed = format!("allowed: {nearest} to 1 day with algorithm = \"{algorithm}\"");
        report.add(window_entry.place(), format!("{what}; {allowed}; the nearest is `{nearest}`"));
        return None;
    }
    if !(least..=most).contains(&count) {
        let size = if count < least { "small" } else { "large" };
        let what = format!("`{}` is too {size}", count_entry.as_text()?);
        let in_window = format!("{unit} in {}", display_duration(window));
        let allowed = format!("allowed: {} to {} {in_window}", grouped(least), grouped(most));
        let nearest = written(unit, count.clamp(least, most));
        report.add(count_entry.place(), format!("{what}; {allowed}; the nearest is `{nearest}`"));
        return None;
    }
    Some((unit, Amount::Window { count, window }))
}

fn key(section: &Section<'_>, has_database: bool, report: &mut Report) -> Option<LimitKey> {
    let kind: LimitKeyKind = word(section, &reference::LIMIT_KEY, report)?;
    conditions(section, &reference::LIMIT_KEY, kind.as_str(), report);
    let ipv4 = integer(section, &reference::LIMIT_IPV4_PREFIX, report).unwrap_or(IPV4_PREFIX);
    let ipv6 = integer(section, &reference::LIMIT_IPV6_PREFIX, report).unwrap_or(IPV6_PREFIX);
    if kind == LimitKeyKind::Country && !has_database {
        let way_out = "add [geo] with database = \"FILE\", or choose another key";
        let message = format!("needs a geo database; allowed: only with geo.database; {way_out}");
        report.add(section.get(&reference::LIMIT_KEY)?.place(), message);
    }
    Some(match kind {
        LimitKeyKind::Source => LimitKey::Source,
        LimitKeyKind::Prefix => LimitKey::Prefix { ipv4, ipv6 },
        LimitKeyKind::Country => LimitKey::Country,
        LimitKeyKind::Service => LimitKey::Service,
    })
}

fn on_exceed(section: &Section<'_>, key: Option<LimitKey>, report: &mut Report) -> Option<OnExceed> {
    let action: ExceedAction = word(section, &reference::LIMIT_EXCEED, report)?;
    conditions(section, &reference::LIMIT_EXCEED, action.as_str(), report);
    match action {
        ExceedAction::Drop => Some(OnExceed::Drop),
        ExceedAction::Monitor => Some(OnExceed::Monitor),
        ExceedAction::Ban => {
            if let (Some(key @ (LimitKey::Country | LimitKey::Service)), Some(entry)) =
                (key, section.get(&reference::LIMIT_EXCEED))
            {
                let what = format!("there is no address to ban with key = \"{}\"", key.kind());
                let allowed = "allowed: \"ban\" only with key = \"source\" or \"prefix\"";
                report.add(entry.place(), format!("{what}; {allowed}; write \"drop\", or another key"));
            }
            ban(section, report)
        }
    }
}

fn ban(section: &Section<'_>, report: &mut Report) -> Option<OnExceed> {
    let first = match section.get(&reference::LIMIT_BAN) {
        Some(entry) => entry.duration(report)?,
        None => FIRST_BAN,
    };
    let Some(entry) = section.get(&reference::LIMIT_BAN_LONGEST) else {
        return Some(OnExceed::Ban { first, longest: LONGEST_BAN.max(first) });
    };
    let longest = entry.duration(report)?;
    if longest < first {
        let (first, longest) = (display_duration(first), display_duration(longest));
        let what = format!("`{longest}` is shorter than the first ban, which takes {first}");
        entry.refuse(what, &format!("write at least `{first}`, or a shorter ban"), report);
    }
    Some(OnExceed::Ban { first, longest })
}
