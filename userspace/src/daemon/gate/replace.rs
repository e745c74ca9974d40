use std::sync::{Arc, PoisonError};
use std::time::Instant;

use super::{Gate, Live, OnlyChange};
use crate::api::Failure;
use crate::api::types::{Changed, Sizes};
use crate::config::Name;
use crate::daemon::Inputs;
use crate::policy::{Image, LimitNumbers};
use crate::store::{Setting, Store, StoreError};

impl Gate {
    /// Makes a policy of `inputs` the one in force, or leaves everything as it was.
    ///
    /// `approve` sees the compiled policy before the kernel does; `persist` makes the change last once the kernel has
    /// it. When that fails the kernel goes back to the policy before.
    pub(super) fn replace(
        &self,
        _only: &OnlyChange<'_>,
        inputs: Inputs,
        approve: impl FnOnce(&Arc<Image>) -> Result<(), Failure>,
        persist: impl FnOnce(&Store) -> Result<(), StoreError>,
    ) -> Result<Changed, Failure> {
        let started = Instant::now();
        let generation = self.kernel.live_generation() + 1;
        let image = Arc::new(inputs.compile(generation)?);
        approve(&image)?;
        let report = self.kernel.install(&image)?;
        let settings = image.settings;
        let numbers = Arc::new(image.rules.numbers.clone());
        let limits = image.rules.uses.clone();
        drop(image);
        if let Err(error) = persist(&self.store) {
            self.go_back(generation + 1);
            return Err(error.into());
        }
        let sizes = Sizes {
            ipv4_prefixes: report.prefixes.ipv4.segments as u64,
            ipv6_prefixes: report.prefixes.ipv6.segments as u64,
            attribute_sets: report.attribute_sets,
            milliseconds: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        let Sizes { ipv4_prefixes, ipv6_prefixes, milliseconds, .. } = sizes;
        tracing::info!(generation, ipv4_prefixes, ipv6_prefixes, milliseconds, "a new policy is live");
        self.hand_over_list_counters(&inputs.list_names());
        self.hand_over_limits(&inputs.numbers, &numbers);
        let inputs = Inputs { numbers, ..inputs };
        *self.live.write().unwrap_or_else(PoisonError::into_inner) =
            Live { inputs, settings, sizes, limits }.into();
        Ok(Changed { generation, sizes })
    }

    fn go_back(&self, generation: u64) {
        let image = self.live().inputs.compile(generation);
        let installed = image.and_then(|image| Ok(self.kernel.install(&image)?));
        if let Err(error) = installed {
            tracing::error!(%error, "could not go back to the policy before; restart the daemon to load what is stored");
        }
    }

    /// Sets the counters of numbers back that now belong to another limit, and keeps the numbers for the next start.
    pub(super) fn hand_over_limits(&self, before: &LimitNumbers, after: &LimitNumbers) {
        if before == after {
            return;
        }
        let stored = serde_json::to_string(after).map_err(Failure::failed);
        let moved = before.moved(after).try_for_each(|number| self.kernel.reset_limit_counters(number));
        let kept = stored.and_then(|json| Ok(self.store.set_setting(Setting::LimitNumbers, Some(&json))?));
        if let Err(error) = moved.map_err(Failure::from).and(kept) {
            tracing::warn!(%error, "the counters of some limits may hold those of others");
        }
    }

    /// Sets the counters of bits back that now belong to another list, also over a restart.
    pub(super) fn hand_over_list_counters(&self, lists: &[Name]) {
        if let Err(error) = self.reset_moved_bits(lists) {
            tracing::warn!(%error, "the counters of some lists may hold those of others");
        }
    }

    fn reset_moved_bits(&self, lists: &[Name]) -> Result<(), Failure> {
        let stored = self.store.setting(Setting::ListBits)?;
        let before: Vec<String> =
            stored.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
        for bit in moved_bits(&before, lists) {
            self.kernel.reset_list_counters(bit)?;
        }
        let now = serde_json::to_string(lists).map_err(Failure::failed)?;
        self.store.set_setting(Setting::ListBits, Some(&now))?;
        Ok(())
    }
}

/// The bits of lists that had another bit, or none, before.
fn moved_bits(before: &[String], now: &[Name]) -> Vec<u8> {
    let moved =
        now.iter().enumerate().filter(|(bit, name)| before.get(*bit).is_none_or(|old| old != name.as_str()));
    moved.filter_map(|(bit, _)| u8::try_from(bit).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<Name> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn only_lists_at_another_bit_start_from_zero() {
        let before: Vec<_> = ["a", "b", "c"].map(str::to_owned).to_vec();
        assert!(moved_bits(&before, &names(&["a", "b", "c"])).is_empty());
        assert_eq!(moved_bits(&before, &names(&["a", "b", "c", "d"])), [3]);
        assert_eq!(moved_bits(&before, &names(&["a", "c"])), [1]);
        assert_eq!(moved_bits(&[], &names(&["a"])), [0]);
    }
}
