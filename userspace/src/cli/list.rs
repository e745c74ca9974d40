use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use hyper::Method;

use super::args::ListCommand;
use super::numbers::{grouped, since};
use super::output::Stop;
use super::session::Session;
use super::style::{BOLD, RESET, WARN};
use super::{list_compare, list_status, list_update};
use crate::api::types::{ListAnswer, ListInfo, Lists};
use crate::api::{Failure, MAX_BODY_BYTES};

pub(super) fn list(session: &Session, command: ListCommand) -> Result<(), Stop> {
    match command {
        ListCommand::Add { name, file, mode, skip_bad, force } => {
            let text = read(&file)?;
            let path = format!("/v1/lists/{name}?mode={mode}&skip_bad={skip_bad}&force={force}");
            let answer: ListAnswer = session.call(Method::PUT, &path, text)?;
            session.output.show(&answer, added)
        }
        ListCommand::Del { name } => {
            let lists: Lists = session.call(Method::DELETE, &format!("/v1/lists/{name}"), Vec::new())?;
            session.output.show(&lists, |out, _| writeln!(out, "{name}: removed"))
        }
        ListCommand::Show { name: Some(name) } => {
            let list: ListInfo = session.get(&format!("/v1/lists/{name}"))?;
            session.output.show(&list, details)
        }
        ListCommand::Status { name } => list_status::status(session, name.as_ref()),
        ListCommand::Update { names } => list_update::update(session, names),
        ListCommand::Diff { name, file } => list_compare::diff(session, &name, file.as_deref()),
        ListCommand::Overlap { names } => list_compare::overlap(session, &names),
        ListCommand::Show { name: None } => {
            let lists: Lists = session.get("/v1/lists")?;
            session.output.show(&lists, |out, lists| table(out, &lists.lists))
        }
    }
}

pub(super) fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: io::Error| Failure::invalid(format!("cannot read {}: {error}", file.display()));
    let text = if file == Path::new("-") {
        let mut text = Vec::new();
        // One byte more than fits tells that it does not.
        let limit = u64::try_from(MAX_BODY_BYTES).unwrap_or(u64::MAX).saturating_add(1);
        io::stdin().take(limit).read_to_end(&mut text).map_err(unreadable)?;
        text
    } else {
        fs::read(file).map_err(unreadable)?
    };
    if text.len() > MAX_BODY_BYTES {
        let most = MAX_BODY_BYTES >> 20;
        return Err(Failure::usage(format!("{} is larger than {most} MiB; split the list", file.display())));
    }
    Ok(text)
}

fn added(out: &mut dyn Write, answer: &ListAnswer) -> io::Result<()> {
    let done = if answer.replaced { "replaced" } else { "added" };
    let effect = answer.mode;
    writeln!(out, "{}: {done}, {} entries ({effect})", answer.name, grouped(answer.entries))?;
    if answer.skipped > 0 {
        writeln!(out, "{WARN}lines left out: {}{RESET}", grouped(answer.skipped))?;
        for bad in &answer.first_skipped {
            writeln!(out, "  line {}: \"{}\": {}", bad.line, bad.text, bad.problem)?;
        }
    }
    let sizes = answer.changed.sizes;
    writeln!(
        out,
        "generation {} is live: {} IPv4 and {} IPv6 prefixes, {} ms",
        answer.changed.generation,
        grouped(sizes.ipv4_prefixes),
        grouped(sizes.ipv6_prefixes),
        sizes.milliseconds
    )
}

fn table(out: &mut dyn Write, lists: &[ListInfo]) -> io::Result<()> {
    if lists.is_empty() {
        return writeln!(out, "there are no blocklists");
    }
    writeln!(
        out,
        "{BOLD}{:<24} {:<8} {:<9} {:>11} {:>12} {:>12}{RESET}",
        "LIST", "MODE", "FROM", "ENTRIES", "DROPPED", "MONITORED"
    )?;
    for list in lists {
        writeln!(
            out,
            "{:<24} {:<8} {:<9} {:>11} {:>12} {:>12}",
            list.name,
            list.mode,
            list.origin.as_str(),
            grouped(list.entries),
            grouped(list.dropped.packets),
            grouped(list.monitored.packets)
        )?;
    }
    Ok(())
}

fn details(out: &mut dyn Write, list: &ListInfo) -> io::Result<()> {
    writeln!(out, "{BOLD}{}{RESET} ({}, from {})", list.name, list.mode, list.origin.as_str())?;
    if let Some(written) = list.written_mode {
        writeln!(out, "  mode       {} {WARN}(set by an operator; written: {written}){RESET}", list.mode)?;
    }
    writeln!(out, "  from       {}", list.source)?;
    if let Some(label) = &list.label {
        writeln!(out, "  label      {label}")?;
    }
    writeln!(out, "  read       {} ago", since(list.loaded))?;
    writeln!(out, "  entries    {}", grouped(list.entries))?;
    if list.skipped > 0 {
        writeln!(out, "  left out   {} lines that are no entries", grouped(list.skipped))?;
    }
    writeln!(out, "  dropped    {} packets", grouped(list.dropped.packets))?;
    writeln!(out, "  monitored  {} packets", grouped(list.monitored.packets))
}
