//! Commands that must fail, and how they said so.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::daemon::Daemon;

/// A command that ended with another status than 0.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Its exit code.
    pub code: i32,
    /// What it said at last, without `error: `.
    pub message: String,
}

impl Daemon {
    /// Runs a command of the command line that must fail.
    ///
    /// # Errors
    ///
    /// When it ends with 0.
    pub fn refused(&self, arguments: &[&str]) -> Result<Refusal> {
        Refusal::of(&mut self.command(arguments))
    }

    /// Starts another daemon with the same socket, state and pins, which must end by itself. `through` is a command
    /// that runs it, such as `setpriv`; mostly empty.
    ///
    /// # Errors
    ///
    /// When it does not start, or ends with 0.
    pub fn refused_start(&self, through: &[&str], arguments: &[&str]) -> Result<Refusal> {
        let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        Refusal::of(self.binary(through).args(self.run_arguments(&arguments)))
    }

    /// Runs the binary inside the namespace with nothing but these arguments; it must end by itself.
    ///
    /// # Errors
    ///
    /// When it does not start, or ends with 0.
    pub fn refused_alone(&self, arguments: &[&str]) -> Result<Refusal> {
        Refusal::of(self.binary(&[]).args(arguments))
    }
}

impl Refusal {
    /// Runs the command to its end.
    ///
    /// # Errors
    ///
    /// When it ends with 0, by a signal, or in a panic.
    fn of(command: &mut Command) -> Result<Self> {
        let output = command.env("NO_COLOR", "1").stdin(Stdio::null()).output();
        let output = output.with_context(|| format!("{command:?}"))?;
        let text = String::from_utf8_lossy(&output.stderr);
        if output.status.success() || text.contains("panicked") {
            bail!("{command:?} ended with {}: {text}", output.status);
        }
        let code = output.status.code().with_context(|| format!("{command:?}: {}", output.status))?;
        let message = text.rsplit_once("error: ").map_or(&*text, |(_, message)| message);
        Ok(Self { code, message: message.trim().to_owned() })
    }
}
