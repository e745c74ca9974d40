//! Modes that operators set, laid over those that were written.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Inputs;
use crate::api::types::ModeSet;
use crate::config::{Config, LimitConfig, Mode, Name, OnExceed};
use crate::policy::LoadedList;

/// The rule on countries.
pub(in crate::daemon) const COUNTRY: &str = "country";
/// The rule on later fragments.
pub(in crate::daemon) const FRAGMENTS: &str = "fragments";
/// The limits of each source.
pub(in crate::daemon) const SOURCE_LIMITS: &str = "source-limits";

impl Inputs {
    /// The mode in force of the rule of this name, which was written with that mode.
    pub(in crate::daemon) fn mode(&self, name: &str, written: Mode) -> Mode {
        self.modes.iter().find(|(set, _)| set.as_str() == name).map_or(written, |(_, mode)| *mode)
    }

    /// What the policy says, with what operators changed.
    pub(in crate::daemon) fn config_in_force(&self) -> Config {
        let mut config = Config { country: self.country_rule(), ..(*self.config).clone() };
        for service in &mut config.services {
            service.country = self.service_country_rule(service);
        }
        config.fragments.mode = self.mode(FRAGMENTS, config.fragments.mode);
        config.source_limits.mode = self.mode(SOURCE_LIMITS, config.source_limits.mode);
        for limit in &mut config.limits {
            limit.mode = self.mode(limit.name.as_str(), written_mode(limit));
            if limit.mode == Mode::Enforce && limit.on_exceed == OnExceed::Monitor {
                // An operator wants it to act, and it does not say how.
                limit.on_exceed = OnExceed::Drop;
            }
        }
        config
    }

    /// The lists, likewise.
    pub(super) fn lists_in_force(&self) -> Vec<LoadedList> {
        let in_force =
            |list: &LoadedList| LoadedList { mode: self.mode(list.name.as_str(), list.mode), ..list.clone() };
        self.lists.iter().map(in_force).collect()
    }

    /// Every rule that has a mode, with the mode that was written. A word beats a list or a limit of that name.
    pub(in crate::daemon) fn written_modes(&self) -> BTreeMap<String, Mode> {
        let lists = self.lists.iter().map(|list| (list.name.to_string(), list.mode));
        let limits = self.config.limits.iter().map(|limit| (limit.name.to_string(), written_mode(limit)));
        let countries = self
            .config
            .services
            .iter()
            .filter_map(|service| Some((service.country_rule(), service.country.as_ref()?.mode)));
        let words = [
            (COUNTRY, self.written_country_rule().mode),
            (FRAGMENTS, self.config.fragments.mode),
            (SOURCE_LIMITS, self.config.source_limits.mode),
        ];
        lists
            .chain(limits)
            .chain(countries)
            .chain(words.map(|(word, mode)| (word.to_owned(), mode)))
            .collect()
    }

    /// What operators set.
    pub(in crate::daemon) fn modes_set(&self) -> Vec<ModeSet> {
        let written = self.written_modes();
        let set = self.modes.iter().filter_map(|(name, mode)| {
            let written = *written.get(name.as_str())?;
            Some(ModeSet { name: name.clone(), mode: *mode, written })
        });
        set.collect()
    }

    /// The same, with this mode for one rule; what was written needs nobody to say it again.
    pub(in crate::daemon) fn with_mode(&self, name: &Name, mode: Mode, written: Mode) -> Self {
        let mut modes = BTreeMap::clone(&self.modes);
        if mode == written {
            modes.remove(name);
        } else {
            modes.insert(name.clone(), mode);
        }
        Self { modes: Arc::new(modes), ..self.clone() }
    }

    /// The same, with the mode of one rule as it was written: whoever writes it anew says its mode too.
    pub(in crate::daemon) fn without_mode(self, name: &str) -> Self {
        let mut modes = BTreeMap::clone(&self.modes);
        modes.retain(|set, _| set.as_str() != name);
        Self { modes: Arc::new(modes), ..self }
    }

