use std::io::{self, Write};
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::args::AuditArgs;
use super::numbers::time;
use super::output::Stop;
use super::session::Session;
use super::style::{BOLD, DIM, RESET, WARN};
use crate::api::types::{Audit, AuditEntry};
use crate::api::{Failure, FailureKind};
use crate::daemon::{AuditLog, Caller, read_audit};

pub(super) fn audit(session: &Session, args: &AuditArgs) -> Result<(), Stop> {
    let since = args.since.map(|since| format!("&since_seconds={}", since.seconds())).unwrap_or_default();
    let answer = match session.get::<Audit>(&format!("/v1/audit?last={}{since}", args.last)) {
        Err(failure) if failure.kind == FailureKind::Unreachable => from_file(args, &failure)?,
        answer => answer?,
    };
    session.output.show(&answer, |out, audit| table(out, &audit.entries))
}

/// Notes what was done to the pins without a daemon.
pub(super) fn note(state_dir: &Path, action: &str, what: String) {
    let entry = AuditEntry {
        time: Timestamp::now(),
        who: Caller::this_process().who(),
        action: action.to_owned(),
        what,
        from: None,
        to: None,
        number: None,
    };
    let log = AuditLog::in_directory(state_dir);
    if let Err(error) = log.try_write(&entry).and_then(|()| log.keep_up()) {
        // What was asked for is done; whoever keeps the log must know that it lacks a line.
        let path = log.path().display();
        let _ = writeln!(anstream::stderr(), "{WARN}not in the audit log {path}: {error}{RESET}");
    }
}

fn from_file(args: &AuditArgs, unreachable: &Failure) -> Result<Audit, Failure> {
    let since = args.since.and_then(|since| {
        let seconds = i64::try_from(since.seconds()).unwrap_or(i64::MAX);
        Timestamp::now().checked_sub(SignedDuration::from_secs(seconds)).ok()
    });
    let log = AuditLog::in_directory(&args.state.state_dir);
    let path = log.path();
    let entries = read_audit(path, args.last, since).map_err(|error| {
        Failure::new(
            unreachable.kind,
            format!("{unreachable}; without the daemon: cannot read {}: {error}", path.display()),
        )
    })?;
    if entries.is_empty() && !path.exists() {
        let message = format!("{unreachable}; without the daemon: there is no {}", path.display());
        return Err(Failure::new(unreachable.kind, message));
    }
    Ok(Audit { entries })
}

fn table(out: &mut dyn Write, entries: &[AuditEntry]) -> io::Result<()> {
    if entries.is_empty() {
        return writeln!(out, "nothing was changed in that time");
    }
    writeln!(out, "{BOLD}{:<20}  {:<16} WHAT{RESET}", "WHEN", "WHO")?;
    for entry in entries {
        write!(out, "{:<20}  {:<16} {} {}", time(entry.time), entry.who, entry.action, entry.what)?;
        match (&entry.from, &entry.to) {
            (Some(from), Some(to)) => writeln!(out, " {DIM}({from} -> {to}){RESET}")?,
            (Some(one), None) | (None, Some(one)) => writeln!(out, " {DIM}({one}){RESET}")?,
            (None, None) => writeln!(out)?,
        }
    }
    Ok(())
}
