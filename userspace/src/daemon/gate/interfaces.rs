use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};

use super::Gate;
use super::replace::Change;
use crate::api::Failure;
use crate::api::types::{Actor, Detached};
use crate::config::InterfaceName;
use crate::daemon::Caller;
use crate::kernel::{Attached, AttachedMode};

/// What the daemon last saw of an interface that it ought to guard.
#[derive(Clone, Debug, Default)]
pub(super) struct Guarded {
    /// What was wrong with it, as far as that was logged.
    pub(super) complaint: Option<String>,
}

impl Gate {
    /// The guarded interfaces that do not enforce now, and why.
    #[must_use]
    pub fn unguarded(&self) -> Vec<(InterfaceName, String)> {
        let attached = match self.kernel.interfaces() {
            Ok(attached) => attached,
            Err(error) => return self.names().into_iter().map(|name| (name, error.to_string())).collect(),
        };
        let guards = |name: &InterfaceName| attached.iter().any(|row| row.name == *name && row.enforcing);
        let names = self.names().into_iter().filter(|name| !guards(name));
        names.map(|name| (name, "the kernel does not run the program there".to_owned())).collect()
    }

    /// Looks whether every interface is still guarded, and guards again what came back. Returns whether all are.
    pub fn watch_interfaces(&self) -> bool {
        // A change of the policy may attach and detach.
        let _only = self.only_change();
        let unguarded = self.unguarded();
        for (name, _) in &unguarded {
            match self.kernel.attach(name) {
                Ok(attached) => {
                    tracing::warn!(interface = %name, mode = attached.mode.label(), "was not guarded; guarded again");
                    self.note(name, None);
                }
                Err(error) => self.complain(name, &error.to_string()),
            }
        }
        for name in self.names() {
            if !unguarded.iter().any(|(lost, _)| *lost == name) {
                self.note(&name, None);
            }
        }
        unguarded.is_empty()
    }

    /// Ends guarding one interface, or all. They stay unguarded until the next reload or start.
    ///
    /// # Errors
    /// When it was not guarded, or the kernel refuses.
    pub fn detach(&self, interface: Option<&InterfaceName>, caller: &Caller) -> Result<Detached, Failure> {
        let _only = self.only_change();
        let names = match interface {
            Some(name) => vec![name.clone()],
            None => self.kernel.interfaces()?.into_iter().map(|row| row.name).collect(),
        };
        let mut interfaces = Vec::new();
        for name in names {
            // First, so that the watch does not guard it again.
            self.guarded().remove(&name);
            if self.kernel.detach(&name)? {
                tracing::warn!(interface = %name, "detached by an operator: unguarded until the next reload or start");
                interfaces.push(name);
            }
        }
        if let (Some(name), true) = (interface, interfaces.is_empty()) {
            return Err(Failure::not_found(format!("{name} is not guarded; `xdpgate status` shows what is")));
        }
        let names: Vec<_> = interfaces.iter().map(InterfaceName::as_str).collect();
        self.audit(&Change::new(caller, "detach", names.join(" ")), None);
        Ok(Detached { interfaces, by: Actor::Daemon })
    }

    /// Takes note of interfaces that are guarded from now on.
    pub(super) fn guard(&self, attached: Vec<Attached>) {
        for row in attached {
            report(&row);
            self.guarded().insert(row.name, Guarded::default());
        }
    }

    /// Ends guarding interfaces that the policy no longer names. Returns which they were.
    pub(super) fn let_go_of_others(&self, wanted: &[InterfaceName]) -> Vec<InterfaceName> {
        let rows = self.kernel.interfaces().unwrap_or_default();
        let mut gone = Vec::new();
        for row in rows.into_iter().filter(|row| !wanted.contains(&row.name)) {
            self.guarded().remove(&row.name);
            match self.kernel.detach(&row.name) {
                Ok(_) => {
                    tracing::warn!(interface = %row.name, "no longer in the policy: detached, unguarded from now on");
                    gone.push(row.name);
                }
                Err(error) => tracing::warn!(interface = %row.name, %error, "could not be detached"),
            }
        }
        gone
    }

    /// Interfaces of the policy that an operator detached.
    pub(super) fn let_go(&self) -> Vec<InterfaceName> {
        let names = self.names();
        let live = self.live();
        if self.pending().is_some() {
            // What an unconfirmed policy newly names is not guarded before it is confirmed.
            return Vec::new();
        }
        live.inputs.config.interfaces.iter().filter(|name| !names.contains(name)).cloned().collect()
    }

    /// Those that ought to be guarded.
    pub(super) fn names(&self) -> Vec<InterfaceName> {
        self.guarded().keys().cloned().collect()
    }

    fn guarded(&self) -> MutexGuard<'_, BTreeMap<InterfaceName, Guarded>> {
        self.guarded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what is wrong once, not every few seconds.
    fn complain(&self, name: &InterfaceName, complaint: &str) {
        if self.note(name, Some(complaint)) {
            tracing::warn!(interface = %name, problem = complaint, "NOT GUARDED; tried again until it is");
        }
    }

    /// Remembers what is wrong with an interface. Returns whether that is new.
    fn note(&self, name: &InterfaceName, complaint: Option<&str>) -> bool {
        let mut guarded = self.guarded();
        let Some(state) = guarded.get_mut(name) else { return false };
        let changed = state.complaint.as_deref() != complaint;
        state.complaint = complaint.map(str::to_owned);
        changed
    }
}

fn report(row: &Attached) {
    let (interface, mode, adopted) = (&row.name, row.mode.label(), row.adopted);
    if let (AttachedMode::Generic, Some(why)) = (row.mode, &row.fallback) {
        tracing::warn!(
            %interface, mode, adopted, why,
            "guarded in generic mode: the kernel has already paid for each packet that is dropped"
        );
    } else {
        tracing::info!(%interface, mode, adopted, "guarded");
    }
}
