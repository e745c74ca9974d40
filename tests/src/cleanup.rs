//! What must not outlive this process: namespaces, daemons, pins. Each is undone when its owner is dropped, and all of
//! them on SIGINT and SIGTERM.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{SignalKind, signal};

/// One thing to undo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leftover {
    /// A network namespace under `/run/netns`.
    Namespace(String),
    /// A child process that nobody has waited for yet, so that its number is still its own.
    Process(u32),
    /// A directory with all that is in it; unpins what is pinned there.
    Directory(PathBuf),
}

/// Undoes its [`Leftover`] when dropped.
#[derive(Debug)]
pub(crate) struct Guard(Leftover);

/// In order of creation; undone in the opposite order.
static LEFTOVERS: Mutex<Vec<Leftover>> = Mutex::new(Vec::new());
static SIGNALS: Once = Once::new();

/// Remembers `leftover` until the guard is dropped.
pub(crate) fn register(leftover: Leftover) -> Guard {
    SIGNALS.call_once(|| {
        thread::spawn(undo_on_signal);
    });
    leftovers().push(leftover.clone());
    Guard(leftover)
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut leftovers = leftovers();
        leftovers.retain(|leftover| *leftover != self.0);
        undo(&self.0);
    }
}

/// Undoes one thing. Errors are left out: the thing may be gone already, and there is nobody to tell.
pub(crate) fn undo(leftover: &Leftover) {
    match leftover {
        Leftover::Namespace(name) => {
            drop(Command::new("ip").args(["netns", "delete", name]).stderr(Stdio::null()).status());
        }
        Leftover::Process(id) => {
            if let Some(pid) = i32::try_from(*id).ok().and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        Leftover::Directory(path) => drop(fs::remove_dir_all(path)),
    }
}

fn leftovers() -> MutexGuard<'static, Vec<Leftover>> {
    LEFTOVERS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn undo_on_signal() {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    let Some(number) = runtime.block_on(first_signal()) else { return };
    // The lock is kept until the end, so that no other thread makes anything new or leaves before all is undone.
    let leftovers = leftovers();
    leftovers.iter().rev().for_each(undo);
    std::process::exit(128 + number)
}

async fn first_signal() -> Option<i32> {
    let mut interrupt = signal(SignalKind::interrupt()).ok()?;
    let mut terminate = signal(SignalKind::terminate()).ok()?;
    tokio::select! {
        _ = interrupt.recv() => Some(SignalKind::interrupt().as_raw_value()),
        _ = terminate.recv() => Some(SignalKind::terminate().as_raw_value()),
    }
}
