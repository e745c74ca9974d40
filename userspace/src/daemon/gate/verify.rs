//! Whether the kernel's tables hold what the policy, the lists and the bans say.

use std::sync::PoisonError;
use std::time::Instant;

use super::Gate;
use super::replace::Change;
use crate::api::Failure;
use crate::api::types::{ChecksStatus, TableDrift, Verified};
use crate::daemon::{Caller, clock};
use crate::kernel::PolicyDrift;

impl Gate {
    /// Compares everything that the kernel's tables hold with what it should be, while traffic goes on, and mends what
    /// differs. The policy is compiled again for it: what is compared is what the policy, the lists and the geo database say.
    ///
    /// # Errors
    /// When the tables or the database can't be read or written. What was mended until then stays mended.
    pub fn verify(&self, caller: &Caller) -> Result<Verified, Failure> {
        let started = Instant::now();
        let found = self.drift_of_policy().and_then(|policy| {
            let bans = self.bans.check(&self.kernel, &self.store)?;
            Ok(tables(policy).into_iter().chain([("bans", bans.missing + bans.unexpected)]))
        });
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(%error, "the kernel's tables could not be checked");
                self.checks.write().unwrap_or_else(PoisonError::into_inner).failed = Some(error.to_string());
                return Err(error);
            }
        };
        let verified = Verified {
            time: clock::now(),
            milliseconds: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            tables: found.map(|(table, entries)| TableDrift { table: table.to_owned(), entries }).collect(),
        };
        let entries = verified.entries();
        if entries > 0 {
            let what = verified.in_words();
            tracing::error!(
                what,
                "THE KERNEL'S TABLES WERE NOT AS THEY SHOULD BE; mended; find out who writes to them"
            );
            self.audit(
                &Change { to: Some(what), ..Change::new(caller, "mend", "the kernel's tables") },
                None,
            );
        }
        let mut checks = self.checks.write().unwrap_or_else(PoisonError::into_inner);
        checks.mended += entries;
        checks.failed = None;
        checks.last = Some(verified.clone());
        Ok(verified)
    }

    /// What the checks have come to.
    pub(super) fn checks(&self) -> ChecksStatus {
        self.checks.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn drift_of_policy(&self) -> Result<PolicyDrift, Failure> {
        // Held throughout: what is live must not change while it is compared.
        let _only = self.only_change();
        let pending = self.pending();
        if pending.is_some() && self.kernel.has_returned() {
            // The policy before is about to be written anew.
            return Ok(PolicyDrift::default());
        }
        let live = self.live();
        let image = live.inputs.compile(live.settings.generation)?;
        Ok(self.kernel.mend(&image, pending.map(|pending| pending.return_at))?)
    }
}

const fn tables(drift: PolicyDrift) -> [(&'static str, u64); 5] {
    let PolicyDrift { control, settings, prefixes, attributes, rules } = drift;
    [
        ("control", control),
        ("settings", settings),
        ("prefixes", prefixes),
        ("attributes", attributes),
        ("rules", rules),
    ]
}
