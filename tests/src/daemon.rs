//! The real daemon, started as an operator would, and its command line.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::cleanup::{self, Guard, Leftover};
use crate::namespace::{Namespace, unique_name};
use crate::process;

/// Where the kernel's pins are.
pub(crate) const BPFFS: &str = "/sys/fs/bpf";
/// For `timeout`; generous for a list of a million prefixes on a busy machine.
const COMMAND_WITHIN: &str = "60s";
const READY_WITHIN: Duration = Duration::from_secs(30);
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// A daemon with a socket, a state and pins of its own. Dropping it kills it and removes all three, which detaches.
#[derive(Debug)]
pub struct Daemon {
    binary: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    running: Option<Running>,
    namespace: Vec<String>,
    pins: PathBuf,
    directory: TempDir,
    _leftovers: [Guard; 2],
}

#[derive(Debug)]
struct Running {
    child: Child,
    _guard: Guard,
}

impl Daemon {
    /// Starts `binary run` inside `namespace` with `arguments` (for example `--interface guarded0`) and waits until it
    /// answers.
    ///
    /// # Errors
    ///
    /// When it does not start; the error has the end of its log.
    pub fn start(binary: &Path, namespace: &Namespace, arguments: &[&str]) -> Result<Self> {
        let mut daemon = Self::prepare(binary, namespace)?;
        daemon.start_with(arguments)?;
        Ok(daemon)
    }

