//! Bans in the kernel and in the store, kept in step.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use xdpgate_ebpf::abi::NEVER_EXPIRES;

use super::check::ClockMoves;
use super::journal::{Entry, Journal};
use crate::api::Failure;
use crate::daemon::clock::Deadline;
use crate::kernel::{Kernel, KernelError};
use crate::store::{BanChange, BanNote, BanRecord, EndedBans, NoteId, Store};

/// What enforces bans: the kernel, or a model of it.
pub(in crate::daemon) trait Enforcer {
    /// Bans all until these times of `CLOCK_MONOTONIC`, or changes nothing. Returns how many are new.
    fn ban_all(&self, bans: &[(IpNet, Option<u64>)]) -> Result<usize, KernelError>;
    /// Lifts a ban. False: there was none.
    fn unban(&self, prefix: IpNet) -> bool;
    /// When a ban of exactly this prefix ends, [`NEVER_EXPIRES`] among the times; `None` without one.
    fn ban_end(&self, prefix: IpNet) -> Option<u64>;
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
}

/// The bans of a daemon. A change is enforced first, then spooled, then answered: what was answered survives the end of the
/// process, and nobody waits for the database.
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
/// The kernel's tables round ends up, by at most this.
const ROUNDED_UP: SignedDuration = SignedDuration::from_millis(100);

impl BanRegister {
    /// Bans all, or none. Where a prefix comes twice, its last note holds. Returns how many are new.
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
        let ends: Vec<_> = ends.collect();
        let change = BanChange::Put(new.into_iter().map(|bans| (bans.note, bans.prefixes)).collect());
        self.journal.make_room(store);
        let (count, entry) = self.enforce(store, change, || {
            let made = enforcer.ban_all(&ends);
            made.map_err(|error| none_made(ends.len(), error))
        })?;
        self.journal.keep(store, &entry).map_err(|error| {
            not_stored("in force", &error, "they end with the daemon, unless it can store them until then")
        })?;
        Ok(count)
    }

    /// Lifts bans of exactly these prefixes, in the database too. Returns those that there were.
    pub(in crate::daemon) fn unban(
        &self,
        enforcer: &impl Enforcer,
        store: &Store,
        prefixes: &[IpNet],
    ) -> Result<Vec<IpNet>, Failure> {
        let change = BanChange::Delete(prefixes.to_vec());
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
        let moment = Moment { deadline: Deadline::at(now, monotonic_now), monotonic_now };
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
        let mut bans: HashMap<IpNet, Arc<BanNote>> =
            records.into_iter().map(|ban| (ban.prefix, ban.note)).collect();
        for entry in &waiting {
            match entry.change() {
                BanChange::Put(groups) => {
                    for (note, prefixes) in groups {
                        let note = Arc::new(note.clone());
                        let prefixes = prefixes.iter().filter(|prefix| concerns(**prefix));
                        bans.extend(prefixes.map(|prefix| (*prefix, Arc::clone(&note))));
                    }
                }
                BanChange::Delete(prefixes) => bans.retain(|prefix, _| !prefixes.contains(prefix)),
                BanChange::Forget(..) | BanChange::EndNote(..) => {}
            }
        }
        Ok(bans.into_iter().map(|(prefix, note)| BanRecord { prefix, note }).collect())
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
            let (over, held) = self.clear_some(enforcer, store, moment, ended.note, prefixes)?;
            held_until = held_until.max(held);
            gone += over.len();
            self.write(store, BanChange::Forget(ended.note, over))?;
        }
        self.write(store, BanChange::EndNote(ended.note, held_until))?;
        Ok(gone)
    }

    /// Takes those out of the tables that have ended by the kernel's clock: a wall clock that was set forward must not end a
    /// ban early. Returns them, and the latest end of the others.
    fn clear_some(
        &self,
        enforcer: &impl Enforcer,
        store: &Store,
        moment: Moment,
        note: NoteId,
        prefixes: &[IpNet],
    ) -> Result<(Vec<IpNet>, Option<Timestamp>), Failure> {
        let _order = self.in_order();
        let (mut over, mut held_until) = (Vec::new(), None);
        for prefix in prefixes {
            match enforcer.ban_end(*prefix) {
                // Somebody has banned it for good since the ended bans were read.
                Some(NEVER_EXPIRES) if self.is_waiting(*prefix) || !store.has_note(*prefix, note)? => {}
                Some(end) if end != NEVER_EXPIRES && end > moment.monotonic_now => {
                    held_until = held_until.max(Some(moment.deadline.wall(end)));
                }
                Some(_) => {
                    enforcer.unban(*prefix);
                    over.push(*prefix);
                }
                None => over.push(*prefix),
            }
        }
        Ok((over, held_until))
    }

    fn is_waiting(&self, prefix: IpNet) -> bool {
        self.journal.waiting().iter().any(|entry| match entry.change() {
            BanChange::Put(groups) => groups.iter().any(|(_, prefixes)| prefixes.contains(&prefix)),
            BanChange::Delete(_) | BanChange::Forget(..) | BanChange::EndNote(..) => false,
        })
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
    monotonic_now: u64,
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
