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
use crate::bouncer::import::{
    Ends, ForeignBan, ForeignBans, ImportFormat, read_database, read_decisions, read_entries_of,
};
use crate::feeds::{BadLines, Reading};

/// Whose bans they are where neither the file nor the command line says it.
const SOURCE: &str = "import";
/// Bans of one request: a large table is filled within seconds, and each answer is a step that can be shown.
const BATCH: usize = 20_000;
/// Enough of a file to see what it is.
const BEGINNING: usize = 4096;

pub(super) fn import(session: &Session, args: &BanImportArgs) -> Result<(), Stop> {
    let found = read(args)?;
    let mut done = Imported { left_out_of_file: found.left_out.into_iter().collect(), ..Imported::default() };
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
    if args.file != Path::new("-") {
        let format = args.format.or_else(|| ImportFormat::recognised(&beginning(&args.file)));
        if format == Some(ImportFormat::Fail2ban) {
            return read_database(&args.file, now).map_err(Failure::invalid);
        }
    }
    let text = list::read(&args.file)?;
    let beginning = text.get(..BEGINNING).unwrap_or(&text);
    let list = |format| Reading { format, bad: bad_lines(args), ..Reading::default() };
    let found = match args.format.or_else(|| ImportFormat::recognised(beginning)) {
        Some(ImportFormat::Fail2ban) => {
            return Err(Failure::usage("the database of fail2ban can only be read from a file"));
        }
        Some(ImportFormat::Crowdsec) => read_decisions(&text, now),
        Some(ImportFormat::List(format)) => read_entries_of(text.as_slice(), &list(Some(format))),
        None => read_entries_of(text.as_slice(), &list(None)),
    };
    found.map_err(Failure::invalid)
}

const fn bad_lines(args: &BanImportArgs) -> BadLines {
    if args.skip_bad { BadLines::Skip } else { BadLines::Refuse }
}

/// Empty for what cannot be read: reading all of it says why.
fn beginning(path: &Path) -> Vec<u8> {
    let mut beginning = Vec::new();
    let read = File::open(path).and_then(|file| file.take(BEGINNING as u64).read_to_end(&mut beginning));
    if read.is_ok() { beginning } else { Vec::new() }
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
