//! A capture that the command line names.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use super::numbers::grouped;
use crate::api::Failure;
use crate::captures::{Capture, CaptureError};

/// Progress is looked at once for so many packets.
const BETWEEN: u64 = 1 << 16;
const EVERY: Duration = Duration::from_secs(1);

pub(super) type Input = Box<dyn Read>;

/// Opens a capture; `-` is standard input.
pub(super) fn open(path: &Path) -> Result<Capture<Input>, Failure> {
    let input: Input = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path).map_err(|error| named(path, &CaptureError::from(error)))?)
    };
    Capture::open(input).map_err(|error| named(path, &error))
}

/// How a message names it.
pub(super) fn name(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}

fn named(path: &Path, error: &CaptureError) -> Failure {
    Failure::invalid(format!("{}: {error}", name(path)))
}

/// Says on a terminal how far a long reading is.
pub(super) struct Progress {
    terminal: bool,
    next: Instant,
    shown: bool,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { terminal: io::stderr().is_terminal(), next: Instant::now() + EVERY, shown: false }
    }

    #[inline]
    pub(super) fn at(&mut self, packets: u64) {
        if self.terminal && packets.is_multiple_of(BETWEEN) && Instant::now() >= self.next {
            self.shown = true;
            self.next = Instant::now() + EVERY;
            // Progress that nobody sees is no failure.
            let _ = write!(io::stderr(), "\r{} packets", grouped(packets));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