    pub(super) fn drop_modes_of_nothing(&mut self) {
        let written = self.written_modes();
        let mut modes = BTreeMap::clone(&self.modes);
        modes.retain(|name, mode| {
            let known = written.contains_key(name.as_str());
            if !known {
                tracing::warn!(%name, %mode, "an operator set the mode of a rule that is no longer there: forgotten");
            }
            known
        });
        self.modes = Arc::new(modes);
    }
}

/// Whether a limit acts, by its mode and by what happens on exceed.
fn written_mode(limit: &LimitConfig) -> Mode {
    if limit.on_exceed == OnExceed::Monitor { Mode::Monitor } else { limit.mode }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Algorithm, Amount, LimitKey, LimitUnit};

    fn inputs(policy: &str) -> Inputs {
        Inputs::load(crate::config::parse(policy, Path::new("policy.toml")).unwrap(), None).unwrap()
    }

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    #[test]
    fn a_mode_is_laid_over_what_was_written() {
        let inputs = inputs("[limits.source]\npackets = \"10/s\"\n");
        assert_eq!(inputs.config_in_force().source_limits.mode, Mode::Enforce);
        let moved = inputs.with_mode(&name(SOURCE_LIMITS), Mode::Monitor, Mode::Enforce);
        assert_eq!(moved.config_in_force().source_limits.mode, Mode::Monitor);
        assert_eq!(moved.config_in_force().fragments.mode, Mode::Enforce, "no other rule");
        let set = moved.modes_set();
        assert_eq!((set[0].mode, set[0].written), (Mode::Monitor, Mode::Enforce));
        let back = moved.with_mode(&name(SOURCE_LIMITS), Mode::Enforce, Mode::Enforce);
        assert!(back.modes_set().is_empty(), "as it was written");
        assert!(moved.without_mode(SOURCE_LIMITS).modes_set().is_empty());
    }

    #[test]
    fn the_country_rule_has_a_mode_of_its_own() {
        let moved = inputs("").with_mode(&name(COUNTRY), Mode::Monitor, Mode::Enforce);
        assert_eq!(moved.country_rule().mode, Mode::Monitor);
        assert_eq!(moved.written_country_rule().mode, Mode::Enforce);
    }

    #[test]
    fn a_limit_is_moved_both_ways() {
        let limit = |on_exceed| LimitConfig {
            name: name("api"),
            algorithm: Algorithm::TokenBucket,
            unit: LimitUnit::Packets,
            amount: Amount::Window { count: 1, window: std::time::Duration::from_secs(1) },
            key: LimitKey::Source,
            on_exceed,
            mode: Mode::Enforce,
            line: 1,
        };
        let with = |on_exceed| Inputs {
            config: Config { limits: vec![limit(on_exceed)], ..Config::default() }.into(),
            ..inputs("")
        };
        let acts = with(OnExceed::Drop);
        assert_eq!(acts.written_modes()["api"], Mode::Enforce);
        let moved = acts.with_mode(&name("api"), Mode::Monitor, Mode::Enforce).config_in_force();
        assert_eq!(moved.limits[0].mode, Mode::Monitor);
        let counts = with(OnExceed::Monitor);
        assert_eq!(counts.written_modes()["api"], Mode::Monitor);
        let moved = counts.with_mode(&name("api"), Mode::Enforce, Mode::Monitor).config_in_force();
        assert_eq!((moved.limits[0].mode, moved.limits[0].on_exceed), (Mode::Enforce, OnExceed::Drop));
    }

    #[test]
    fn a_mode_of_a_rule_that_is_gone_is_forgotten() {
        let mut moved = inputs("").with_mode(&name("gone"), Mode::Monitor, Mode::Enforce);
        moved = moved.with_mode(&name(FRAGMENTS), Mode::Monitor, Mode::Enforce);
        moved.drop_modes_of_nothing();
        assert_eq!(moved.modes.keys().map(Name::as_str).collect::<Vec<_>>(), [FRAGMENTS]);
    }
}
