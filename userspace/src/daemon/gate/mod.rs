//! The gate: what is in force, and every way to change it.
//!
//! All methods block. Two locks order the changes: `changes` for the policy, one in `bans` for bans. Nobody holds both, and
//! nobody compiles or waits for the disk while holding that of bans, so that a ban never waits for a policy. Readers take
//! what is live, whole, and wait for neither.

mod allow;
mod apply;
mod bans;
mod confirm;
mod coverage;
mod crowdsec;
mod explain;
mod feeds;
mod geo;
mod geo_update;
mod history;
mod interfaces;
mod limits;
mod lists;
mod lockout;
mod modes;
mod offenders;
mod plan;
mod probe;
mod replace;
mod resume;
mod start;
mod stats;
mod status;
mod undo;
mod verify;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use jiff::Timestamp;
use xdpgate_ebpf::abi::Settings;

pub use self::bans::BanLines;
pub use self::lists::NewList;
pub use self::probe::probe_of;

use self::bans::BanRegister;
use self::confirm::Pending;
use self::crowdsec::Crowdsec;
use self::geo_update::GeoWatch;
use self::interfaces::Guarded;
use self::replace::Change;
use super::events::Translator;
use super::feeds::FeedBoard;
use super::{AuditLog, Caller, EventLog, Inputs, RunOptions};
use crate::api::Failure;
use crate::api::types::{Actor, Audit, ChecksStatus, LastReload, PauseState, Sizes};
use crate::config::InterfaceName;
use crate::kernel::{Kernel, monotonic_ns};
use crate::policy::LimitUse;
use crate::store::{PolicyText, Store};

/// The state of the daemon.
#[derive(Debug)]
pub struct Gate {
    kernel: Kernel,
    store: Store,
    options: RunOptions,
    live: RwLock<Arc<Live>>,
    changes: Mutex<()>,
    /// Changed only by who holds `changes`.
    pending: RwLock<Option<Pending>>,
    /// The policy file as it was last read.
    seen: RwLock<PolicyText>,
    audit: AuditLog,
    geo_watch: GeoWatch,
    bans: BanRegister,
    crowdsec: Crowdsec,
    last_reload: RwLock<LastReload>,
    checks: RwLock<ChecksStatus>,
    guarded: Mutex<BTreeMap<InterfaceName, Guarded>>,
    /// Bans of the store that the kernel's table had no room for at the start.
    bans_left_out: usize,
    events: EventLog,
    feeds: FeedBoard,
    started: Timestamp,
}

/// The policy in force, whole. Its image is not kept: the kernel has it, and for a single address it is compiled again.
#[derive(Clone, Debug)]
struct Live {
    inputs: Inputs,
    settings: Settings,
    sizes: Sizes,
    /// Its entry in the history.
    number: u64,
    /// The limits of services, by the number of their rows.
    limits: BTreeMap<u16, LimitUse>,
}

/// Proof that its holder is the only one who changes the policy.
type OnlyChange<'a> = MutexGuard<'a, ()>;

impl Gate {
    /// The sampled events.
    #[must_use]
    pub const fn events(&self) -> &EventLog {
        &self.events
    }

    /// Lets everything pass, still counted, or ends that.
    pub fn pause(&self, on: bool, caller: &Caller) -> PauseState {
        let before = self.kernel.paused();
        self.kernel.pause(on);
        if on {
            tracing::warn!("paused by an operator: everything passes until `xdpgate resume`");
        } else {
            tracing::info!("resumed by an operator");
        }
        let word = |paused| if paused { "paused" } else { "enforcing" };
        let action = if on { "pause" } else { "resume" };
        self.audit(&Change::new(caller, action, "").between(word(before), word(on)), None);
        PauseState { paused: on, by: Actor::Daemon }
    }

    /// The last lines of the audit log, oldest first.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn audit_entries(&self, last: usize, since: Option<Timestamp>) -> Result<Audit, Failure> {
        let path = self.audit.path();
        let entries = super::read_audit(path, last, since);
        let entries =
            entries.map_err(|error| Failure::failed(format!("cannot read {}: {error}", path.display())))?;
        Ok(Audit { entries })
    }

    /// Takes the events that wait in the kernel into the log. Returns how many there were.
    pub fn drain_events(&self) -> usize {
        let mut waiting = Vec::new();
        let taken = self.kernel.next_events(&mut waiting);
        if waiting.is_empty() {
            return taken;
        }
        let interfaces = self.kernel.interfaces().unwrap_or_default();
        let translator = Translator {
            now: (Timestamp::now(), monotonic_ns()),
            interfaces: interfaces.into_iter().map(|row| (row.slot, row.name.to_string())).collect(),
            lists: self.live().inputs.list_names(),
            limits: self.live().limits.clone(),
        };
        for event in &waiting {
            self.events.push(translator.translate(event));
        }
        taken
    }

    /// A descriptor that is readable when events wait in the kernel.
    ///
    /// # Errors
    /// When there are no descriptors left.
    pub fn events_fd(&self) -> std::io::Result<std::os::fd::OwnedFd> {
        self.kernel.events_fd()
    }

    fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn only_change(&self) -> OnlyChange<'_> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last_reload(&self) -> LastReload {
        self.last_reload.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