    /// Makes its directory, so that a policy can be written there, and does not start it yet.
    ///
    /// # Errors
    ///
    /// When the directory cannot be made.
    pub fn prepare(binary: &Path, namespace: &Namespace) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix(&unique_name()).tempdir()?;
        let pins = Path::new(BPFFS).join(unique_name());
        let enter = namespace.command(binary);
        let namespace = enter.get_args().filter(|argument| *argument != binary.as_os_str());
        let leftovers = [
            cleanup::register(Leftover::Directory(directory.path().to_path_buf())),
            cleanup::register(Leftover::Directory(pins.clone())),
        ];
        Ok(Self {
            binary: binary.to_path_buf(),
            arguments: Vec::new(),
            environment: Vec::new(),
            running: None,
            namespace: namespace.map(|argument| argument.to_string_lossy().into_owned()).collect(),
            pins,
            directory,
            _leftovers: leftovers,
        })
    }

    /// Starts it with these arguments and waits until it answers.
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    pub fn start_with(&mut self, arguments: &[&str]) -> Result<()> {
        self.arguments = arguments.iter().map(ToString::to_string).collect();
        self.start_again()
    }

    /// Sets a variable for the daemons that are started from now on.
    pub fn set_variable(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Starts the daemon again with the same arguments, socket, state and pins, after [`Self::kill`] or
    /// [`Self::terminate`].
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    pub fn start_again(&mut self) -> Result<()> {
        let log = File::options().create(true).append(true).open(self.log_path())?;
        let child = Command::new("nsenter")
            .args(&self.namespace)
            .arg(&self.binary)
            .args(self.run_arguments(&self.arguments))
            .env("NO_COLOR", "1")
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start the daemon")?;
        let guard = cleanup::register(Leftover::Process(child.id()));
        self.running = Some(Running { child, _guard: guard });
        self.wait_until_ready()
    }

    /// Runs a command of the command line against this daemon; its standard output.
    ///
    /// # Errors
    ///
    /// When it ends with another status than 0.
    pub fn cli(&self, arguments: &[&str]) -> Result<String> {
        process::run(self.command(arguments).env("NO_COLOR", "1"))
    }

    /// Likewise; status and both outputs, whatever they are.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn cli_output(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = self.command(arguments);
        command.env("NO_COLOR", "1").stdin(Stdio::null()).output().with_context(|| format!("{command:?}"))
    }

    /// Likewise, with `input` on its standard input; its standard output.
    ///
    /// # Errors
    ///
    /// When it ends with another status than 0.
    pub fn cli_with_input(&self, arguments: &[&str], input: &str) -> Result<String> {
        process::run_with_input(self.command(arguments).env("NO_COLOR", "1"), input)
    }

    /// Runs a command with `--json`.
    ///
    /// # Errors
    ///
    /// When it ends with another status than 0 or prints something else.
    pub fn json(&self, arguments: &[&str]) -> Result<Value> {
        let text = self.cli(&[&["--json"], arguments].concat())?;
        serde_json::from_str(&text).with_context(|| format!("{arguments:?} printed no JSON: {text:?}"))
    }

    /// Kills the daemon with SIGKILL and waits until it is gone.
    ///
    /// # Errors
    ///
    /// When it was not running.
    pub fn kill(&mut self) -> Result<()> {
        let mut running = self.running.take().context("the daemon is not running")?;
        running.child.kill()?;
        running.child.wait()?;
        Ok(())
    }

    /// Ends the daemon with SIGTERM and waits until it is gone.
    ///
    /// # Errors
    ///
    /// When it was not running, is not gone in time, or ends with another status than 0.
    pub fn terminate(&mut self) -> Result<()> {
        self.signal(Signal::TERM)?;
        let mut running = self.running.take().context("the daemon is not running")?;
        let start = Instant::now();
        loop {
            if let Some(status) = running.child.try_wait()? {
                if !status.success() {
                    bail!("the daemon ended with {status}:\n{}", self.log());
                }
                return Ok(());
            }
            if start.elapsed() > GONE_WITHIN {
                bail!("the daemon did not end within {GONE_WITHIN:?}:\n{}", self.log());
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends a signal, for example SIGHUP.
    ///
    /// # Errors
    ///
    /// When the daemon is not running.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let running = self.running.as_ref().context("the daemon is not running")?;
        let pid =
            i32::try_from(running.child.id()).ok().and_then(Pid::from_raw).context("no process number")?;
        kill_process(pid, signal).context("cannot send a signal to the daemon")
    }

    /// The number of its process.
    ///
    /// # Errors
    ///
    /// When it is not running.
    pub fn process(&self) -> Result<u32> {
        // `nsenter` becomes the daemon.
        Ok(self.running.as_ref().context("the daemon is not running")?.child.id())
    }

    /// The end of what the daemon has logged.
    #[must_use]
    pub fn log(&self) -> String {
        const LINES: usize = 20;
        let log = fs::read_to_string(self.log_path()).unwrap_or_default();
        let skip = log.lines().count().saturating_sub(LINES);
        log.lines().skip(skip).collect::<Vec<_>>().join("\n")
    }

    /// All that the daemon has logged.
    ///
    /// # Errors
    ///
    /// When the log cannot be read.
    pub fn whole_log(&self) -> Result<String> {
        Ok(fs::read_to_string(self.log_path())?)
    }

    /// A directory for files of the test, gone with the daemon.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The directory of the pinned maps and links.
    #[must_use]
    pub fn pins(&self) -> &Path {
        &self.pins
    }

    /// The binary inside the namespace; `through` is a command that runs it, such as `setpriv`.
    pub(crate) fn binary(&self, through: &[&str]) -> Command {
        // A command that never ends must fail its test, not stop all of them.
        let mut command = Command::new("timeout");
        command.args([COMMAND_WITHIN, "nsenter"]).args(&self.namespace).args(through).arg(&self.binary);
        command
    }

    pub(crate) fn run_arguments(&self, arguments: &[String]) -> Vec<String> {
        let pins = self.pins.display().to_string();
        let (socket, state) = (self.socket(), self.state());
        let own = ["--socket", &socket, "run", "--state-dir", &state, "--bpffs", &pins];
        let own = own.into_iter().map(ToOwned::to_owned);
        let metrics = if arguments.iter().any(|argument| argument == "--metrics") {
            Vec::new()
        } else {
            vec!["--metrics".to_owned(), "off".to_owned()]
        };
        own.chain(metrics).chain(arguments.iter().cloned()).collect()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.binary(&[]);
        command.args(["--socket", &self.socket()]).args(arguments);
        command
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < READY_WITHIN {
            if self.cli_output(&["status", "--json"])?.status.success() {
                return Ok(());
            }
            let ended = self.running.as_mut().map(|running| running.child.try_wait()).transpose()?.flatten();
            if let Some(status) = ended {
                bail!("the daemon ended with {status}:\n{}", self.log());
            }
            thread::sleep(Duration::from_millis(20));
        }
        bail!("the daemon is not ready after {READY_WITHIN:?}:\n{}", self.log())
    }

    /// The socket of the command line.
    #[must_use]
    pub fn socket(&self) -> String {
        self.directory.path().join("socket").display().to_string()
    }

    fn state(&self) -> String {
        self.directory.path().join("state").display().to_string()
    }

    fn log_path(&self) -> PathBuf {
        self.directory.path().join("log")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.running.is_some() {
            // Killed by now, or gone before: either way there is nothing left to do.
            drop(self.kill());
        }
    }
}
