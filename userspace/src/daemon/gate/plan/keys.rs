//! What a policy says, rule by rule and key by key, in words: so that two policies can be compared.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;

use jiff::Timestamp;

use crate::api::types::{ChangeKind, GeoRule, KeyChange, Origin, RuleChange};
use crate::config::{
    Amount, Config, FragmentRule, LimitConfig, LimitKey, LimitUnit, ListUse, Located, OnExceed, PortRange,
    Rate, ServiceConfig, display_duration,
};
use crate::daemon::Inputs;

/// Rules by name, and what each of their keys says.
pub(super) type Keys = BTreeMap<String, BTreeMap<String, String>>;

/// The rules of a policy that is or could be in force.
pub(super) fn keys(inputs: &Inputs) -> Keys {
    let config = inputs.config_in_force();
    let mut keys = Keys::new();
    let mut say = |rule: &str, key: &str, value: String| {
        keys.entry(rule.to_owned()).or_default().insert(key.to_owned(), value);
    };
    say("policy", "default_action", config.default_action.to_string());
    say("safety", "management_ports", listed(&config.safety.management_ports));
    say("safety", "management_prefixes", listed(config.safety.management_prefixes.iter().map(|p| p.value)));
    say("events", "per_second", config.events.per_second.to_string());
    say("events", "burst", config.events.burst.to_string());
    say("fragments", "action", config.fragments.rule.action().to_string());
    if let FragmentRule::Limit(limit) = config.fragments.rule {
        say("fragments", "rate", rate(limit, LimitUnit::Packets));
    }
    say("fragments", "mode", config.fragments.mode.to_string());
    for entry in &config.allow {
        say(&format!("allow {}", entry.value), "by", Origin::Policy.as_str().to_owned());
    }
    for entry in inputs.allow.iter() {
        say(&format!("allow {}", entry.prefix), "by", Origin::Operator.as_str().to_owned());
    }
    for (list, source) in inputs.lists.iter().zip(inputs.list_sources.iter()) {
        let rule = format!("list {}", list.name);
        say(&rule, source.from.kind(), source.from.to_string());
        if let Some(written) = config.lists.iter().find(|written| written.name == list.name) {
            say(&rule, "applies", written.applies.to_string());
        }
        say(&rule, "mode", inputs.mode(list.name.as_str(), list.mode).to_string());
        say(&rule, "entries", list.entries.to_string());
        if let Some(every) = source.every {
            say(&rule, "every", display_duration(every).to_string());
        }
        if let Some(format) = source.reading.format {
            say(&rule, "format", format.to_string());
        }
        if !source.except.is_empty() {
            say(&rule, "except", listed(&source.except));
        }
        if let Some(label) = &source.label {
            say(&rule, "label", label.to_string());
        }
    }
    if let Some(geo) = &inputs.geo {
        let info = geo.info();
        database("geo database", &info.path, info.name, info.built, &mut say);
    }
    if let Some(asn) = &inputs.asn {
        let info = asn.info();
        database("asn database", &info.path, info.name, info.built, &mut say);
    }
    say("country", "rule", GeoRule::from(&config.country).summary());
    say("country", "udp_services", listed(&config.udp_services.0));
    say("bans", "lengthen", config.bans.lengthen.to_string());
    say("bans", "longest", display_duration(config.bans.longest).to_string());
    say("bans", "forget", display_duration(config.bans.forget).to_string());
    source_limits(&config, &mut say);
    config.services.iter().for_each(|one| service(one, &mut say));
    for (plan, loaded) in config.plans.iter().zip(inputs.plans.iter()) {
        let rule = format!("plan {}", plan.name);
        say(&rule, "prefixes", loaded.prefixes.len().to_string());
        if let Some(path) = &plan.path {
            say(&rule, "path", path.display().to_string());
        }
    }
    config.limits.iter().for_each(|one| limit(one, &mut say));
    keys
}

/// What differs between two policies.
pub(super) fn changes(before: &Keys, after: &Keys) -> Vec<RuleChange> {
    let nothing = BTreeMap::new();
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let changed = names.into_iter().filter_map(|rule| {
        let (old, new) = (before.get(rule), after.get(rule));
        let change = match (old, new) {
            (None, _) => ChangeKind::Added,
            (_, None) => ChangeKind::Removed,
            _ => ChangeKind::Changed,
        };
        let keys = key_changes(old.unwrap_or(&nothing), new.unwrap_or(&nothing));
        (!keys.is_empty()).then(|| RuleChange { rule: rule.clone(), change, keys })
    });
    changed.collect()
}

