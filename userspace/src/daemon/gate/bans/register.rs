//! Bans in the kernel and in the store, kept in step.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use xdpgate_ebpf::abi::NEVER_EXPIRES;

use super::check::ClockMoves;
use super::holdings::{Held, Holdings};
use super::journal::{Entry, Journal};
use crate::api::Failure;
use crate::daemon::clock::Deadline;
use crate::kernel::{Kernel, KernelError};
use crate::store::{BanChange, BanNote, BanRecord, EndedBans, Store};

/// What enforces bans: the kernel, or a model of it.
pub(in crate::daemon) trait Enforcer {
    /// Bans all until these times of `CLOCK_MONOTONIC`, or changes nothing. Returns how many are new.
    fn ban_all(&self, bans: &[(IpNet, Option<u64>)]) -> Result<usize, KernelError>;
    /// Lifts a ban. False: there was none.
    fn unban(&self, prefix: IpNet) -> bool;
    /// When a ban of exactly this prefix ends, [`NEVER_EXPIRES`] among the times; `None` without one.
    fn ban_end(&self, prefix: IpNet) -> Option<u64>;
    /// The prefixes among these that are banned for longer.
    fn held_longer(&self, bans: &[(IpNet, Option<u64>)]) -> Vec<IpNet>;
}

impl Enforcer for Kernel {
    fn ban_all(&self, bans: &[(IpNet, Option<u64>)]) -> Result<usize, KernelError> {
        Self::ban_all(self, bans)
    }

    fn unban(&self, prefix: IpNet) -> bool {
        Self::unban(self, prefix)
    }

    fn ban_end(&self, prefix: IpNet) -> Option<u64> {
        Self::ban_end(self, prefix).map(|end| end.unwrap_or(NEVER_EXPIRES))
    }

    fn held_longer(&self, bans: &[(IpNet, Option<u64>)]) -> Vec<IpNet> {
        Self::held_longer(self, bans)
    }
}

/// The bans of a daemon. A change is enforced first, then spooled, then answered: what was answered survives the end of the
/// process, and nobody waits for the database.
///
/// Several sources may ban one prefix. The kernel has the latest of their ends, so that only a change that would move an end
/// to an earlier time has to ask who else bans the prefix; all others ask nobody.
#[derive(Debug, Default)]
pub(in crate::daemon) struct BanRegister {
    /// Orders what comes into force. Held for the kernel's tables only, never for the store.
    order: Mutex<()>,
    journal: Journal,
    clocks: ClockMoves,
}

/// Bans with one note, as they are to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::daemon) struct NewBans {
    pub(in crate::daemon) note: BanNote,
    pub(in crate::daemon) prefixes: Vec<IpNet>,
}

/// Bans that are cleared away at once; those who ban meanwhile wait for no more.
const SWEPT_AT_ONCE: usize = 512;
/// Likewise, of bans that one source lifts.
const LIFTED_AT_ONCE: usize = 4_096;
/// The kernel's tables round ends up, by at most this.
const ROUNDED_UP: SignedDuration = SignedDuration::from_millis(100);

impl BanRegister {
    /// Bans all, or none; all of one source. Where a prefix comes twice, its last note holds. Returns how many are new.
    pub(in crate::daemon) fn ban(
        &self,
        enforcer: &impl Enforcer,
        store: &Store,
        new: Vec<NewBans>,
    ) -> Result<usize, Failure> {
        let deadline = Deadline::now();
        let ends = new.iter().flat_map(|bans| {
            let end = deadline.monotonic(bans.note.expires);
            bans.prefixes.iter().map(move |prefix| (*prefix, end))
        });
        let mut ends: Vec<_> = ends.collect();
        let source = new.first().map(|bans| bans.note.source.clone()).unwrap_or_default();
        let change = BanChange::Put(new.into_iter().map(|bans| (bans.note, bans.prefixes)).collect());
        self.journal.make_room(store);
        let (count, entry) = self.enforce(store, change, || {
            self.respect_others(enforcer, store, deadline, &source, &mut ends)?;
            let made = enforcer.ban_all(&ends);
            made.map_err(|error| none_made(ends.len(), error))
        })?;
        self.journal.keep(store, &entry).map_err(|error| {
            not_stored("in force", &error, "they end with the daemon, unless it can store them until then")
        })?;
        Ok(count)
    }

    /// Lifts everybody's bans of exactly these prefixes, in the database too. Returns those that there were.
    pub(in crate::daemon) fn unban(
        &self,
        enforcer: &impl Enforcer,
        store: &Store,
        prefixes: &[IpNet],
    ) -> Result<Vec<IpNet>, Failure> {
        let change = BanChange::Delete(None, prefixes.to_vec());
        self.journal.make_room(store);
        let (mut removed, entry) = self.enforce(store, change, || {
            let lifted = prefixes.iter().copied().filter(|prefix| enforcer.unban(*prefix));
            Ok::<Vec<IpNet>, Failure>(lifted.collect())
        })?;
        match self.journal.write(store, &entry) {
            // The tables may have had no room for what the store has.
            Ok(stored) => removed.extend(stored),
            Err(_) if entry.is_spooled() => {}
            Err(error) => {
                let otherwise = "they come back at the next start, unless the daemon can store it until then";
                return Err(not_stored("lifted", &error, otherwise));
            }
        }
        Ok(removed)
    }

