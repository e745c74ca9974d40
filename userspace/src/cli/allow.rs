use std::io::{self, Write};

use hyper::Method;

use super::args::AllowCommand;
use super::ban::all_found;
use super::output::Stop;
use super::session::Session;
use super::style::{BOLD, RESET};
use crate::api::types::{AllowEntries, AllowEntry, AllowRequest, PrefixesRequest, Removed};

pub(super) fn allow(session: &Session, command: AllowCommand) -> Result<(), Stop> {
    match command {
        AllowCommand::Add { prefixes, note } => {
            let request = AllowRequest { prefixes, note };
            let entries: AllowEntries = session.send(Method::POST, "/v1/allow", &request)?;
            session.output.show(&entries, |out, _| {
                request.prefixes.iter().try_for_each(|prefix| writeln!(out, "{prefix}: always passes"))
            })
        }
        AllowCommand::Del { prefixes, force } => {
            let request = PrefixesRequest { prefixes, force };
            let removed: Removed = session.send(Method::DELETE, "/v1/allow", &request)?;
            session.output.show(&removed, |out, removed| {
                removed.removed.iter().try_for_each(|prefix| writeln!(out, "{prefix}: off the allowlist"))
            })?;
            all_found(&removed, "on the allowlist")
        }
        AllowCommand::List => {
            let entries: AllowEntries = session.get("/v1/allow")?;
            session.output.show(&entries, |out, entries| table(out, &entries.entries))
        }
    }
}

fn table(out: &mut dyn Write, entries: &[AllowEntry]) -> io::Result<()> {
    if entries.is_empty() {
        return writeln!(out, "the allowlist is empty");
    }
    writeln!(out, "{BOLD}{:<34} {:<16} NOTE{RESET}", "PREFIX", "FROM")?;
    for entry in entries {
        let line = entry.line.map(|line| format!(" line {line}")).unwrap_or_default();
        let from = format!("{}{line}", entry.origin.as_str());
        writeln!(out, "{:<34} {from:<16} {}", entry.prefix, entry.note)?;
    }
    Ok(())
}
