//! What is in force and still has to be written to the store.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use ipnet::IpNet;

use crate::store::{BanChange, Store};

/// The most changes that are kept while the store refuses them.
const MOST_WAITING: usize = 100_000;

/// Changes of bans, in the order in which they came into force. Whoever comes first to the store writes what waits in one
/// transaction, also for the others.
#[derive(Debug, Default)]
pub(super) struct Journal {
    waiting: Mutex<VecDeque<Arc<Entry>>>,
    writing: Mutex<()>,
    refused: AtomicBool,
}

/// A change on its way.
#[derive(Debug)]
pub(super) struct Entry {
    change: BanChange,
    written: OnceLock<Written>,
}

/// Which of the bans to delete were there, or what the store said.
pub(super) type Written = Result<Vec<IpNet>, String>;

impl Journal {
    /// Takes a change. To be called under the lock that orders what comes into force.
    pub(super) fn add(&self, change: BanChange) -> Arc<Entry> {
        let entry = Arc::new(Entry { change, written: OnceLock::new() });
        lock(&self.waiting).push_back(Arc::clone(&entry));
        entry
    }

    /// Returns when the change is in the store, or the store has refused it. A refused one goes on waiting, and is tried
    /// again with the next.
    pub(super) fn write(&self, store: &Store, entry: &Entry) -> Written {
        let _only = lock(&self.writing);
        if entry.written.get().is_none() {
            self.write_all(store);
        }
        // Every entry was added before it is written, so there is an outcome now.
        entry.written.get().cloned().unwrap_or_else(|| Err("it was forgotten".to_owned()))
    }

    /// Tries those again that the store has refused.
    pub(super) fn retry(&self, store: &Store) {
        let Ok(_only) = self.writing.try_lock() else { return };
        self.write_all(store);
    }

    /// How many changes the store has refused.
    pub(super) fn refused(&self) -> usize {
        if self.refused.load(Ordering::Relaxed) { lock(&self.waiting).len() } else { 0 }
    }

    /// The changes that the store may not have yet, oldest first.
    pub(super) fn waiting(&self) -> Vec<Arc<Entry>> {
        lock(&self.waiting).iter().map(Arc::clone).collect()
    }

    #[cfg(test)]
    pub(super) fn hold(&self) -> MutexGuard<'_, ()> {
        lock(&self.writing)
    }

    /// Under the lock for writing.
    fn write_all(&self, store: &Store) {
        let entries = self.waiting();
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
                lock(&self.waiting).drain(..entries.len());
                if self.refused.swap(false, Ordering::Relaxed) {
                    tracing::info!(
                        changes = entries.len(),
                        "the store takes changes of bans again; it has all of them"
                    );
                }
            }
            Err(error) => {
                for entry in &entries {
                    let _ = entry.written.set(Err(error.to_string()));
                }
                if !self.refused.swap(true, Ordering::Relaxed) {
                    tracing::error!(%error, "changes of bans are in force but not stored; trying again every second");
                }
                self.forget_oldest();
            }
        }
    }

    fn forget_oldest(&self) {
        let mut waiting = lock(&self.waiting);
        let excess = waiting.len().saturating_sub(MOST_WAITING);
        waiting.drain(..excess);
    }
}

impl Entry {
    pub(super) const fn change(&self) -> &BanChange {
        &self.change
    }
}

/// A panic elsewhere leaves the queue whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
