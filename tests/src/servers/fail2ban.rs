use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use rustix::process::Signal;
use tempfile::TempDir;

use super::{Running, folder};
use crate::process;

const VARIABLE: &str = "XDPGATE_FAIL2BAN";
/// The name of the jail.
pub const JAIL: &str = "door";
/// Lines that make a ban.
const FAILURES: usize = 3;
const READY_WITHIN: Duration = Duration::from_secs(20);

/// A real fail2ban with one jail, which reads a log that the test writes.
#[derive(Debug)]
pub struct Fail2ban {
    folder: PathBuf,
    directory: TempDir,
    running: Option<Running>,
}

impl Fail2ban {
    /// Starts it with the action of the package, which runs `xdpgate` (a command line) and bans for so many seconds.
    ///
    /// # Errors
    ///
    /// When it is not there, or does not start.
    pub fn start(action: &Path, xdpgate: &str, seconds: u32) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("xdpgate-fail2ban").tempdir()?;
        let at = directory.path();
        for name in ["action.d", "filter.d"] {
            fs::create_dir(at.join(name))?;
        }
        fs::copy(action, at.join("action.d/xdpgate.conf"))
            .with_context(|| format!("no {}", action.display()))?;
        fs::write(at.join("filter.d/door.conf"), "[Definition]\nfailregex = knock from <ADDR>$\n")?;
        File::create(at.join("door.log"))?;
        let shown = at.display();
        fs::write(
            at.join("fail2ban.conf"),
            format!(
                "[Definition]\nloglevel = INFO\nlogtarget = {shown}/fail2ban.log\nsyslogsocket = auto\nsocket = {shown}/socket\n\
                 pidfile = {shown}/pid\ndbfile = {shown}/fail2ban.sqlite3\ndbpurgeage = 1d\n[Thread]\n"
            ),
        )?;
        fs::write(
            at.join("jail.conf"),
            format!(
                "[DEFAULT]\nbackend = polling\nignoreself = false\nusedns = no\n[{JAIL}]\nenabled = true\nfilter = door\n\
                 logpath = {shown}/door.log\nmaxretry = {FAILURES}\nfindtime = 1h\nbantime = {seconds}\n\
                 action = xdpgate[xdpgate=\"{xdpgate}\"]\n"
            ),
        )?;
        let mut server = Self { folder: folder(VARIABLE)?, directory, running: None };
        server.start_again()?;
        Ok(server)
    }

    /// Starts it again, after [`Self::stop`] or [`Self::kill`].
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn start_again(&mut self) -> Result<()> {
        // One that was killed leaves it, and the next one complains.
        let _ = fs::remove_file(self.directory.path().join("socket"));
        let mut command = self.command("fail2ban-server");
        let mut running =
            Running::start(command.args(["-f", "-x", "start"]), &self.directory.path().join("output"))?;
        let start = Instant::now();
        while process::run(self.command("fail2ban-client").args(["status", JAIL])).is_err() {
            if running.has_ended()? || start.elapsed() > READY_WITHIN {
                bail!("fail2ban did not start:\n{}", self.log());
            }
            thread::sleep(Duration::from_millis(100));
        }
        self.running = Some(running);
        Ok(())
    }

    /// Ends it as a service manager does, and waits until it is gone.
    ///
    /// # Errors
    ///
    /// When it was not running.
    pub fn stop(&mut self) -> Result<()> {
        self.running.take().context("fail2ban is not running")?.end(Signal::TERM)
    }

    /// Ends it so that it can do nothing more.
    ///
    /// # Errors
    ///
    /// When it was not running.
    pub fn kill(&mut self) -> Result<()> {
        self.running.take().context("fail2ban is not running")?.end(Signal::KILL)
    }

    /// Writes as many lines about `address` as make a ban.
    ///
    /// # Errors
    ///
    /// When the log cannot be written.
    pub fn knock(&self, address: impl std::fmt::Display) -> Result<()> {
        let mut log = File::options().append(true).open(self.directory.path().join("door.log"))?;
        let now = Timestamp::now().strftime("%Y-%m-%d %H:%M:%S");
        for _ in 0..FAILURES {
            writeln!(log, "{now} knock from {address}")?;
        }
        Ok(())
    }

    /// Runs `fail2ban-client`; its standard output.
    ///
    /// # Errors
    ///
    /// When it ends with another status than 0.
    pub fn client(&self, arguments: &[&str]) -> Result<String> {
        process::run(self.command("fail2ban-client").args(arguments))
    }

    /// Where it keeps its bans.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.directory.path().join("fail2ban.sqlite3")
    }

    /// All that it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        let read = |name| fs::read_to_string(self.directory.path().join(name)).unwrap_or_default();
        ["output", "fail2ban.log"].map(read).concat()
    }

    fn command(&self, program: &str) -> Command {
        let at = self.directory.path();
        let mut command = Command::new("python3");
        command.env("PYTHONPATH", self.folder.join("usr/lib/python3/dist-packages"));
        // Its logs have local times, and so have those of the test.
        command.env("TZ", "UTC").env("PYTHONDONTWRITEBYTECODE", "1");
        command.arg(self.folder.join("usr/bin").join(program)).arg("-c").arg(at);
        command.arg("-s").arg(at.join("socket")).arg("-p").arg(at.join("pid"));
        command
    }
}
