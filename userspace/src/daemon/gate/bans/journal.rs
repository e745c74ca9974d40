//! What is in force and still has to be written to the store.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use ipnet::IpNet;

use crate::store::{BanChange, Store, StoreError};

/// The most prefixes that wait for the store; then whoever adds some writes them.
const MOST_WAITING: usize = 2_000_000;

/// Changes of bans, in the order in which they came into force. They are spooled when they are added, which is quick and
/// outlives the process, and go into the database together with others.
#[derive(Debug, Default)]
pub(super) struct Journal {
    waiting: Mutex<Waiting>,
    writing: Mutex<()>,
    refused: AtomicBool,
}

#[derive(Debug, Default)]
struct Waiting {
    entries: VecDeque<Arc<Entry>>,
    prefixes: usize,
}

/// A change on its way.
#[derive(Debug)]
pub(super) struct Entry {
    change: BanChange,
    spooled: bool,
    written: OnceLock<Written>,
}

/// Which of the bans to delete were there, or what the store said.
pub(super) type Written = Result<Vec<IpNet>, String>;

impl Journal {
    /// Takes a change. To be called under the lock that orders what comes into force.
    pub(super) fn add(&self, store: &Store, change: BanChange) -> Arc<Entry> {
        // One lock for both, so that both have the same order.
        let mut waiting = lock(&self.waiting);
        if waiting.prefixes >= MOST_WAITING {
            let written = Err("it has refused too many changes already".to_owned()).into();
            return Arc::new(Entry { change, spooled: false, written });
        }
        let spooled = store.spool_change(&change).inspect_err(|error| tracing::debug!(%error, "not spooled"));
        let entry = Arc::new(Entry { change, spooled: spooled.is_ok(), written: OnceLock::new() });
        waiting.prefixes += weight(&entry);
        waiting.entries.push_back(Arc::clone(&entry));
        entry
    }

    /// Writes what waits if it is too much to wait. To be called before that lock is taken.
    pub(super) fn make_room(&self, store: &Store) {
        if !self.has_room() {
            let _only = lock(&self.writing);
            self.write_all(store);
        }
    }

    pub(super) fn has_room(&self) -> bool {
        lock(&self.waiting).prefixes < MOST_WAITING
    }

    /// Returns when the change survives the end of the process, or the store has refused that.
    pub(super) fn keep(&self, store: &Store, entry: &Entry) -> Result<(), String> {
        if entry.is_spooled() { Ok(()) } else { self.write(store, entry).map(|_| ()) }
    }

    /// Returns when the change is in the database, or the store has refused it. A refused one goes on waiting, and is
    /// tried again with the next.
    pub(super) fn write(&self, store: &Store, entry: &Entry) -> Written {
        let _only = lock(&self.writing);
        if entry.written.get().is_none() {
            self.write_all(store);
        }
        // Every entry was added before it is written, so there is an outcome now.
        entry.written.get().cloned().unwrap_or_else(|| Err("it was forgotten".to_owned()))
    }

    /// Writes what waits, unless somebody is about it.
    pub(super) fn write_waiting(&self, store: &Store) {
        let Ok(_only) = self.writing.try_lock() else { return };
        self.write_all(store);
    }

    /// Writes what waits, after whoever is about it.
    pub(super) fn finish(&self, store: &Store) {
        let _only = lock(&self.writing);
        self.write_all(store);
    }

    /// How many changes the store has refused.
    pub(super) fn refused(&self) -> usize {
        if self.refused.load(Ordering::Relaxed) { lock(&self.waiting).entries.len() } else { 0 }
    }

    /// The changes that the database may not have yet, oldest first.
    pub(super) fn waiting(&self) -> Vec<Arc<Entry>> {
        lock(&self.waiting).entries.iter().map(Arc::clone).collect()
    }

    #[cfg(test)]
    pub(super) fn hold(&self) -> MutexGuard<'_, ()> {
        lock(&self.writing)
    }

    /// Under the lock for writing.
    fn write_all(&self, store: &Store) {
        let entries: Vec<Arc<Entry>> = {
            let waiting = lock(&self.waiting);
            if !waiting.entries.is_empty() {
                told(store.turn_spool());
            }
            waiting.entries.iter().map(Arc::clone).collect()
        };
        if entries.is_empty() {
            return;
        }
        let changes: Vec<&BanChange> = entries.iter().map(|entry| entry.change()).collect();
        match store.change_bans(&changes) {
            Ok(removed) => {
                for (entry, removed) in entries.iter().zip(removed) {
                    // One that was refused before has told so.
                    let _ = entry.written.set(Ok(removed));
                }
                self.done(store, &entries);
            }
            Err(error) => {
                for entry in &entries {
                    let _ = entry.written.set(Err(error.to_string()));
                }
                if !self.refused.swap(true, Ordering::Relaxed) {
                    tracing::error!(%error, "the database refuses changes of bans, which are in force; trying again every second");
                }
            }
        }
    }

    /// The database has these, which are the first of those that wait.
    fn done(&self, store: &Store, entries: &[Arc<Entry>]) {
        let mut waiting = lock(&self.waiting);
        waiting.entries.drain(..entries.len());
        waiting.prefixes = waiting.entries.iter().map(|entry| weight(entry)).sum();
        told(store.drop_spooled(waiting.entries.is_empty()));
        drop(waiting);
        if self.refused.swap(false, Ordering::Relaxed) {
            tracing::info!(
                changes = entries.len(),
                "the database takes changes of bans again; it has all that waited"
            );
        }
    }
}

impl Entry {
    pub(super) const fn change(&self) -> &BanChange {
        &self.change
    }

    /// Whether it survives the end of the process, wherever the database stands.
    pub(super) const fn is_spooled(&self) -> bool {
        self.spooled
    }
}

/// A spool that is longer than need be only makes the next start longer.
fn told(result: Result<(), StoreError>) {
    if let Err(error) = result {
        tracing::warn!(%error, "what is spooled and stored could not be cleared away");
    }
}

/// Roughly what a change takes of the memory.
fn weight(entry: &Entry) -> usize {
    let prefixes = match &entry.change {
        BanChange::Put(groups) => groups.iter().map(|(_, prefixes)| prefixes.len()).sum(),
        BanChange::Delete(_, prefixes) | BanChange::Forget(_, prefixes) => prefixes.len(),
        BanChange::EndNote(..) => 0,
    };
    // The entry itself.
    prefixes + 10
}

/// A panic elsewhere leaves the queue whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
