use std::path::Path;
use std::sync::PoisonError;
use std::time::Duration;

use super::history::text_changes;
use super::lockout;
use super::replace::Change;
use super::start::{attach_all, take_off_fresh};
use super::{Gate, OnlyChange};
use crate::api::Failure;
use crate::api::types::{Applied, ApplyRequest, Changed, LastReload, PolicySent, Reloaded};
use crate::config::{Config, InterfaceName};
use crate::daemon::{Caller, Inputs, clock};
use crate::store::PolicyText;

/// Shorter, and nobody has the time to look; longer, and it would be forgotten.
const CONFIRM_SECONDS: std::ops::RangeInclusive<u64> = 1..=24 * 3600;

/// A change of the whole policy.
pub(super) struct Whole<'a> {
    /// What it is compiled from.
    pub(super) inputs: Inputs,
    /// Also when that would lock out an operator.
    pub(super) force: bool,
    /// What the history and the audit log say.
    pub(super) change: Change<'a>,
}

impl Gate {
    /// Reads the policy file, the lists and the geo database again. All of it takes effect, or nothing does.
    ///
    /// # Errors
    /// When something is not valid, would lock out an operator, an interface cannot be guarded, or the kernel refuses. What
    /// was in force still is.
    pub fn reload(&self, force: bool, caller: &Caller) -> Result<Reloaded, Failure> {
        let reloaded = self.whole_change().and_then(|only| {
            let policy = self.options.read()?;
            self.put_policy(&only, policy, "reload", None, force, caller)
        });
        self.note_reload(reloaded.as_ref().err());
        let Applied { generation, sizes, attached, detached, needs_restart, .. } = reloaded?;
        Ok(Reloaded { generation, sizes, attached, detached, needs_restart })
    }

    /// Puts a policy in force, for good or until it is confirmed. All of it takes effect, or nothing does.
    ///
    /// # Errors
    /// As [`Gate::reload`].
    pub fn apply(&self, request: ApplyRequest, caller: &Caller) -> Result<Applied, Failure> {
        let confirm = within(request.confirm_seconds)?;
        let only = self.whole_change()?;
        let policy = self.policy_of(request.policy)?;
        let applied = self.put_policy(&only, policy, "apply", confirm, request.force, caller)?;
        self.note_reload(None);
        Ok(applied)
    }

    /// The policy that a request names.
    pub(super) fn policy_of(&self, sent: Option<PolicySent>) -> Result<PolicyText, Failure> {
        match sent {
            Some(sent) if sent.path.is_relative() => {
                Err(Failure::usage(format!("{} is no absolute path", sent.path.display())))
            }
            Some(sent) => Ok(PolicyText { file: Some(sent.path), text: sent.text }),
            None => self.options.read(),
        }
    }

    /// The policy file.
    #[must_use]
    pub fn policy_file(&self) -> Option<&Path> {
        self.options.config.as_deref()
    }

    /// Makes a whole policy the one in force, with its interfaces.
    pub(super) fn put_whole(&self, only: &OnlyChange<'_>, whole: Whole<'_>) -> Result<Applied, Failure> {
        let Whole { inputs, force, change } = whole;
        let before = self.live();
        let needs_restart = needs_restart(&before.inputs.config, &inputs.config);
        if !needs_restart.is_empty() {
            tracing::warn!(
                keys = needs_restart.join(", "),
                "changed in the policy; takes effect at the next start (a table's size: after `xdpgate detach`)"
            );
        }
        let wanted = inputs.config.interfaces.clone();
        let new = self.not_guarded(&wanted);
        let after = inputs.clone();
        let approve = |image: &_| lockout::check_image(&before.inputs, &after, image, change.caller, force);
        if change.confirm.is_some() {
            // What a dead daemon could not take back is not done before the confirmation.
            let changed = self.replace(only, inputs, approve, &change)?;
            return Ok(self.applied(changed, Vec::new(), Vec::new(), new, needs_restart));
        }
        // New interfaces first enforce the policy that is live, then change over with the others.
        let attached = attach_all(&self.kernel, &new)?;
        let changed = self.replace(only, inputs, approve, &change);
        let changed = changed.inspect_err(|_| take_off_fresh(&self.kernel, &attached))?;
        self.guard(attached);
        let detached = self.let_go_of_others(&wanted);
        Ok(self.applied(changed, new, detached, Vec::new(), needs_restart))
    }

