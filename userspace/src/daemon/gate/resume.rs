//! What a start puts in force.
//!
//! A policy that was applied, confirmed, returned to or undone stays in force until the policy file changes, or somebody
//! applies another. So the file decides only where it is not as it was last read.

use super::confirm::{Pending, snapshot};
use super::replace::Change;
use crate::api::Failure;
use crate::config::Config;
use crate::daemon::{Caller, Inputs, RunOptions};
use crate::kernel::{Kernel, monotonic_ns};
use crate::store::{HistoryRecord, OperatorState, PendingRecord, PolicyText, Store};

static DAEMON: Caller = Caller::daemon();

/// What a start puts in force.
#[derive(Debug)]
pub(super) struct Begin {
    /// The policy.
    pub(super) inputs: Inputs,
    /// Its entry in the history; with a change, the one before it.
    pub(super) number: u64,
    /// What is new, for the history and the audit log.
    pub(super) change: Option<Change<'static>>,
    /// The policy is live in the kernel already and waits for a confirmation: it is left as it is there, and so is the one
    /// before it.
    pub(super) pending: Option<Pending>,
    /// The policy file as it was last read.
    pub(super) seen: PolicyText,
}

/// Decides what is to be in force. `file` is the policy file now.
pub(super) fn begin(
    kernel: &Kernel,
    store: &Store,
    options: &RunOptions,
    file: PolicyText,
) -> Result<Begin, Failure> {
    let start = Start { store, options, own: options.check(&file)?, file };
    let Some(waiting) = store.pending()? else {
        if kernel.return_at().is_some() && !kernel.has_returned() {
            // The daemon ended before it could answer an `apply`: nobody knows of that policy.
            kernel.return_now();
        }
        return start.last();
    };
    let is_live = kernel.live_generation() == waiting.generation;
    match kernel.return_at() {
        None if is_live => {
            tracing::info!(number = waiting.number, "an earlier daemon ended while it confirmed this policy; it lasts");
            store.confirm(waiting.number)?;
            start.last()
        }
        Some(return_at) if is_live && return_at > monotonic_ns() => {
            start.going_on(&waiting, return_at).or_else(|error| {
                tracing::error!(%error, "the policy that waits for a confirmation can't be read; going back now");
                kernel.return_now();
                start.back(&waiting)
            })
        }
        _ => {
            if is_live {
                // Over, or so good as.
                kernel.return_now();
            }
            start.back(&waiting)
        }
    }
}

struct Start<'a> {
    store: &'a Store,
    options: &'a RunOptions,
    file: PolicyText,
    /// What the file says: of the daemon itself only the file counts.
    own: Config,
}

impl Start<'_> {
    /// What was in force when the last daemon ended, unless the file was changed since.
    fn last(self) -> Result<Begin, Failure> {
        let state = self.store.operator_state()?;
        let number = self.store.in_force()?;
        let seen = self.store.policy_seen()?;
        let (policy, number, change) = match (number, seen) {
            (Some(number), Some(seen)) if seen == self.file => {
                let policy = snapshot(self.store, number)?.policy;
                if policy != self.file {
                    self.warn(number);
                }
                (policy, number, None)
            }
            (number, _) => {
                let why = if number.is_some() { "the policy file was changed" } else { "first start" };
                let change = Change {
                    to: Some(why.to_owned()),
                    seen: Some(self.file.clone()),
                    ..Change::new(&DAEMON, "start", self.name())
                };
                (self.file.clone(), number.unwrap_or(0), Some(change))
            }
        };
        let inputs =
            self.inputs(policy, &state).map_err(|error| self.explain(number, change.as_ref(), error))?;
        Ok(Begin { inputs, number, change, pending: None, seen: self.file })
    }

    /// What waits for a confirmation, for as long as it still may.
    fn going_on(&self, waiting: &PendingRecord, return_at: u64) -> Result<Begin, Failure> {
        let unconfirmed = snapshot(self.store, waiting.number)?;
        let inputs = self.inputs(unconfirmed.policy, &unconfirmed.state)?;
        let (root, comes_back) = self.root(waiting.previous)?;
        tracing::warn!(
            number = waiting.number,
            seconds = return_at.saturating_sub(monotonic_ns()) / 1_000_000_000,
            comes_back,
            "a policy still waits for a confirmation: `xdpgate confirm` keeps it"
        );
        let pending = Pending {
            number: waiting.number,
            return_at,
            previous: root,
            comes_back,
            inputs: None,
            failed: None,
        };
        Ok(Begin { inputs, number: waiting.number, change: None, pending: Some(pending), seen: self.seen()? })
    }

    /// The policy before one that was not confirmed.
    fn back(&self, waiting: &PendingRecord) -> Result<Begin, Failure> {
        let before = snapshot(self.store, waiting.previous)?;
        let (root, comes_back) = self.root(waiting.previous)?;
        let seen = self.seen()?;
        tracing::warn!(number = waiting.number, comes_back, "NOT CONFIRMED: the policy before is loaded");
        if before.policy != self.file {
            self.warn(root);
        }
        let change = Change {
            same_as: Some(root),
            ..Change::new(&DAEMON, "return", format!("to history entry {root}"))
                .between(format!("entry {}, not confirmed", waiting.number), comes_back)
        };
        let inputs = self.inputs(before.policy, &before.state)?;
        Ok(Begin { inputs, number: waiting.previous, change: Some(change), pending: None, seen })
    }

    fn inputs(&self, policy: PolicyText, state: &OperatorState) -> Result<Inputs, Failure> {
        let config = self.options.check(&policy)?;
        let config = Config { daemon: self.own.daemon.clone(), tables: self.own.tables, ..config };
        Inputs::of_store(None, policy, config, state, self.store)
    }

    fn seen(&self) -> Result<PolicyText, Failure> {
        Ok(self.store.policy_seen()?.unwrap_or_else(|| self.file.clone()))
    }

    fn root(&self, number: u64) -> Result<(u64, String), Failure> {
        let history: Vec<HistoryRecord> = self.store.history()?;
        let root = super::undo::root(&history, number);
        Ok((root, super::undo::in_words(&history, root)))
    }

    fn name(&self) -> String {
        self.file
            .file
            .as_ref()
            .map_or_else(|| "the built-in policy".to_owned(), |file| file.display().to_string())
    }

    fn warn(&self, number: u64) {
        tracing::warn!(
            file = self.name(),
            number,
            "THE POLICY FILE IS NOT WHAT IS IN FORCE: this entry of the history is, because the file was not changed \
             since; `xdpgate reload` loads the file"
        );
    }

    fn explain(&self, number: u64, change: Option<&Change<'_>>, error: Failure) -> Failure {
        if change.is_some() {
            return error;
        }
        let name = self.name();
        Failure::new(
            error.kind,
            format!(
                "{error}\nthis policy is history entry {number}, which was in force; once {name} is changed, that is loaded instead"
            ),
        )
    }
}
