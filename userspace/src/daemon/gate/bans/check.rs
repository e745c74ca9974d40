//! Whether the kernel honours what the store says, and nothing else.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};

use super::register::{BanRegister, Enforcer};
use super::restore::latest_ends;
use crate::api::Failure;
use crate::daemon::clock::{Deadline, ahead_ns, now};
use crate::kernel::{Kernel, KernelError};
use crate::store::{BanRecord, Store};

/// Candidates that are looked at again under one lock.
const LOOKED_AT_ONCE: usize = 512;
/// Two units in which the kernel's tables count ends, and the time between two readings of the clocks.
const SLACK_NS: u64 = 250_000_000;

/// What an [`Enforcer`] shows to a check.
pub(in crate::daemon) trait Tables: Enforcer {
    /// The positions of bans that packets do not meet until their end, give or take the slack.
    fn not_honoured(&self, wanted: &[(IpNet, Option<u64>)], slack_ns: u64) -> Vec<usize>;
    /// Mends what leads packets to the bans.
    fn rebuild(&self);
    /// How many bans there are.
    fn count(&self) -> u64;
    /// All of them.
    fn all(&self) -> Vec<IpNet>;
}

impl Tables for Kernel {
    fn not_honoured(&self, wanted: &[(IpNet, Option<u64>)], slack_ns: u64) -> Vec<usize> {
        self.bans_not_honoured(wanted, slack_ns)
    }

    fn rebuild(&self) {
        self.rebuild_bans();
    }

    fn count(&self) -> u64 {
        self.count_bans()
    }

    fn all(&self) -> Vec<IpNet> {
        self.bans().into_iter().map(|(prefix, _)| prefix).collect()
    }
}

/// What a check found, and mended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::daemon) struct BanDrift {
    /// Bans that were not honoured, or with another end.
    pub(in crate::daemon) missing: u64,
    /// Bans that nobody asked for.
    pub(in crate::daemon) unexpected: u64,
}

/// How far the wall clock has moved against the kernel's since the bans were loaded. The end of a ban by either clock differs
/// by at most that.
#[derive(Debug, Default)]
pub(in crate::daemon) struct ClockMoves(Mutex<Option<(i128, i128)>>);

impl ClockMoves {
    /// Both clocks at the same moment.
    pub(super) fn saw(&self, wall: Timestamp, monotonic_ns: u64) {
        let offset = ahead_ns(wall, monotonic_ns);
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (least, most) = seen.unwrap_or((offset, offset));
        *seen = Some((least.min(offset), most.max(offset)));
    }

    fn slack_ns(&self) -> u64 {
        let seen = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let moved = seen.map_or(0, |(least, most)| most - least);
        u64::try_from(moved).unwrap_or(u64::MAX).saturating_add(SLACK_NS)
    }
}

impl BanRegister {
    /// Compares what is enforced with what the store and the journal say, and mends what differs. Bans go on meanwhile: what
    /// seems to differ is looked at again while nobody changes it.
    pub(in crate::daemon) fn check(&self, tables: &impl Tables, store: &Store) -> Result<BanDrift, Failure> {
        if let Some(problem) = self.problem() {
            return Err(Failure::failed(problem));
        }
        let slack_ns = self.clocks().slack_ns();
        let wall = now();
        let deadline = Deadline::now();
        let records = self.with_waiting(|| Ok(store.bans()?), |_| true)?;
        let wanted = wanted(&records, wall, deadline);
        let known: HashSet<IpNet> = records.iter().map(|ban| ban.prefix).collect();
        drop(records);
        let check = Check { register: self, tables, store, slack_ns };
        let suspects = tables.not_honoured(&wanted, slack_ns);
        let suspects: Vec<IpNet> = suspects
            .into_iter()
            .filter_map(|position| wanted.get(position))
            .map(|(prefix, _)| *prefix)
            .collect();
        let missing = check.differing(&suspects)?;
        if !missing.is_empty() {
            let _order = self.in_order();
            tables.rebuild();
        }
        // Before what is missing comes back: it may need the room. Ended bans that were not cleared away yet make the count
        // larger than it need be; then the walk finds nothing.
        let unexpected = if !missing.is_empty() || tables.count() != wanted.len() as u64 {
            let all = tables.all().into_iter().filter(|prefix| !known.contains(prefix));
            check.lift_unexpected(&all.collect::<Vec<_>>())?
        } else {
            0
        };
        check.put_back(&missing)?;
        Ok(BanDrift { missing: missing.len() as u64, unexpected })
    }
}