    /// Lifts the bans of one source of exactly these prefixes. What others ban stays banned. Returns those that there were.
    pub(in crate::daemon) fn unban_of(
        &self,
        enforcer: &impl Enforcer,
        store: &Store,
        source: &str,
        prefixes: &[IpNet],
    ) -> Result<Vec<IpNet>, Failure> {
        let mut removed = Vec::new();
        for prefixes in prefixes.chunks(LIFTED_AT_ONCE) {
            self.journal.make_room(store);
            let change = BanChange::Delete(Some(source.to_owned()), prefixes.to_vec());
            let (lifted, entry) = self.enforce(store, change, || {
                let held = self.holdings(store, prefixes)?;
                let lifted = prefixes.iter().copied().filter(|prefix| held.has(*prefix, source));
                let lifted: Vec<IpNet> = lifted.collect();
                leave_to_others(enforcer, &held, source, &lifted)?;
                Ok::<_, Failure>(lifted)
            })?;
            removed.extend(lifted);
            self.journal.keep(store, &entry).map_err(|error| {
                let otherwise = "they come back at the next start, unless the daemon can store it until then";
                not_stored("lifted", &error, otherwise)
            })?;
        }
        Ok(removed)
    }

    /// Returns when the database has all that has come into force, or has refused it.
    pub(in crate::daemon) fn finish(&self, store: &Store) {
        self.journal.finish(store);
    }

    /// Clears away what has ended, and brings what waits into the database. Both clocks are of the same moment. Returns
    /// how many bans have gone.
    pub(in crate::daemon) fn sweep(
        &self,
        enforcer: &impl Enforcer,
        store: &Store,
        now: Timestamp,
        monotonic_now: u64,
    ) -> Result<usize, Failure> {
        self.clocks.saw(now, monotonic_now);
        self.journal.write_waiting(store);
        if self.journal.refused() > 0 {
            return Ok(0);
        }
        let moment = Moment { deadline: Deadline::at(now, monotonic_now), now, monotonic_now };
        let mut gone = 0;
        for ended in store.ended_bans(now.saturating_sub(ROUNDED_UP).unwrap_or(now))? {
            gone += self.clear_away(enforcer, store, moment, &ended)?;
        }
        Ok(gone)
    }

    /// The bans that `read` takes from the store, with what is in force and not there yet.
    pub(in crate::daemon) fn with_waiting(
        &self,
        read: impl FnOnce() -> Result<Vec<BanRecord>, Failure>,
        concerns: impl Fn(IpNet) -> bool,
    ) -> Result<Vec<BanRecord>, Failure> {
        // Before the store is read: what is no longer waiting then, the store has.
        let waiting = self.journal.waiting();
        let records = read()?;
        if waiting.is_empty() {
            return Ok(records);
        }
        let mut held = Holdings::of(records);
        for entry in &waiting {
            held.make(entry.change(), &concerns);
        }
        Ok(held.records())
    }

    /// Whether a change could be made without waiting for another one, or for the database.
    pub(in crate::daemon) fn is_at_rest(&self) -> bool {
        self.order.try_lock().is_ok() && self.journal.has_room() && self.journal.refused() == 0
    }

    /// What an operator should know.
    pub(in crate::daemon) fn problem(&self) -> Option<String> {
        let refused = self.journal.refused();
        (refused > 0).then(|| {
            format!("{refused} changes of bans are in force, but the database refuses them; check that the disk has room, see the log")
        })
    }

