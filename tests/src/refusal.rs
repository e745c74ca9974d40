//! Commands that must fail, and how they said so.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// A command that ended with another status than 0.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Its exit code.
    pub code: i32,
    /// What it said at last, without `error: `.
    pub message: String,
}

impl Refusal {
    /// Runs the command to its end.
    ///
    /// # Errors
    ///
    /// When it ends with 0, by a signal, or in a panic.
    pub(crate) fn of(command: &mut Command) -> Result<Self> {
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