    fn put_policy(
        &self,
        only: &OnlyChange<'_>,
        policy: PolicyText,
        action: &'static str,
        confirm: Option<Duration>,
        force: bool,
        caller: &Caller,
    ) -> Result<Applied, Failure> {
        let config = self.options.check(&policy)?;
        let before = self.live();
        let state = self.operator_state()?;
        // What the file says now is what the operator has seen, also when another one is applied.
        let own = self.options.read().ok().filter(|own| own.file != policy.file);
        let seen = own.unwrap_or_else(|| policy.clone());
        let file = policy
            .file
            .as_ref()
            .map_or_else(|| "the built-in policy".to_owned(), |file| file.display().to_string());
        let change = Change {
            to: Some(text_changes(&before.inputs.policy.text, &policy.text)),
            seen: Some(seen),
            confirm,
            ..Change::new(caller, action, file)
        };
        let inputs = Inputs::of_store(Some(&before.inputs), policy, config, &state, &self.store)?;
        drop(before);
        self.put_whole(only, Whole { inputs, force, change })
    }

    fn applied(
        &self,
        changed: Changed,
        attached: Vec<InterfaceName>,
        detached: Vec<InterfaceName>,
        waiting: Vec<InterfaceName>,
        needs_restart: Vec<String>,
    ) -> Applied {
        Applied {
            generation: changed.generation,
            number: self.live().number,
            sizes: changed.sizes,
            pending: self.pending_status(),
            attached,
            detached,
            waiting,
            needs_restart,
        }
    }

    fn note_reload(&self, error: Option<&Failure>) {
        let error = error.map(ToString::to_string);
        if let Some(error) = &error {
            tracing::error!(%error, "reload failed; the policy before stays in force");
        }
        let outcome = LastReload { successful: error.is_none(), time: clock::now(), error };
        *self.last_reload.write().unwrap_or_else(PoisonError::into_inner) = outcome;
    }
}

/// The time for a confirmation, if one is asked for.
pub(super) fn within(seconds: Option<u64>) -> Result<Option<Duration>, Failure> {
    match seconds {
        Some(seconds) if !CONFIRM_SECONDS.contains(&seconds) => Err(Failure::usage(format!(
            "{seconds} s for a confirmation is not possible; allowed is 1 s to 24 hours"
        ))),
        _ => Ok(seconds.map(Duration::from_secs)),
    }
}

/// The keys that differ and that only a start reads.
pub(super) fn needs_restart(before: &Config, after: &Config) -> Vec<String> {
    let (old, new) = (&before.daemon, &after.daemon);
    let differs = [
        ("daemon.socket", old.socket != new.socket),
        ("daemon.state_dir", old.state_dir != new.state_dir),
        ("daemon.bpffs", old.bpffs != new.bpffs),
        ("daemon.metrics", old.metrics != new.metrics),
        ("daemon.attach", old.attach != new.attach),
        ("tables", before.tables != after.tables),
    ];
    differs.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_only_a_start_reads_are_named() {
        let before = Config::default();
        let mut after = Config::default();
        assert_eq!(needs_restart(&before, &after), Vec::<String>::new());
        after.daemon.metrics = Some("127.0.0.1:1".parse().unwrap());
        after.tables.bans += 1;
        after.events.per_second += 1;
        assert_eq!(needs_restart(&before, &after), ["daemon.metrics", "tables"]);
    }
}
