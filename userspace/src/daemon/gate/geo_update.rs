//! Databases whose files change: read, checked and swapped while packets pass. The last good one stays in use.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::replace::Change;
use super::{Gate, lockout};
use crate::api::Failure;
use crate::api::types::{GeoUpdate, GeoUpdated};
use crate::daemon::inputs::{Database, Loaded};
use crate::daemon::{Caller, Inputs, LoadedAsn, LoadedGeo};

/// When the files were last looked at, and what was wrong with them then.
#[derive(Debug, Default)]
pub(super) struct GeoWatch(Mutex<Watched>);

#[derive(Debug, Default)]
struct Watched {
    looked: Option<Instant>,
    /// What was wrong when a file was last read; it is said once.
    problems: Vec<String>,
}

impl GeoWatch {
    /// What is wrong with the files.
    pub(super) fn problems(&self) -> Vec<String> {
        self.lock().problems.clone()
    }

    fn is_due(&self, every: Duration) -> bool {
        let mut watched = self.lock();
        let is_due = watched.looked.is_none_or(|looked| looked.elapsed() >= every);
        if is_due {
            watched.looked = Some(Instant::now());
        }
        is_due
    }

    fn note(&self, problems: Vec<String>) {
        let mut watched = self.lock();
        for problem in problems.iter().filter(|problem| !watched.problems.contains(problem)) {
            tracing::error!(problem, "a database was not taken; the one before stays in use");
        }
        watched.problems = problems;
    }

    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What came of looking at the file of a database.
enum Look<D> {
    /// There is no database, or its file is the one that was read.
    Same,
    New(Arc<Loaded<D>>),
    Refused(String),
}

impl Gate {
    /// Looks at the files of the databases when it is time to, and swaps what has changed.
    pub fn watch_databases(&self) {
        let live = self.live();
        let any = live.inputs.geo.is_some() || live.inputs.asn.is_some();
        if !any || !self.geo_watch.is_due(live.inputs.config.geo.check_every) || self.pending().is_some() {
            return;
        }
        if let Err(error) = self.update_databases(false, &Caller::daemon()) {
            self.geo_watch.note(vec![error.to_string()]);
        }
    }

    /// Reads the files of the databases that have changed, and swaps what is valid. A database with less than half the ranges
    /// of the one in use is refused, unless that is what the caller wants.
    ///
    /// # Errors
    /// When there is no database, the operator would lock himself out, or the kernel or the disk refuses.
    pub fn update_databases(&self, force: bool, caller: &Caller) -> Result<GeoUpdated, Failure> {
        let before = self.live();
        if before.inputs.geo.is_none() && before.inputs.asn.is_none() {
            return Err(super::geo::no_database());
        }
        // Read before the lock: a large database takes a while.
        let geo = look(before.inputs.geo.as_ref(), force);
        let asn = look(before.inputs.asn.as_ref(), force);
        let mut databases = Vec::new();
        databases.extend(before.inputs.geo.as_ref().map(|in_use| told(in_use, &geo)));
        databases.extend(before.inputs.asn.as_ref().map(|in_use| told(in_use, &asn)));
        let problems: Vec<_> = databases.iter().filter_map(|one| one.problem.clone()).collect();
        let is_new = databases.iter().any(|one| one.swapped);
        let changed = if is_new { Some(self.swap(&before.inputs, geo, asn, force, caller)?) } else { None };
        self.geo_watch.note(problems);
        Ok(GeoUpdated { databases, changed })
    }

    fn swap(
        &self,
        seen: &Inputs,
        geo: Look<crate::feeds::GeoDatabase>,
        asn: Look<crate::feeds::AsnDatabase>,
        force: bool,
        caller: &Caller,
    ) -> Result<crate::api::types::Changed, Failure> {
        let only = self.policy_change()?;
        let live = self.live();
        if !is_same(seen.geo.as_ref(), live.inputs.geo.as_ref())
            || !is_same(seen.asn.as_ref(), live.inputs.asn.as_ref())
        {
            return Err(Failure::failed(
                "another database was named meanwhile; look again: xdpgate geo update",
            ));
        }
        let geo: Option<Arc<LoadedGeo>> = or_before(geo, live.inputs.geo.as_ref());
        let asn: Option<Arc<LoadedAsn>> = or_before(asn, live.inputs.asn.as_ref());
        let built = |inputs: &Inputs| {
            let geo =
                inputs.geo.as_ref().map(|geo| geo.info()).map(|info| (info.name, info.built, info.ranges));
            let asn =
                inputs.asn.as_ref().map(|asn| asn.info()).map(|info| (info.name, info.built, info.ranges));
            let named = geo.into_iter().chain(asn).map(|(name, built, ranges)| match built {
                Some(built) => format!("{name} of {}, {ranges} ranges", built.strftime("%F")),
                None => format!("{name}, {ranges} ranges"),
            });
            named.collect::<Vec<_>>().join("; ")
        };
        let after = live.inputs.with_databases(geo, asn)?;
        let change = Change::new(caller, "geo update", "").between(built(&live.inputs), built(&after));
        let approve = |image: &_| lockout::check_image(&live.inputs, &after, image, caller, force);
        let changed = self.replace(&only, after.clone(), approve, &change)?;
        tracing::info!(databases = built(&after), "databases swapped");
        Ok(changed)
    }
}

fn look<D: Database>(in_use: Option<&Arc<Loaded<D>>>, force: bool) -> Look<D> {
    let Some(in_use) = in_use.filter(|in_use| in_use.has_changed()) else { return Look::Same };
    match Loaded::<D>::open(&in_use.path, in_use.origin) {
        Err(error) => Look::Refused(error.to_string()),
        Ok(new) if new.database == in_use.database => {
            in_use.take_stamp(&new);
            Look::Same
        }
        Ok(new) => match new.shrinkage(in_use).filter(|_| !force) {
            Some(problem) => Look::Refused(format!("{problem}; --force takes it nevertheless")),
            None => Look::New(Arc::new(new)),
        },
    }
}

fn told<D: Database>(in_use: &Loaded<D>, look: &Look<D>) -> GeoUpdate {
    let before = in_use.database.ranges() as u64;
    let (ranges, swapped, problem) = match look {
        Look::Same => (before, false, None),
        Look::New(new) => (new.database.ranges() as u64, true, None),
        Look::Refused(problem) => (before, false, Some(problem.clone())),
    };
    GeoUpdate { path: in_use.path.clone(), kind: D::KIND.to_owned(), before, ranges, swapped, problem }
}

fn or_before<D>(look: Look<D>, before: Option<&Arc<Loaded<D>>>) -> Option<Arc<Loaded<D>>> {
    if let Look::New(new) = look { Some(new) } else { before.cloned() }
}

fn is_same<D>(seen: Option<&Arc<Loaded<D>>>, now: Option<&Arc<Loaded<D>>>) -> bool {
    match (seen, now) {
        (Some(seen), Some(now)) => Arc::ptr_eq(seen, now),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}
