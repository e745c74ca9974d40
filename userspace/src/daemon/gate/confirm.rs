//! A policy that lasts only if it is confirmed. docs/adr/0014-the-way-back.md has the order of things and why.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::replace::Change;
use super::start::{attach_all, take_off_fresh};
use super::{Gate, Live, OnlyChange};
use crate::api::types::{Applied, PendingStatus};
use crate::api::{Failure, FailureKind};
use crate::config::InterfaceName;
use crate::daemon::{Caller, Inputs};
use crate::kernel::monotonic_ns;
use crate::store::{OperatorState, Snapshot, Store};

/// So shortly before the end it is too late: between the look at the clock and the store a daemon may lose its CPU.
const TOO_LATE_NS: u64 = 100_000_000;
/// A return that failed is not tried all the time: it may have to read large lists.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// What waits for a confirmation.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    /// Its entry in the history.
    pub(super) number: u64,
    /// Until when, by `CLOCK_MONOTONIC`; afterwards the data path has the policy before, whatever the daemon does.
    pub(super) return_at: u64,
    /// The entry that comes back.
    pub(super) previous: u64,
    /// That entry in a few words.
    pub(super) comes_back: String,
    /// What it is compiled from, if this daemon had it in force.
    pub(super) inputs: Option<Inputs>,
    /// When making the return last has failed, and why.
    pub(super) failed: Option<(Instant, String)>,
}

impl Gate {
    /// Makes what waits for a confirmation last.
    ///
    /// # Errors
    /// When nothing waits, it is too late, a new interface cannot be guarded, or the disk refuses.
    pub fn confirm(&self, caller: &Caller) -> Result<Applied, Failure> {
        let only = self.only_change();
        let pending = self.pending().ok_or_else(|| {
            Failure::not_found(
                "nothing waits for a confirmation; `xdpgate history` shows what is in force, and since when",
            )
        })?;
        refuse_if_late(&pending)?;
        let live = self.live();
        let wanted = live.inputs.config.interfaces.clone();
        let new = self.not_guarded(&wanted);
        let attached = attach_all(&self.kernel, &new)?;
        let confirmed = refuse_if_late(&pending).and_then(|()| {
            self.kernel.confirm();
            self.store.confirm(pending.number).map_err(|error| {
                // A confirmation that a reboot would forget is none.
                self.kernel.return_at_again(pending.return_at);
                error.into()
            })
        });
        confirmed.inspect_err(|_| take_off_fresh(&self.kernel, &attached))?;
        self.set_pending(&only, None, pending.number);
        self.guard(attached);
        let detached = self.let_go_of_others(&wanted);
        tracing::info!(number = pending.number, "confirmed by an operator: the policy lasts");
        self.audit(
            &Change::new(caller, "confirm", format!("history entry {}", pending.number)),
            Some(pending.number),
        );
        Ok(Applied {
            generation: live.settings.generation,
            number: live.number,
            sizes: live.sizes,
            pending: None,
            attached: new,
            detached,
            waiting: Vec::new(),
            needs_restart: Vec::new(),
        })
    }

    /// When the time for a confirmation is over, makes the policy before the one in force in the daemon's own state too.
    /// Returns whether it did. To be called often.
    pub fn settle(&self) -> bool {
        let is_due = |pending: &Pending| {
            self.kernel.has_returned()
                && pending.failed.as_ref().is_none_or(|(at, _)| at.elapsed() >= TRY_AGAIN_AFTER)
        };
        if !self.pending().is_some_and(|pending| is_due(&pending)) {
            return false;
        }
        let only = self.only_change();
        // It may have been confirmed while this waited.
        let Some(pending) = self.pending().filter(is_due) else { return false };
        tracing::warn!(
            number = pending.number,
            comes_back = pending.comes_back,
            "NOT CONFIRMED in time: the policy before is in force again"
        );
        self.return_to_previous(&only, pending, &Caller::daemon(), "return").is_ok()
    }

    /// Makes the policy before a pending one last. The data path has it already.
    pub(super) fn return_to_previous(
        &self,
        only: &OnlyChange<'_>,
        pending: Pending,
        caller: &Caller,
        action: &'static str,
    ) -> Result<(), Failure> {
        let same_as = self.root(pending.previous)?;
        let change = Change {
            same_as: Some(same_as),
            ..Change::new(caller, action, format!("to history entry {same_as}"))
                .between(format!("entry {}, not confirmed", pending.number), pending.comes_back.clone())
        };
        let inputs = match pending.inputs.clone() {
            Some(inputs) => Ok(inputs),
            None => self.inputs_of(pending.previous).map(|(inputs, _)| inputs),
        };
        let done = inputs.and_then(|inputs| self.replace(only, inputs, |_| Ok(()), &change));
        if let Err(error) = &done {
            tracing::error!(
                %error,
                "the policy before is in force in the kernel, but the daemon could not take it over; it tries again; \
                 correct what is wrong, or put another policy in force: xdpgate apply FILE"
            );
            let failed = Some((Instant::now(), error.to_string()));
            let returned = Pending { failed, return_at: pending.return_at.min(monotonic_ns()), ..pending };
            *self.pending.write().unwrap_or_else(PoisonError::into_inner) = Some(returned);
        }
        done.map(drop)
    }