    /// Nothing comes into force, and nothing is lifted, while this is held. To be held briefly.
    pub(super) fn in_order(&self) -> MutexGuard<'_, ()> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) const fn clocks(&self) -> &ClockMoves {
        &self.clocks
    }

    /// Makes a change and takes it down, in one step for all others.
    fn enforce<T, E>(
        &self,
        store: &Store,
        change: BanChange,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<(T, Arc<Entry>), E> {
        let _order = self.in_order();
        let done = work()?;
        Ok((done, self.journal.add(store, change)))
    }

    fn clear_away(
        &self,
        enforcer: &impl Enforcer,
        store: &Store,
        moment: Moment,
        ended: &EndedBans,
    ) -> Result<usize, Failure> {
        let mut held_until = None;
        let mut gone = 0;
        for prefixes in ended.prefixes.chunks(SWEPT_AT_ONCE) {
            let (over, held) = self.clear_some(enforcer, store, moment, prefixes)?;
            held_until = held_until.max(held);
            gone += over.len();
            self.write(store, BanChange::Forget(ended.note, over))?;
        }
        self.write(store, BanChange::EndNote(ended.note, held_until))?;
        Ok(gone)
    }

    /// Takes those out of the tables that have ended by the kernel's clock: a wall clock that was set forward must not end a
    /// ban early. Returns them with those that others go on to ban, and the latest end of the rest.
    fn clear_some(
        &self,
        enforcer: &impl Enforcer,
        store: &Store,
        moment: Moment,
        prefixes: &[IpNet],
    ) -> Result<(Vec<IpNet>, Option<Timestamp>), Failure> {
        let _order = self.in_order();
        let (mut over, mut in_force) = (Vec::new(), Vec::new());
        for prefix in prefixes {
            match enforcer.ban_end(*prefix) {
                Some(end) if end > moment.monotonic_now => in_force.push((*prefix, end)),
                end => {
                    if end.is_some() {
                        enforcer.unban(*prefix);
                    }
                    over.push(*prefix);
                }
            }
        }
        let mut held_until = None;
        if in_force.is_empty() {
            return Ok((over, held_until));
        }
        let held = self.holdings(store, &in_force.iter().map(|(prefix, _)| *prefix).collect::<Vec<_>>())?;
        for (prefix, end) in in_force {
            if held.holds(prefix, moment.now) {
                over.push(prefix);
            } else if end == NEVER_EXPIRES {
                enforcer.unban(prefix);
                over.push(prefix);
            } else {
                held_until = held_until.max(Some(moment.deadline.wall(end)));
            }
        }
        Ok((over, held_until))
    }

    /// Moves ends to later ones that other sources ask for.
    fn respect_others(
        &self,
        enforcer: &impl Enforcer,
        store: &Store,
        deadline: Deadline,
        source: &str,
        ends: &mut [(IpNet, Option<u64>)],
    ) -> Result<(), Failure> {
        let longer = enforcer.held_longer(ends);
        if longer.is_empty() {
            return Ok(());
        }
        let held = self.holdings(store, &longer)?;
        let longer: HashSet<IpNet> = longer.into_iter().collect();
        for (prefix, end) in ends.iter_mut().filter(|(prefix, _)| longer.contains(prefix)) {
            let until = enforcer.ban_end(*prefix).unwrap_or(0);
            let others = at_most(until, held.by_others(*prefix, source), deadline);
            *end = later_of(*end, others);
        }
        Ok(())
    }

    /// Who bans these prefixes. Under the lock that orders what comes into force.
    fn holdings(&self, store: &Store, prefixes: &[IpNet]) -> Result<Holdings, Failure> {
        // Before the store is read, as in `with_waiting`.
        let waiting = self.journal.waiting();
        let mut held = Holdings::of(store.bans_of(prefixes)?);
        if !waiting.is_empty() {
            let asked: HashSet<IpNet> = prefixes.iter().map(IpNet::trunc).collect();
            for entry in &waiting {
                held.make(entry.change(), |prefix| asked.contains(&prefix));
            }
        }
        Ok(held)
    }

    fn write(&self, store: &Store, change: BanChange) -> Result<(), Failure> {
        let entry = self.journal.add(store, change);
        self.journal.write(store, &entry).map(|_| ()).map_err(Failure::failed)
    }
}

/// One moment by both clocks.
#[derive(Clone, Copy)]
struct Moment {
    deadline: Deadline,
    now: Timestamp,
    monotonic_now: u64,
}

/// Takes out of the tables what nobody but `source` bans, and moves the other ends to those of the others.
fn leave_to_others(
    enforcer: &impl Enforcer,
    held: &Holdings,
    source: &str,
    lifted: &[IpNet],
) -> Result<(), Failure> {
    let deadline = Deadline::now();
    let mut left = Vec::new();
    for prefix in lifted {
        match (held.by_others(*prefix, source), enforcer.ban_end(*prefix)) {
            (_, None) => {}
            (Held::ByNobody, Some(_)) => {
                enforcer.unban(*prefix);
            }
            (others, Some(until)) => left.push((*prefix, at_most(until, others, deadline))),
        }
    }
    // They have their slots.
    enforcer.ban_all(&left)?;
    Ok(())
}

/// When others let a prefix go, but no later than what is enforced: that is the latest of all ends, whatever the wall clock was
/// set to since.
fn at_most(until: u64, others: Held, deadline: Deadline) -> Option<u64> {
    let others = match others {
        Held::ByNobody => 0,
        Held::Until(end) => deadline.monotonic(Some(end)).unwrap_or(NEVER_EXPIRES),
        Held::ForGood => NEVER_EXPIRES,
    };
    Some(others.min(until)).filter(|end| *end != NEVER_EXPIRES)
}

/// `None` is never.
fn later_of(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    Some(one?.max(other?))
}

fn none_made(asked: usize, error: KernelError) -> Failure {
    let mut failure = Failure::from(error);
    if asked > 1 {
        failure.message = format!("none of the {asked} bans was made: {}", failure.message);
    }
    failure
}

fn not_stored(done: &str, error: &str, otherwise: &str) -> Failure {
    Failure::failed(format!("{done} now, but not stored: {error}; {otherwise}"))
}

#[cfg(test)]
pub(super) mod tests;
