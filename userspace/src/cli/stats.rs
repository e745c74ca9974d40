//! The counters, live.

mod frame;
mod limits;

use std::io::{self, IsTerminal, Write};
use std::thread;
use std::time::{Duration, Instant};

use self::frame::frame;
use super::args::StatsArgs;
use super::output::Stop;
use super::session::Session;
use super::style::{BAD, RESET};
use crate::api::types::Stats;
use crate::api::{Failure, FailureKind};

const EVERY: Duration = Duration::from_secs(1);

pub(super) fn stats(session: &Session, args: &StatsArgs) -> Result<(), Stop> {
    let first: Stats = session.get("/v1/stats")?;
    if args.once {
        return session.output.show(&first, |out, stats| frame(out, stats, None));
    }
    if session.output.json {
        return lines(session, first);
    }
    live(session, first)
}

/// One object a second.
fn lines(session: &Session, mut stats: Stats) -> Result<(), Stop> {
    loop {
        session.output.show(&stats, |_, _| Ok(()))?;
        thread::sleep(EVERY);
        stats = session.get("/v1/stats")?;
    }
}

/// A table, drawn over itself each second. A daemon that dies is told, and waited for.
fn live(session: &Session, first: Stats) -> Result<(), Stop> {
    let mut screen = Screen::default();
    let mut before: Option<Stats> = None;
    let mut now = first;
    let mut next = Instant::now();
    loop {
        screen.draw(|out| frame(out, &now, before.as_ref()))?;
        before = Some(now);
        now = loop {
            next += EVERY;
            thread::sleep(next.saturating_duration_since(Instant::now()));
            match session.get("/v1/stats") {
                Ok(stats) => break stats,
                Err(failure) if failure.kind == FailureKind::Unreachable => {
                    screen.draw(|out| dead(out, &failure, before.as_ref()))?;
                }
                Err(failure) => return Err(failure.into()),
            }
        };
    }
}

fn dead(out: &mut dyn Write, failure: &Failure, last: Option<&Stats>) -> io::Result<()> {
    writeln!(out, "{BAD}{failure}{RESET}")?;
    writeln!(out)?;
    last.map_or(Ok(()), |stats| frame(out, stats, None))
}

/// A terminal that is drawn over, or a stream of frames.
#[derive(Debug, Default)]
struct Screen {
    drawn: bool,
}

impl Screen {
    fn draw(&mut self, frame: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Stop> {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        // Colours go through anstream, moves of the cursor do not: they are wanted without colours too.
        let mut colours = anstream::AutoStream::new(Vec::new(), anstream::AutoStream::choice(&stdout));
        frame(&mut colours)?;
        let text = String::from_utf8_lossy(&colours.into_inner()).into_owned();
        let mut out = stdout.lock();
        if !terminal {
            writeln!(out, "{text}")?;
            return Ok(out.flush()?);
        }
        if !self.drawn {
            write!(out, "\x1b[2J")?;
            self.drawn = true;
        }
        write!(out, "\x1b[H{}\x1b[J", text.replace('\n', "\x1b[K\n"))?;
        Ok(out.flush()?)
    }
}
