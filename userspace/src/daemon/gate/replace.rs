use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::{Gate, Live, OnlyChange};
use crate::api::Failure;
use crate::api::types::{AuditEntry, Changed, Sizes};
use crate::config::Name;
use crate::daemon::{Caller, Inputs, clock};
use crate::kernel::InstallReport;
use crate::policy::{Image, LimitNumbers};
use crate::store::{FeedRecord, Kept, NewEntry, PolicyText, Setting};

/// A change of the policy, as the history and the audit log have it.
#[derive(Debug)]
pub(super) struct Change<'a> {
    /// Who asks.
    pub(super) caller: &'a Caller,
    /// The command.
    pub(super) action: &'static str,
    /// To what.
    pub(super) what: String,
    /// What was before.
    pub(super) from: Option<String>,
    /// What is now.
    pub(super) to: Option<String>,
    /// The entry of the history whose policy it is again.
    pub(super) same_as: Option<u64>,
    /// The policy file, if it was read for this.
    pub(super) seen: Option<PolicyText>,
    /// Go back after this time, unless it is confirmed.
    pub(super) confirm: Option<Duration>,
    /// New copies of lists that are fetched.
    pub(super) feeds: Vec<FeedRecord>,
}

impl<'a> Change<'a> {
    pub(super) fn new(caller: &'a Caller, action: &'static str, what: impl Into<String>) -> Self {
        Self {
            caller,
            action,
            what: what.into(),
            from: None,
            to: None,
            same_as: None,
            seen: None,
            confirm: None,
            feeds: Vec::new(),
        }
    }

    pub(super) fn between(self, from: impl Into<String>, to: impl Into<String>) -> Self {
        Self { from: Some(from.into()), to: Some(to.into()), ..self }
    }

    /// What came of it, in a line.
    fn summary(&self) -> String {
        match (&self.from, &self.to) {
            (Some(from), Some(to)) => format!("{from} -> {to}"),
            (None, Some(one)) | (Some(one), None) => one.clone(),
            (None, None) => String::new(),
        }
    }

    fn command(&self) -> String {
        if self.what.is_empty() { self.action.to_owned() } else { format!("{} {}", self.action, self.what) }
    }

    pub(super) fn entry(&self, generation: u64) -> Result<NewEntry, Failure> {
        Ok(NewEntry {
            time: clock::now(),
            generation,
            who: serde_json::to_string(&self.caller.who()).map_err(Failure::failed)?,
            command: self.command(),
            summary: self.summary(),
            same_as: self.same_as,
        })
    }
}

impl Gate {
    /// Makes a policy of `inputs` the one in force, or leaves everything as it was.
    ///
    /// `approve` sees the compiled policy before the kernel does. Once the kernel has it, it goes into the store, together
    /// with its entry in the history. When that fails the kernel goes back to the policy before.
    pub(super) fn replace(
        &self,
        only: &OnlyChange<'_>,
        inputs: Inputs,
        approve: impl FnOnce(&Arc<Image>) -> Result<(), Failure>,
        change: &Change<'_>,
    ) -> Result<Changed, Failure> {
        let started = Instant::now();
        let generation = self.kernel.next_generation();
        let snapshot = inputs.snapshot()?;
        let entry = change.entry(generation)?;
        let image = Arc::new(inputs.compile(generation)?);
        approve(&image)?;
        let report = match change.confirm {
            None => self.kernel.install(&image)?,
            Some(within) => self.kernel.install_until(&image, within)?,
        };
        let settings = image.settings;
        let numbers = Arc::new(image.rules.numbers.clone());
        let limits = image.rules.uses.clone();
        drop(image);
        let kept = Kept {
            snapshot: &snapshot,
            entry: &entry,
            seen: change.seen.as_ref(),
            unconfirmed: change.confirm.is_some(),
            feeds: &change.feeds,
        };
        let number = match self.store.keep(&kept) {
            Ok(number) => number,
            Err(error) => {
                self.go_back();
                return Err(error.into());
            }
        };
        let sizes = sizes(&report, started);
        let Sizes { ipv4_prefixes, ipv6_prefixes, milliseconds, .. } = sizes;
        tracing::info!(
            generation,
            number,
            ipv4_prefixes,
            ipv6_prefixes,
            milliseconds,
            "a new policy is live"
        );
        inputs.warnings().iter().for_each(|warning| tracing::warn!("{warning}"));
        self.hand_over_list_counters(&inputs.list_names());
        if let Some(seen) = &change.seen {
            *self.seen.write().unwrap_or_else(PoisonError::into_inner) = seen.clone();
        }
        // Not `inputs.numbers`: what comes back has those that it had.
        self.hand_over_limits(&self.live().inputs.numbers, &numbers);
        let inputs = Inputs { numbers, ..inputs };
        let before = self.set_live(Live { inputs, settings, sizes, number, limits }.into());
        self.set_pending(only, report.return_at.map(|return_at| (return_at, before)), number);
        self.audit(change, Some(number));
        Ok(Changed { generation, sizes })
    }

    /// Appends a line to the audit log.
    pub(super) fn audit(&self, change: &Change<'_>, number: Option<u64>) {
        self.audit.write(&AuditEntry {
            time: clock::now(),
            who: change.caller.who(),
            action: change.action.to_owned(),
            what: change.what.clone(),
            from: change.from.clone(),
            to: change.to.clone(),
            number,
        });
    }

    fn go_back(&self) {
        if self.kernel.return_at().is_some() {
            // The slot of the policy before is as it was.
            self.kernel.return_now();
        }
        let live = self.live();
        let image = live.inputs.compile(self.kernel.next_generation());
        let installed = image.and_then(|image| {
            self.kernel.install(&image)?;
            Ok(image.settings)
        });
        match installed {
            Ok(settings) => drop(self.set_live(Live { settings, ..Live::clone(&live) }.into())),
            Err(error) => {
                tracing::error!(%error, "could not go back to the policy before; restart the daemon to load what is stored");
            }
        }
    }

    /// Returns what was live.
    fn set_live(&self, live: Arc<Live>) -> Arc<Live> {
        std::mem::replace(&mut *self.live.write().unwrap_or_else(PoisonError::into_inner), live)
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

/// What a policy took.
pub(super) fn sizes(report: &InstallReport, started: Instant) -> Sizes {
    Sizes {
        ipv4_prefixes: report.prefixes.ipv4.segments as u64,
        ipv6_prefixes: report.prefixes.ipv6.segments as u64,
        attribute_sets: report.attribute_sets,
        milliseconds: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
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
