//! Whether the kernel enforces what it should.

use std::io::{self, Write};

use hyper::Method;

use super::numbers::grouped;
use super::output::Stop;
use super::session::Session;
use super::style::{BAD, GOOD, RESET};
use crate::api::types::Verified;

pub(super) fn verify(session: &Session) -> Result<(), Stop> {
    let verified: Verified = session.call(Method::POST, "/v1/verify", Vec::new())?;
    session.output.show(&verified, print)?;
    if verified.entries() == 0 { Ok(()) } else { Err(Stop::Told(1)) }
}

fn print(out: &mut dyn Write, verified: &Verified) -> io::Result<()> {
    for drift in &verified.tables {
        let (style, state) = match drift.entries {
            0 => (GOOD, "as it should be".to_owned()),
            entries => (BAD, format!("{} entries were not, and are mended", grouped(entries))),
        };
        writeln!(out, "{:<12}{style}{state}{RESET}", drift.table)?;
    }
    let milliseconds = verified.milliseconds;
    if verified.entries() == 0 {
        return writeln!(
            out,
            "{GOOD}the kernel enforces what it should{RESET} (checked in {milliseconds} ms)"
        );
    }
    writeln!(
        out,
        "{BAD}somebody else writes to the tables{RESET}; `bpftool map` and `xdpgate audit` help to find out who"
    )
}