    /// Waits for every other change of the policy, and refuses this one while another has to be confirmed first.
    pub(super) fn policy_change(&self) -> Result<OnlyChange<'_>, Failure> {
        let only = self.only_change();
        self.pending().map_or(Ok(only), |pending| Err(must_be_confirmed(&pending)))
    }

    /// As [`Gate::policy_change`], for a change that takes nothing of the policy from what is in force: where the daemon
    /// cannot take over what came back, that is the way out.
    pub(super) fn whole_change(&self) -> Result<OnlyChange<'_>, Failure> {
        let only = self.only_change();
        match self.pending() {
            Some(pending) if pending.failed.is_none() => Err(must_be_confirmed(&pending)),
            _ => Ok(only),
        }
    }

    /// What operators said, in the policy that lasts.
    pub(super) fn operator_state(&self) -> Result<OperatorState, Failure> {
        match self.pending() {
            Some(pending) => Ok(snapshot(&self.store, pending.previous)?.state),
            None => Ok(self.live().inputs.snapshot()?.state),
        }
    }

    pub(super) fn pending(&self) -> Option<Pending> {
        self.pending.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn pending_status(&self) -> Option<PendingStatus> {
        self.pending().map(|pending| PendingStatus {
            number: pending.number,
            seconds_left: seconds_left(&pending),
            previous: pending.previous,
            comes_back: pending.comes_back,
            problem: pending.failed.map(|(_, problem)| problem),
        })
    }

    /// What was in force `before` comes back at a time; or nothing waits any more.
    pub(super) fn set_pending(&self, _only: &OnlyChange<'_>, returns: Option<(u64, Arc<Live>)>, number: u64) {
        let pending = returns.map(|(return_at, before)| Pending {
            number,
            return_at,
            previous: before.number,
            comes_back: self.in_words(before.number),
            inputs: Some(before.inputs.clone()),
            failed: None,
        });
        *self.pending.write().unwrap_or_else(PoisonError::into_inner) = pending;
    }

    /// Interfaces of a policy that are not guarded yet.
    pub(super) fn not_guarded(&self, wanted: &[InterfaceName]) -> Vec<InterfaceName> {
        let guarded = self.names();
        wanted.iter().filter(|name| !guarded.contains(name)).cloned().collect()
    }

    /// What an entry of the history is compiled from.
    pub(super) fn inputs_of(&self, number: u64) -> Result<(Inputs, Snapshot), Failure> {
        let snapshot = snapshot(&self.store, number)?;
        let config = self.options.check(&snapshot.policy)?;
        let live = self.live();
        let policy = snapshot.policy.clone();
        let inputs = Inputs::of_store(Some(&live.inputs), policy, config, &snapshot.state, &self.store)?;
        Ok((inputs, snapshot))
    }
}

pub(super) fn snapshot(store: &Store, number: u64) -> Result<Snapshot, Failure> {
    let missing = || Failure::not_found(format!("entry {number} is no longer in the history"));
    store.snapshot(number)?.ok_or_else(missing)
}

fn refuse_if_late(pending: &Pending) -> Result<(), Failure> {
    if monotonic_ns().saturating_add(TOO_LATE_NS) < pending.return_at {
        return Ok(());
    }
    Err(Failure::new(
        FailureKind::Refused,
        format!(
            "too late: the policy before is in force again ({}); apply the other one again",
            pending.comes_back
        ),
    ))
}

pub(super) fn must_be_confirmed(pending: &Pending) -> Failure {
    let (number, left) = (pending.number, seconds_left(pending));
    let message = if let Some((_, problem)) = &pending.failed {
        format!(
            "refused: history entry {number} was not confirmed; the policy before is in force, but the daemon can't read it \
             ({problem}); correct that, or put another one in force: xdpgate apply FILE"
        )
    } else if left == 0 {
        format!("history entry {number} was not confirmed, and is being taken back; try again in a moment")
    } else {
        format!(
            "refused: history entry {number} is in force for {left} more seconds and waits for a confirmation; type \
             `xdpgate confirm` to keep it, or `xdpgate undo` to go back at once; bans, `pause` and `resume` work meanwhile"
        )
    };
    Failure::new(FailureKind::Refused, message)
}

fn seconds_left(pending: &Pending) -> u64 {
    pending.return_at.saturating_sub(monotonic_ns()).div_ceil(1_000_000_000)
}
