//! Whole policies: apply, confirm, undo, the modes of single rules.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use hyper::Method;

use super::args::{ApplyArgs, ModeArgs, UndoArgs};
use super::numbers::grouped;
use super::output::Stop;
use super::session::Session;
use super::style::{BOLD, GOOD, RESET, WARN};
use super::ttl::Wait;
use crate::api::Failure;
use crate::api::types::{
    Applied, ApplyRequest, ModeAnswer, ModeRequest, PendingStatus, PolicySent, UndoRequest,
};
use crate::config::{self, Mode};

pub(super) fn apply(session: &Session, args: &ApplyArgs) -> Result<(), Stop> {
    let request = ApplyRequest {
        policy: args.file.as_deref().map(sent).transpose()?,
        confirm_seconds: args.confirm.map(Wait::seconds),
        force: args.force,
    };
    let applied: Applied = session.send(Method::POST, "/v1/apply", &request)?;
    session.output.show(&applied, print)
}

pub(super) fn confirm(session: &Session) -> Result<(), Stop> {
    let applied: Applied = session.call(Method::POST, "/v1/confirm", Vec::new())?;
    session.output.show(&applied, |out, applied| {
        writeln!(out, "{GOOD}confirmed{RESET}: history entry {} lasts", applied.number)?;
        interfaces(out, applied)
    })
}

pub(super) fn undo(session: &Session, args: &UndoArgs) -> Result<(), Stop> {
    let request = UndoRequest {
        steps: args.steps,
        confirm_seconds: args.confirm.map(Wait::seconds),
        force: args.force,
    };
    let applied: Applied = session.send(Method::POST, "/v1/undo", &request)?;
    session.output.show(&applied, print)
}

pub(super) fn set_mode(session: &Session, args: &ModeArgs, mode: Mode) -> Result<(), Stop> {
    let request = ModeRequest { mode, force: args.force };
    let answer: ModeAnswer = session.send(Method::PUT, &format!("/v1/modes/{}", args.name), &request)?;
    session.output.show(&answer, |out, answer| {
        let effect = match answer.mode {
            Mode::Enforce => "drops",
            Mode::Monitor => "only counts what it would drop",
        };
        if answer.before == answer.mode {
            return writeln!(out, "{} is in mode {} already: nothing changed", answer.name, answer.mode);
        }
        writeln!(
            out,
            "{}: {} -> {BOLD}{}{RESET}, {effect} from now on",
            answer.name, answer.before, answer.mode
        )?;
        writeln!(out, "generation {} is live", answer.generation)
    })
}

pub(super) fn sent(file: &Path) -> Result<PolicySent, Failure> {
    let text = config::read_text(file).map_err(Failure::from)?;
    // The daemon has another working folder.
    let path: PathBuf = std::path::absolute(file).map_err(Failure::usage)?;
    Ok(PolicySent { path, text })
}

fn print(out: &mut dyn Write, applied: &Applied) -> io::Result<()> {
    let sizes = applied.sizes;
    writeln!(
        out,
        "{GOOD}generation {} is live{RESET} (history entry {}): {} IPv4 and {} IPv6 prefixes, {} ms",
        applied.generation,
        applied.number,
        grouped(sizes.ipv4_prefixes),
        grouped(sizes.ipv6_prefixes),
        sizes.milliseconds
    )?;
    interfaces(out, applied)?;
    match &applied.pending {
        Some(pending) => waits(out, pending),
        None => Ok(()),
    }
}

fn interfaces(out: &mut dyn Write, applied: &Applied) -> io::Result<()> {
    for name in &applied.attached {
        writeln!(out, "{name}: guarded from now on")?;
    }
    for name in &applied.detached {
        writeln!(out, "{WARN}{name}: no longer guarded{RESET}")?;
    }
    for name in &applied.waiting {
        writeln!(out, "{WARN}{name}: guarded when this is confirmed{RESET}")?;
    }
    if !applied.needs_restart.is_empty() {
        writeln!(
            out,
            "{WARN}takes effect at the next start (a table's size: after `xdpgate detach`): {}{RESET}",
            applied.needs_restart.join(", ")
        )?;
    }
    Ok(())
}

/// What an operator has to do now.
pub(super) fn waits(out: &mut dyn Write, pending: &PendingStatus) -> io::Result<()> {
    writeln!(
        out,
        "{WARN}in {} s it goes back by itself ({}){RESET}: `xdpgate confirm` keeps it, `xdpgate undo` goes back now",
        pending.seconds_left, pending.comes_back
    )
}
