use std::path::Path;
use std::sync::PoisonError;

use super::Gate;
use super::start::{attach_all, take_off_fresh};
use crate::api::Failure;
use crate::api::types::{LastReload, Reloaded};
use crate::config::{Config, InterfaceName};
use crate::daemon::clock;

impl Gate {
    /// Reads the policy file, the lists and the geo database again. All of it takes effect, or nothing does.
    ///
    /// # Errors
    /// When something is not valid, an interface cannot be guarded, or the kernel refuses. What was in force still is.
    pub fn reload(&self) -> Result<Reloaded, Failure> {
        let reloaded = self.try_reload();
        let error = reloaded.as_ref().err().map(ToString::to_string);
        if let Some(error) = &error {
            tracing::error!(%error, "reload failed; the policy before stays in force");
        }
        let outcome = LastReload { successful: error.is_none(), time: clock::now(), error };
        *self.last_reload.write().unwrap_or_else(PoisonError::into_inner) = outcome;
        reloaded
    }

    /// The policy file.
    #[must_use]
    pub fn policy_file(&self) -> Option<&Path> {
        self.options.config.as_deref()
    }

    fn try_reload(&self) -> Result<Reloaded, Failure> {
        let only = self.only_change();
        let config = self.options.load()?;
        let before = self.live();
        let needs_restart = needs_restart(&before.inputs.config, &config);
        if !needs_restart.is_empty() {
            tracing::warn!(
                keys = needs_restart.join(", "),
                "changed in the policy file; takes effect at the next start (a table's size: after `xdpgate detach`)"
            );
        }
        let wanted = config.interfaces.clone();
        let inputs = before.inputs.reload(config, Some(&self.store))?;
        drop(before);

        // New interfaces first enforce the policy that is live, then change over with the others.
        let guarded: Vec<InterfaceName> = self.names();
        let new: Vec<InterfaceName> = wanted.iter().filter(|name| !guarded.contains(name)).cloned().collect();
        let attached = attach_all(&self.kernel, &new)?;
        let changed = self.replace(&only, inputs, |_| Ok(()), |_| Ok(()));
        let changed = changed.inspect_err(|_| take_off_fresh(&self.kernel, &attached))?;
        self.guard(attached);
        let detached = self.let_go_of_others(&wanted);
        Ok(Reloaded {
            generation: changed.generation,
            sizes: changed.sizes,
            attached: new,
            detached,
            needs_restart,
        })
    }
}

/// The keys that differ and that only a start reads.
fn needs_restart(before: &Config, after: &Config) -> Vec<String> {
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
