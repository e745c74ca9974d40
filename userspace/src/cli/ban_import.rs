//! `ban import`: reads here, bans there, batch by batch.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;

use hyper::Method;
use jiff::Timestamp;
use serde::Serialize;

use super::args::BanImportArgs;
use super::list;
use super::numbers::{counted, grouped};
use super::output::Stop;
use super::session::Session;
use super::ttl::Ttl;
use crate::api::types::{BanImport, BanImportAnswer, LeftOut, NewBan};
use crate::api::{Failure, Prefix};
use crate::bouncer::import::read_decisions;
use crate::bouncer::import::{
    Ends, ForeignBan, ForeignBans, ImportError, Program, is_database, read_database,
};

/// Whose bans they are where neither the file nor the command line says it.
const SOURCE: &str = "import";
/// Bans of one request: a large table is filled within seconds, and each answer is a step that can be shown.
const BATCH: usize = 20_000;

pub(super) fn import(session: &Session, args: &BanImportArgs) -> Result<(), Stop> {
    let found = read(args)?;
    let mut done = Imported {
        left_out_of_file: found.left_out.iter().map(|(why, count)| ((*why).to_owned(), *count)).collect(),
        ..Imported::default()
    };
    let total = found.bans.len();
    for (source, bans) in by_source(found.bans, args) {
        for bans in bans.chunks(BATCH) {
            let request = BanImport { bans: bans.to_vec(), source: source.clone(), force: args.force };
            let answer: BanImportAnswer = session.send(Method::POST, "/v1/bans/import", &request)?;
            done.bans += answer.bans;
            done.new += answer.new;
            done.refused.extend(answer.left_out);
            progress(done.bans, total as u64);
        }
    }
    session.output.show(&done, |out, done| said(out, done))
}

/// What came of it.
#[derive(Debug, Default, Serialize)]
struct Imported {
    /// How many are in force.
    bans: u64,
    /// How many of them nobody had banned before.
    new: u64,
    /// What the file has besides, by why nobody is banned for it.
    left_out_of_file: BTreeMap<String, u64>,
    /// Those that would have locked out somebody.
    refused: Vec<LeftOut>,
}

fn read(args: &BanImportArgs) -> Result<ForeignBans, Failure> {
    let now = Timestamp::now();
    let is_fail2ban = match args.format {
        Some(format) => format == Program::Fail2ban,
        None => args.file != Path::new("-") && begins_as_database(&args.file),
    };
    let found = if is_fail2ban {
        read_database(&args.file, now)
    } else {
        let text = list::read(&args.file)?;
        read_decisions(&text, now)
    };
    found.map_err(|error| match error {
        ImportError::Unreadable { .. } => Failure::failed(error),
        ImportError::Database { .. } | ImportError::Decisions(_) => Failure::invalid(error),
    })
}

fn begins_as_database(path: &Path) -> bool {
    let mut beginning = [0; 16];
    File::open(path).and_then(|mut file| file.read_exact(&mut beginning)).is_ok() && is_database(&beginning)
}

fn by_source(bans: Vec<ForeignBan>, args: &BanImportArgs) -> BTreeMap<String, Vec<NewBan>> {
    let mut sources: BTreeMap<String, Vec<NewBan>> = BTreeMap::new();
    for ban in bans {
        let source = args.source.clone().or(ban.source).unwrap_or_else(|| SOURCE.to_owned());
        sources.entry(source).or_default().push(NewBan {
            prefix: Prefix::from(ban.prefix),
            ttl_seconds: seconds(ban.ends, args.ttl),
            reason: ban.reason,
            note: ban.note,
        });
    }
    sources
}

/// Rounded up: a ban that is over is not taken over.
fn seconds(ends: Ends, otherwise: Ttl) -> Option<u64> {
    match ends {
        Ends::Unsaid => otherwise.seconds(),
        Ends::Never => None,
        Ends::In(left) => Some(left.as_secs() + u64::from(left.subsec_nanos() > 0)),
    }
}

fn progress(done: u64, total: u64) {
    if total > BATCH as u64 && io::stderr().is_terminal() {
        let end = if done >= total { "\n" } else { "" };
        let _ = write!(io::stderr(), "\r\x1b[K{} of {} bans{end}", grouped(done), grouped(total));
        let _ = io::stderr().flush();
    }
}

fn said(out: &mut dyn Write, done: &Imported) -> io::Result<()> {
    writeln!(out, "{} in force, {} of them new", counted(done.bans, "ban"), grouped(done.new))?;
    for (why, count) in &done.left_out_of_file {
        writeln!(out, "{} left out: {why}", grouped(*count))?;
    }
    for LeftOut { prefix, why } in &done.refused {
        writeln!(out, "{prefix}: not banned: {why}; --force does it nevertheless")?;
    }
    Ok(())
}
