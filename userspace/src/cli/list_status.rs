//! `list status`: where lists come from, and how fresh they are.

use std::io::{self, Write};

use super::numbers::{bytes, duration, grouped, since};
use super::output::Stop;
use super::session::Session;
use super::style::{BOLD, GOOD, RESET, WARN};
use crate::api::Failure;
use crate::api::types::{ListState, ListStatus, ListStatuses, SkippedLine};
use crate::config::Name;

pub(super) fn status(session: &Session, name: Option<&Name>) -> Result<(), Stop> {
    let statuses: ListStatuses = session.get("/v1/feeds")?;
    let Some(name) = name else {
        return session.output.show(&statuses, |out, statuses| table(out, &statuses.lists));
    };
    let found = statuses.lists.into_iter().find(|status| status.name == *name);
    let found = found.ok_or_else(|| {
        Failure::not_found(format!("there is no list {name}; `xdpgate list status` shows all"))
    })?;
    session.output.show(&found, details)
}

/// What is wrong with a list, in a line or several.
pub(super) fn trouble(status: &ListStatus) -> Option<String> {
    let trouble = status.trouble.as_ref()?;
    let verb = if trouble.refused { "refused" } else { "not updated" };
    let tries = if status.failures > 1 { format!(" {} times", status.failures) } else { String::new() };
    Some(format!("{verb}{tries}, since {} ago: {}", since(trouble.since), trouble.message))
}

fn table(out: &mut dyn Write, lists: &[ListStatus]) -> io::Result<()> {
    if lists.is_empty() {
        return writeln!(out, "there are no blocklists");
    }
    writeln!(
        out,
        "{BOLD}{:<20} {:<13} {:>10} {:>12} {:>12} {:>8}  {:<15} SOURCE{RESET}",
        "LIST", "FORMAT", "ENTRIES", "AGE", "NEXT", "LEFT OUT", "STATE"
    )?;
    for list in lists {
        let style = style(list.state);
        writeln!(
            out,
            "{:<20} {:<13} {:>10} {:>12} {:>12} {:>8}  {style}{:<15}{RESET} {}",
            list.name,
            list.format.as_deref().unwrap_or("-"),
            grouped(list.entries),
            list.loaded.map_or_else(|| "-".to_owned(), since),
            next(list),
            grouped(list.skipped + list.left_out),
            state(list),
            list.source
        )?;
    }
    for (list, trouble) in lists.iter().filter_map(|list| Some((list, trouble(list)?))) {
        writeln!(out, "{WARN}{}:{RESET} {}", list.name, trouble.replace('\n', "\n  "))?;
    }
    Ok(())
}

fn details(out: &mut dyn Write, list: &ListStatus) -> io::Result<()> {
    let style = style(list.state);
    writeln!(out, "{BOLD}{}{RESET} {style}{}{RESET} ({})", list.name, state(list), list.mode)?;
    writeln!(out, "  from       {} ({})", list.source, list.kind)?;
    if let Some(label) = &list.label {
        writeln!(out, "  label      {label}")?;
    }
    if let Some(format) = &list.format {
        writeln!(out, "  format     {format}")?;
    }
    writeln!(out, "  entries    {}, {} of text", grouped(list.entries), bytes(list.bytes))?;
    if let Some(loaded) = list.loaded {
        writeln!(out, "  of         {loaded} ({} ago)", since(loaded))?;
    }
    if let Some(success) = list.last_success {
        writeln!(out, "  known good {} ago", since(success))?;
    }
    if let Some(every) = list.every_seconds {
        writeln!(out, "  looked at  every {}, next in {}", duration(every), next(list))?;
    }
    let updates = &list.updates;
    writeln!(
        out,
        "  looks      {} changed it, {} found nothing new, {} failed",
        grouped(updates.changed),
        grouped(updates.unchanged),
        grouped(updates.failed)
    )?;
    lines(out, "lines left out because they are no entries", list.skipped, &list.first_skipped)?;
    lines(out, "entries left out because they are dangerous", list.left_out, &list.first_left_out)?;
    match trouble(list) {
        Some(trouble) => writeln!(out, "  {WARN}{}{RESET}", trouble.replace('\n', "\n  ")),
        None => Ok(()),
    }
}

fn lines(out: &mut dyn Write, what: &str, total: u64, first: &[SkippedLine]) -> io::Result<()> {
    if total == 0 {
        return Ok(());
    }
    writeln!(out, "  {WARN}{what}: {}{RESET}", grouped(total))?;
    first.iter().try_for_each(|bad| writeln!(out, "    line {}: \"{}\": {}", bad.line, bad.text, bad.problem))
}

fn state(list: &ListStatus) -> String {
    match list.fetching {
        Some(0) => "fetching".to_owned(),
        Some(so_far) => format!("fetching {}", bytes(so_far)),
        None => list.state.as_str().to_owned(),
    }
}

const fn style(state: ListState) -> &'static str {
    match state {
        ListState::Current => GOOD,
        ListState::Awaited | ListState::Failing | ListState::Refused => WARN,
    }
}

fn next(list: &ListStatus) -> String {
    list.next_seconds.map_or_else(|| "-".to_owned(), duration)
}
