//! Where text and JSON go, and how a command ends.

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;

use super::style::{BAD, RESET};
use crate::api::{Failure, FailureBody};

/// Why a command ends early.
#[derive(Debug)]
pub(super) enum Stop {
    /// It failed.
    Failure(Failure),
    /// It failed, and what it printed says so: in JSON there is nothing to add.
    Reported(Failure),
    /// It did what it was asked, and what it printed is no good news: the exit code says so.
    Told(u8),
    /// Nobody takes its output any more, or the disk is full.
    Output(io::Error),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// What a command prints: text for people, or JSON.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    pub(super) json: bool,
}

impl Output {
    pub(super) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints `value` as JSON, or what `text` writes.
    pub(super) fn show<T: Serialize>(
        self,
        value: &T,
        text: impl FnOnce(&mut dyn Write, &T) -> io::Result<()>,
    ) -> Result<(), Stop> {
        let mut stdout = anstream::stdout().lock();
        if self.json {
            serde_json::to_writer(&mut stdout, value).map_err(io::Error::from)?;
            writeln!(stdout)?;
        } else {
            text(&mut stdout, value)?;
        }
        Ok(stdout.flush()?)
    }

    /// Says why the command ends. `| head` is no failure.
    pub(super) fn end(self, stop: Stop) -> ExitCode {
        let is_reported = matches!(stop, Stop::Reported(_));
        let failure = match stop {
            Stop::Failure(failure) | Stop::Reported(failure) => failure,
            Stop::Told(code) => return ExitCode::from(code),
            Stop::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
            Stop::Output(error) => Failure::failed(format!("cannot write the output: {error}")),
        };
        let code = failure.kind.exit_code();
        // When nobody listens, the exit code still tells.
        let _ = writeln!(anstream::stderr(), "{BAD}error:{RESET} {failure}");
        if self.json && !is_reported {
            let _ = serde_json::to_writer(io::stdout(), &FailureBody::from(failure));
            let _ = writeln!(io::stdout());
        }
        ExitCode::from(code)
    }
}