fn key_changes(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Vec<KeyChange> {
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let changed = names.into_iter().filter(|key| old.get(*key) != new.get(*key));
    let change =
        |key: &String| KeyChange { key: key.clone(), from: old.get(key).cloned(), to: new.get(key).cloned() };
    changed.map(change).collect()
}

fn source_limits(config: &Config, say: &mut impl FnMut(&str, &str, String)) {
    const RULE: &str = "limits.source";
    let limits = &config.source_limits;
    if let Some(packets) = limits.packets {
        say(RULE, "packets", rate(packets, LimitUnit::Packets));
    }
    if let Some(bytes) = limits.bytes {
        say(RULE, "bytes", rate(bytes, LimitUnit::Bytes));
    }
    say(RULE, "ipv4_prefix", limits.ipv4_prefix.to_string());
    say(RULE, "ipv6_prefix", limits.ipv6_prefix.to_string());
    say(RULE, "mode", limits.mode.to_string());
}

fn service(service: &ServiceConfig, say: &mut impl FnMut(&str, &str, String)) {
    let rule = format!("service {}", service.name);
    say(&rule, "protocol", service.protocol.to_string());
    if !service.ports.is_empty() {
        say(&rule, "ports", listed(service.ports.iter().map(PortRange::to_string)));
    }
    if !service.destinations.is_empty() {
        say(&rule, "destinations", listed(service.destinations.iter().map(|Located { value, .. }| value)));
    }
    say(&rule, "limits", limits(&service.limits));
    for given in &service.plans {
        say(&rule, &format!("limits of plan {}", given.plan), limits(&given.limits));
    }
    if let Some(country) = &service.country {
        say(&rule, "country", GeoRule::from(country).summary());
    }
    for (key, meant) in
        [("lists.deny", ListUse::Deny), ("lists.monitor", ListUse::Monitor), ("lists.skip", ListUse::Skip)]
    {
        let mut named =
            service.lists.iter().filter(|(_, used)| **used == meant).map(|(name, _)| name).peekable();
        if named.peek().is_some() {
            say(&rule, key, listed(named));
        }
    }
}

fn database(
    rule: &str,
    path: &Path,
    name: String,
    built: Option<Timestamp>,
    say: &mut impl FnMut(&str, &str, String),
) {
    say(rule, "path", path.display().to_string());
    say(rule, "name", name);
    if let Some(built) = built {
        say(rule, "built", built.to_string());
    }
}

fn limit(limit: &LimitConfig, say: &mut impl FnMut(&str, &str, String)) {
    let rule = format!("limit {}", limit.name);
    say(&rule, "algorithm", limit.algorithm.to_string());
    say(&rule, "unit", limit.unit.to_string());
    let amount = match limit.amount {
        Amount::Rate(amount) => rate(amount, limit.unit),
        Amount::Window { count, window } => format!("{count} in {}", display_duration(window)),
    };
    say(&rule, "amount", amount);
    let key = match limit.key {
        LimitKey::Prefix { ipv4, ipv6 } => format!("prefix of {ipv4} bits (IPv4), {ipv6} bits (IPv6)"),
        LimitKey::Source | LimitKey::Country | LimitKey::Service => limit.key.kind().to_string(),
    };
    say(&rule, "key", key);
    let on_exceed = match limit.on_exceed {
        OnExceed::Ban { first, longest } => {
            format!("ban for {}, at most {}", display_duration(first), display_duration(longest))
        }
        OnExceed::Drop | OnExceed::Monitor => limit.on_exceed.action().to_string(),
    };
    say(&rule, "on_exceed", on_exceed);
    say(&rule, "mode", limit.mode().to_string());
}

fn rate(rate: Rate, unit: LimitUnit) -> String {
    format!("{}, burst {}", rate.display(unit), rate.burst)
}

fn limits(names: &[crate::config::Name]) -> String {
    if names.is_empty() { "none".to_owned() } else { listed(names) }
}

fn listed<T: Display>(values: impl IntoIterator<Item = T>) -> String {
    let words: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(policy: &str) -> Keys {
        keys(&Inputs::load(crate::config::parse(policy, Path::new("policy.toml")).unwrap(), None).unwrap())
    }

    const SERVICE: &str =
        "[[service]]\nname = \"web\"\nprotocol = \"tcp\"\nports = [443]\nlimits = [\"each\"]\n";

    fn policy(rate: &str) -> String {
        format!("{SERVICE}[[limit]]\nname = \"each\"\nrate = \"{rate}\"\n")
    }

    #[test]
    fn the_same_policy_changes_nothing() {
        assert!(changes(&said(&policy("10 packets/s")), &said(&policy("10 packets/s"))).is_empty());
    }

    #[test]
    fn a_rule_that_comes_or_goes_is_one_change() {
        let (without, with) = (said(""), said(&policy("10 packets/s")));
        let rules = |changes: Vec<RuleChange>| -> Vec<_> {
            changes.into_iter().map(|change| (change.rule, change.change)).collect()
        };
        let named = ["limit each", "service web"].map(str::to_owned);
        assert_eq!(rules(changes(&without, &with)), named.clone().map(|rule| (rule, ChangeKind::Added)));
        assert_eq!(rules(changes(&with, &without)), named.map(|rule| (rule, ChangeKind::Removed)));
    }

    #[test]
    fn only_the_keys_that_differ_are_named() {
        let changes = changes(&said(&policy("10 packets/s")), &said(&policy("20 packets/s")));
        assert_eq!(changes.len(), 1, "{changes:?}");
        assert_eq!((changes[0].rule.as_str(), changes[0].change), ("limit each", ChangeKind::Changed));
        assert_eq!(changes[0].keys.len(), 1, "{changes:?}");
        let KeyChange { key, from, to } = &changes[0].keys[0];
        assert_eq!(key, "amount");
        assert!(from.as_deref().is_some_and(|from| from.starts_with("10")), "{from:?}");
        assert!(to.as_deref().is_some_and(|to| to.starts_with("20")), "{to:?}");
    }
}