struct Check<'a, T> {
    register: &'a BanRegister,
    tables: &'a T,
    store: &'a Store,
    slack_ns: u64,
}

impl<T: Tables> Check<'_, T> {
    /// Those of the suspects that are not honoured, looked at while nobody changes them.
    fn differing(&self, suspects: &[IpNet]) -> Result<Vec<IpNet>, Failure> {
        let mut differing = Vec::new();
        for chunk in suspects.chunks(LOOKED_AT_ONCE) {
            let _order = self.register.in_order();
            differing.extend(self.not_honoured(chunk)?.into_iter().map(|(prefix, _)| prefix));
        }
        Ok(differing)
    }

    fn put_back(&self, missing: &[IpNet]) -> Result<(), Failure> {
        for chunk in missing.chunks(LOOKED_AT_ONCE) {
            let _order = self.register.in_order();
            self.ban_what_fits(&self.not_honoured(chunk)?)?;
        }
        Ok(())
    }

    /// To be called in order.
    fn not_honoured(&self, prefixes: &[IpNet]) -> Result<Vec<(IpNet, Option<u64>)>, Failure> {
        let wanted = self.wanted(prefixes)?;
        let differing = self.tables.not_honoured(&wanted, self.slack_ns);
        Ok(differing.into_iter().filter_map(|position| wanted.get(position)).copied().collect())
    }

    /// What has no room stays drift, and is found by the next check too.
    fn ban_what_fits(&self, bans: &[(IpNet, Option<u64>)]) -> Result<(), Failure> {
        match self.tables.ban_all(bans) {
            Err(KernelError::TableFull { .. }) if bans.len() > 1 => {
                bans.chunks(1).try_for_each(|ban| self.ban_what_fits(ban))
            }
            Ok(_) | Err(KernelError::TableFull { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn lift_unexpected(&self, suspects: &[IpNet]) -> Result<u64, Failure> {
        let mut lifted = 0;
        for chunk in suspects.chunks(LOOKED_AT_ONCE) {
            let _order = self.register.in_order();
            let known: HashSet<IpNet> =
                self.records(chunk)?.into_iter().map(|ban| ban.prefix.trunc()).collect();
            let unknown = chunk.iter().filter(|prefix| !known.contains(*prefix));
            lifted += unknown.filter(|prefix| self.tables.unban(**prefix)).count() as u64;
        }
        Ok(lifted)
    }

    /// Those of the prefixes that are to be banned now.
    fn wanted(&self, prefixes: &[IpNet]) -> Result<Vec<(IpNet, Option<u64>)>, Failure> {
        let (wall, deadline) = (now(), Deadline::now());
        Ok(wanted(&self.records(prefixes)?, wall, deadline))
    }

    fn records(&self, prefixes: &[IpNet]) -> Result<Vec<BanRecord>, Failure> {
        let asked: HashSet<IpNet> = prefixes.iter().copied().collect();
        self.register
            .with_waiting(|| Ok(self.store.bans_of(prefixes)?), |waiting| asked.contains(&waiting.trunc()))
    }
}

/// Of each prefix that is to be banned now, the latest end.
fn wanted(records: &[BanRecord], wall: Timestamp, deadline: Deadline) -> Vec<(IpNet, Option<u64>)> {
    // Shortly before its end a ban may be cleared away at any moment.
    let soon = wall.saturating_add(SignedDuration::from_secs(1)).unwrap_or(wall);
    let in_force = records.iter().filter(|ban| ban.note.expires.is_none_or(|expires| expires > soon));
    latest_ends(in_force, deadline)
}

#[cfg(test)]
mod tests;
