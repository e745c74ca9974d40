//! Standard output: a table that is refreshed in place on a terminal, and a line now and then elsewhere.

use std::env;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::report::{Line, Tone};

/// Where output is no terminal, a moment is shown this often.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// Where the lab is shown.
pub(crate) enum Screen {
    Silent,
    /// The table on it has this many lines.
    Terminal {
        color: bool,
        lines: usize,
    },
    Plain {
        last: Option<Instant>,
    },
}

impl Screen {
    /// Shows nothing.
    pub(crate) const fn silent() -> Self {
        Self::Silent
    }

    /// Shows on standard output, in colour on a terminal unless `NO_COLOR` is set.
    pub(crate) fn stdout() -> Self {
        if !io::stdout().is_terminal() {
            return Self::Plain { last: None };
        }
        let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self::Terminal { color: !no_color, lines: 0 }
    }

    /// Shows lines that stay.
    pub(crate) fn print(&mut self, lines: &[Line]) {
        let color = match self {
            Self::Silent => return,
            Self::Terminal { color, .. } => *color,
            Self::Plain { .. } => false,
        };
        write(&format!("{}\n", text(lines, color)));
    }

    /// Replaces the table, where it can be.
    pub(crate) fn refresh(&mut self, table: &[Line]) {
        match self {
            Self::Silent => {}
            Self::Terminal { color, lines } => {
                write(&format!("{}{}", erase(*lines), text(table, *color)));
                *lines = table.len();
            }
            Self::Plain { last } => {
                if last.is_none_or(|last| last.elapsed() >= PLAIN_EVERY) {
                    *last = Some(Instant::now());
                    let headline = table.iter().take(1);
                    headline.for_each(|line| write(&format!("{}\n", line.text)));
                }
            }
        }
    }

    /// Replaces the table for good.
    pub(crate) fn settle(&mut self, end: &[Line]) {
        if let Self::Plain { .. } = self {
            return self.print(end);
        }
        self.refresh(end);
    }
}

/// Moves up and clears to the end of the screen.
fn erase(lines: usize) -> String {
    if lines == 0 { String::new() } else { format!("\x1b[{lines}A\x1b[J") }
}

fn text(lines: &[Line], color: bool) -> String {
    lines.iter().fold(String::new(), |mut text, line| {
        let code = if color { code(line.tone) } else { "" };
        let reset = if code.is_empty() { "" } else { "\x1b[0m" };
        // Writing to a String does not fail.
        let _ = writeln!(text, "{code}{}{reset}", line.text);
        text
    })
}

const fn code(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "",
        Tone::Title => "\x1b[1m",
        Tone::Pass | Tone::Good => "\x1b[32m",
        Tone::Drop => "\x1b[33m",
        Tone::Bad => "\x1b[1;31m",
    }
}

/// A reader that went away (`lab | head`) is no reason to stop before everything is cleaned up.
fn write(text: &str) {
    let mut out = io::stdout().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}
