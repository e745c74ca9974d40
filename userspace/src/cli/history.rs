use std::io::{self, Write};

use super::args::HistoryArgs;
use super::numbers::time;
use super::output::Stop;
use super::session::Session;
use super::style::{BAD, BOLD, DIM, GOOD, RESET, WARN};
use crate::api::types::{History, HistoryDetails, HistoryEntry};

pub(super) fn history(session: &Session, args: &HistoryArgs) -> Result<(), Stop> {
    let Some(number) = args.number else {
        let history: History = session.get("/v1/history")?;
        return session.output.show(&history, |out, history| table(out, &history.entries));
    };
    let details: HistoryDetails = session.get(&format!("/v1/history/{number}"))?;
    session.output.show(&details, |out, details| print(out, details, args.diff))
}

fn table(out: &mut dyn Write, entries: &[HistoryEntry]) -> io::Result<()> {
    writeln!(out, "{BOLD}  {:>4}  {:<20}  {:<16} WHAT{RESET}", "NO", "WHEN", "WHO")?;
    for entry in entries {
        let (style, mark) = if entry.in_force { (GOOD, ">") } else { ("", " ") };
        write!(
            out,
            "{style}{mark} {:>4}{RESET}  {:<20}  {:<16} {}",
            entry.number,
            time(entry.time),
            entry.who,
            entry.command
        )?;
        if !entry.summary.is_empty() {
            write!(out, " {DIM}({}){RESET}", entry.summary)?;
        }
        if !entry.confirmed {
            write!(
                out,
                " {WARN}{}{RESET}",
                if entry.in_force { "waits for confirmation" } else { "not confirmed" }
            )?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn print(out: &mut dyn Write, details: &HistoryDetails, diff: bool) -> io::Result<()> {
    table(out, std::slice::from_ref(&details.entry))?;
    let who = &details.entry.who;
    if let Some(command) = &who.command {
        writeln!(out, "by          {command}")?;
    }
    match details.compared_with {
        Some(before) => writeln!(out, "since entry {before}:")?,
        None => writeln!(out, "no entry before it is kept; all of it:")?,
    }
    for line in &details.changes {
        coloured(out, line)?;
    }
    if diff {
        details.diff.lines().try_for_each(|line| coloured(out, line))?;
    } else if details.diff.is_empty() {
        writeln!(out, "the text of the policy is the same")?;
    } else {
        writeln!(out, "the text of the policy differs; --diff shows how")?;
    }
    Ok(())
}

fn coloured(out: &mut dyn Write, line: &str) -> io::Result<()> {
    let style = match line.bytes().next() {
        Some(b'+') => GOOD,
        Some(b'-') => BAD,
        _ => "",
    };
    writeln!(out, "{style}{line}{RESET}")
}
