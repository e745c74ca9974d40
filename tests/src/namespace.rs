//! Network namespaces that live as long as their value.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result, anyhow};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::cleanup::{self, Guard, Leftover};
use crate::process;

const DIRECTORY: &str = "/run/netns";
/// Before the process number in every name that the harness gives to something of the machine.
const PREFIX: &str = "xdpgate-";

/// A network namespace. It is deleted when this is dropped, and when the process gets SIGINT or SIGTERM; one left by a
/// killed process is deleted by the next that creates one.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    _guard: Guard,
}

impl Namespace {
    /// Creates a namespace; `role` is part of its name. Its `lo` is up.
    ///
    /// # Errors
    ///
    /// When `ip` fails, for example without root.
    pub fn create(role: &str) -> Result<Self> {
        static STALE: Once = Once::new();
        STALE.call_once(remove_stale);
        let name = format!("{}-{role}", unique_name());
        let guard = cleanup::register(Leftover::Namespace(name.clone()));
        process::run(Command::new("ip").args(["netns", "add", &name]))?;
        let namespace = Self { name, _guard: guard };
        namespace.ip("link set lo up\n")?;
        Ok(namespace)
    }

    /// The name, for `ip netns`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A command that will run inside. Not with `ip netns exec`, which mounts another /sys and so hides /sys/fs/bpf.
    #[must_use]
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.path().display())).arg("--").arg(program.as_ref());
        command
    }

    /// Runs a command inside; its standard output.
    ///
    /// # Errors
    ///
    /// When it does not start or ends with another status than 0.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Result<String> {
        process::run(self.command(program).args(arguments))
    }

    /// Runs a command inside with `input` on its standard input; its standard output.
    ///
    /// # Errors
    ///
    /// When it does not start or ends with another status than 0.
    pub fn feed(&self, program: &str, arguments: &[&str], input: &str) -> Result<String> {
        process::run_with_input(self.command(program).args(arguments), input)
    }

    /// Runs lines of `ip -batch` inside.
    ///
    /// # Errors
    ///
    /// When one of them fails.
    pub fn ip(&self, lines: &str) -> Result<()> {
        process::run_with_input(self.command("ip").args(["-batch", "-"]), lines).map(drop)
    }

    /// Starts a thread inside. Sockets that it opens stay inside, wherever they go.
    pub fn spawn<T, F>(&self, work: F) -> JoinHandle<Result<T>>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T> + Send + 'static,
    {
        let path = self.path();
        thread::spawn(move || {
            enter(&path)?;
            work()
        })
    }

    /// Runs `work` on a thread inside and waits for it.
    ///
    /// # Errors
    ///
    /// Those of `work`, and when the namespace cannot be entered.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let path = self.path();
        thread::scope(|scope| {
            let inside = scope.spawn(move || {
                enter(&path)?;
                work()
            });
            inside.join().map_err(|_| anyhow!("a thread in a namespace panicked"))?
        })
    }

    fn path(&self) -> PathBuf {
        Path::new(DIRECTORY).join(&self.name)
    }
}

/// A name that no other live process uses, and that says whose it is.
pub(crate) fn unique_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{PREFIX}{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Moves the calling thread, and only it.
fn enter(path: &Path) -> Result<()> {
    let namespace = fs::File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    move_into_link_name_space(std::os::fd::AsFd::as_fd(&namespace), Some(LinkNameSpaceType::Network))
        .with_context(|| format!("cannot enter {}", path.display()))
}

/// Deletes the namespaces and pins of processes that were killed, with the daemons that they left.
fn remove_stale() {
    for name in stale_in(DIRECTORY) {
        if let Ok(pids) = process::run(Command::new("ip").args(["netns", "pids", &name])) {
            pids.lines()
                .filter_map(|pid| pid.parse().ok())
                .for_each(|pid| cleanup::undo(&Leftover::Process(pid)));
        }
        cleanup::undo(&Leftover::Namespace(name));
    }
    for name in stale_in(crate::daemon::BPFFS) {
        cleanup::undo(&Leftover::Directory(Path::new(crate::daemon::BPFFS).join(name)));
    }
}

fn stale_in(directory: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| owner(name).is_some_and(|pid| !Path::new("/proc").join(pid).exists()))
        .collect()
}

/// The process number in a name of [`unique_name`].
fn owner(name: &str) -> Option<&str> {
    let (pid, _) = name.strip_prefix(PREFIX)?.split_once('-')?;
    pid.bytes().all(|byte| byte.is_ascii_digit()).then_some(pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_whose_it_is() {
        assert_eq!(owner(&unique_name()), Some(std::process::id().to_string().as_str()));
        assert_eq!(owner("xdpgate"), None);
        assert_eq!(owner("xdpgate-prod-1"), None);
        assert_eq!(owner("other-12-1"), None);
    }

    #[test]
    fn names_differ() {
        assert_ne!(unique_name(), unique_name());
    }
}
