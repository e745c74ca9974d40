use std::sync::PoisonError;

use jiff::Timestamp;

use super::Gate;
use crate::api::Failure;
use crate::api::types::{
    GeoRule, InterfaceStatus, KernelInfo, PolicyStatus, Status, TableStatus, Verified, XdpMode,
};
use crate::config::InterfaceName;
use crate::daemon::clock;
use crate::kernel::{Attached, TableUse};

/// A table this full is worth a look, in percent.
const FULL_PERCENT: u64 = 90;
/// A database of this age is worth a look.
const OLD_DATABASE_DAYS: i64 = 90;

impl Gate {
    /// How the daemon is.
    ///
    /// # Errors
    /// When the kernel or the store cannot be read.
    pub fn status(&self) -> Result<Status, Failure> {
        let live = self.live();
        let rows = self.kernel.interfaces()?;
        let tables = self.kernel.occupancy()?;
        let not_ready = self.not_ready();
        let features = self.kernel.features();
        let last_reload = self.last_reload();
        let mut problems = not_ready.clone();
        problems.extend(last_reload.error.iter().map(|error| format!("the last reload failed: {error}")));
        problems.extend(tables.iter().filter_map(nearly_full));
        problems.extend(self.bans.problem());
        let checks = self.checks();
        problems
            .extend(checks.failed.iter().map(|why| format!("the kernel's tables can't be checked: {why}")));
        problems.extend(checks.last.iter().filter(|last| last.entries() > 0).map(drifted));
        problems.extend(self.list_problems());
        let crowdsec = self.crowdsec_status();
        problems.extend(crowdsec.iter().filter_map(|crowdsec| crowdsec.error.as_ref()).map(|error| {
            format!("CrowdSec does not answer; what it decided before holds until it ends: {error}")
        }));
        let geo = live.inputs.geo.as_ref().map(|geo| geo.info());
        let asn = live.inputs.asn.as_ref().map(|asn| asn.info());
        let built = geo.iter().map(|geo| (&geo.name, geo.built));
        let built = built.chain(asn.iter().map(|asn| (&asn.name, asn.built)));
        problems.extend(built.filter_map(|(name, built)| old_database(name, built?)));
        problems.extend(self.geo_watch.problems());
        let pending = self.pending_status();
        problems.extend(pending.iter().filter_map(|pending| pending.problem.as_ref()).map(|problem| {
            format!("the policy before is in force, but the daemon can't take it over: {problem}")
        }));
        let differs_from_file =
            *self.seen.read().unwrap_or_else(PoisonError::into_inner) != *live.inputs.policy;
        if differs_from_file && pending.is_none() {
            problems.push(format!(
                "the policy file is not what is in force, which is history entry {}; `xdpgate reload` loads the file",
                self.in_words(live.number).trim_start_matches("entry ")
            ));
        }
        let audit_failures = self.audit.failures();
        if audit_failures > 0 {
            let path = self.audit.path().display();
            problems.push(format!(
                "{audit_failures} lines could not be written to the audit log {path}; see the daemon's log"
            ));
        }
        if self.bans_left_out > 0 {
            let left_out = self.bans_left_out;
            problems.push(format!(
                "{left_out} bans had no room; raise tables.bans and restart after `xdpgate detach`"
            ));
        }
        Ok(Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started: self.started,
            ready: not_ready.is_empty(),
            problems,
            paused: self.kernel.paused(),
            generation: self.kernel.live_generation(),
            policy: PolicyStatus {
                file: self.options.config.clone(),
                loaded: live.inputs.loaded,
                number: live.number,
                differs_from_file,
                pending,
                modes: live.inputs.modes_set(),
                last_reload,
                sizes: live.sizes,
            },
            interfaces: self.interface_rows(rows),
            bans: self.kernel.count_bans(),
            allow: (live.inputs.config.allow.len() + live.inputs.allow.len()) as u64,
            lists: live.inputs.lists.len() as u64,
            audit_failures,
            checks,
            crowdsec,
            country: GeoRule::from(&live.inputs.country_rule()).summary(),
            geo_database: geo,
            asn_database: asn,
            tables: tables.into_iter().map(table).collect(),
            kernel: KernelInfo { release: features.kernel.clone(), fragments: features.frags },
        })
    }

    /// Why not every interface enforces a live generation.
    #[must_use]
    pub fn not_ready(&self) -> Vec<String> {
        let unguarded = self.unguarded().into_iter();
        let mut problems: Vec<_> =
            unguarded.map(|(name, why)| format!("{name} is not guarded: {why}")).collect();
        problems.extend(
            self.let_go()
                .iter()
                .map(|name| format!("{name} was detached by an operator; `xdpgate reload` guards it again")),
        );
        if self.kernel.live_generation() == 0 {
            problems.push("no policy is live".to_owned());
        }
        problems
    }

    /// Those that are attached, and those that ought to be.
    fn interface_rows(&self, rows: Vec<Attached>) -> Vec<InterfaceStatus> {
        let wanted = self.names().into_iter().chain(self.let_go());
        let missing = wanted.filter(|name| !rows.iter().any(|row| row.name == *name));
        let missing: Vec<_> = missing.map(not_attached).collect();
        rows.into_iter().map(attached).chain(missing).collect()
    }
}

/// Databases come out once a month or more often, and addresses move on meanwhile.
fn old_database(name: &str, built: Timestamp) -> Option<String> {
    let days = clock::now().duration_since(built).as_hours() / 24;
    (days > OLD_DATABASE_DAYS)
        .then(|| format!("the database {name} was built {days} days ago; put a newer one in its place"))
}

fn attached(row: Attached) -> InterfaceStatus {
    InterfaceStatus {
        name: row.name,
        ifindex: row.ifindex,
        mode: row.mode.into(),
        adopted: row.adopted,
        enforcing: row.enforcing,
    }
}

const fn not_attached(name: InterfaceName) -> InterfaceStatus {
    InterfaceStatus { name, ifindex: 0, mode: XdpMode::None, adopted: false, enforcing: false }
}

fn table(table: TableUse) -> TableStatus {
    TableStatus { name: table.name.to_owned(), used: table.used, capacity: table.capacity }
}

fn drifted(last: &Verified) -> String {
    format!(
        "at {} the kernel's tables did not hold what they should ({}); they do again; find out who writes to them",
        last.time.strftime("%H:%M:%S UTC"),
        last.in_words()
    )
}

fn nearly_full(table: &TableUse) -> Option<String> {
    let full = table.used.saturating_mul(100) >= table.capacity.saturating_mul(FULL_PERCENT);
    (full && table.capacity > 0)
        .then(|| format!("the table {} is nearly full ({} of {})", table.name, table.used, table.capacity))
}
