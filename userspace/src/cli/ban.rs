use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use hyper::Method;

use super::args::{BanCommand, BanFilterArgs};
use super::list;
use super::numbers::{counted, duration, grouped, time};
use super::output::Stop;
use super::session::Session;
use super::style::{BOLD, RESET};
use crate::api::types::{Ban, BanAnswer, BanLinesAnswer, BanRequest, Bans, NewBan, Removed, UnbanRequest};
use crate::api::{Failure, Prefix};

/// For each of so many that one source no longer bans, it is said who else does.
const ASKED_EACH: usize = 20;

pub(super) fn ban(session: &Session, command: BanCommand) -> Result<(), Stop> {
    match command {
        BanCommand::Add { from: Some(file), skip_bad, ttl, reason, source, note, force, .. } => {
            let ttl = ttl.seconds().map(|seconds| format!("ttl_seconds={seconds}&")).unwrap_or_default();
            let [reason, source, note] = [&reason, &source, &note].map(|text| encoded(text));
            let texts = format!("reason={reason}&source={source}&note={note}");
            let path = format!("/v1/bans/lines?{ttl}{texts}&skip_bad={skip_bad}&force={force}");
            let answer: BanLinesAnswer = session.call(Method::POST, &path, list::read(&file)?)?;
            session.output.show(&answer, |out, answer| lines_added(out, answer))
        }
        BanCommand::Add { prefixes, ttl, since, reason, source, note, lengthen, force, .. } => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let Some(ttl) = since.map_or(Some(ttl), |since| since.left(ttl, now)) else {
                return session.output.show(&BanAnswer { bans: Vec::new() }, |out, _| {
                    writeln!(out, "nobody was banned: the time is over")
                });
            };
            let new = |prefix| NewBan {
                prefix,
                ttl_seconds: ttl.seconds(),
                reason: reason.clone(),
                note: note.clone(),
            };
            let request =
                BanRequest { bans: prefixes.into_iter().map(new).collect(), source, lengthen, force };
            let answer: BanAnswer = session.send(Method::POST, "/v1/bans", &request)?;
            session.output.show(&answer, |out, answer| answer.bans.iter().try_for_each(|ban| added(out, ban)))
        }
        BanCommand::Del { prefixes, source, all, if_banned } => {
            let request = UnbanRequest { prefixes, source, all };
            let removed: Removed = session.send(Method::DELETE, "/v1/bans", &request)?;
            let held = still_held(session, &request, &removed)?;
            session.output.show(&removed, |out, removed| {
                removed.removed.iter().try_for_each(|prefix| match held.get(prefix) {
                    Some(sources) => {
                        writeln!(out, "{prefix}: lifted; still banned by {}", sources.join(", "))
                    }
                    None => writeln!(out, "{prefix}: no longer banned"),
                })
            })?;
            if if_banned { Ok(()) } else { all_found(&removed, "banned") }
        }
        BanCommand::List { filter, count } => {
            let bans: Bans = session.get(&path(&filter))?;
            session
                .output
                .show(&bans, |out, bans| if count { total(out, &bans.bans) } else { table(out, &bans.bans) })
        }
        BanCommand::Export { format, filter } => {
            let bans: Bans = session.get(&path(&filter))?;
            super::ban_export::export(bans.bans, format)
        }
        BanCommand::Import(args) => super::ban_import::import(session, &args),
    }
}

fn path(filter: &BanFilterArgs) -> String {
    let source = filter.source.as_ref().map(|source| format!("source={}", encoded(source)));
    let covering = filter.covering.map(|prefix| format!("covering={}", encoded(&prefix.to_string())));
    let ending = filter.ending_within.map(|wait| format!("ending_within_seconds={}", wait.seconds()));
    let parts: Vec<_> = [source, covering, ending].into_iter().flatten().collect();
    format!("/v1/bans?{}", parts.join("&"))
}

/// Who else bans what one source no longer does.
fn still_held(
    session: &Session,
    request: &UnbanRequest,
    removed: &Removed,
) -> Result<BTreeMap<Prefix, Vec<String>>, Failure> {
    let mut held = BTreeMap::new();
    // A program that lifts thousands does not read what is printed.
    if request.source.is_none() || removed.removed.len() > ASKED_EACH {
        return Ok(held);
    }
    for prefix in &removed.removed {
        let bans: Bans = session.get(&format!("/v1/bans?covering={}", encoded(&prefix.to_string())))?;
        let sources: Vec<_> = bans.bans.into_iter().map(|ban| ban.source).collect();
        if !sources.is_empty() {
            held.insert(*prefix, sources);
        }
    }
    Ok(held)
}

/// What was not there is a failure of its own, after the rest was done.
pub(super) fn all_found(removed: &Removed, what: &str) -> Result<(), Stop> {
    if removed.missing.is_empty() {
        return Ok(());
    }
    let missing: Vec<_> = removed.missing.iter().map(ToString::to_string).collect();
    Err(Failure::not_found(format!("not {what}: {}", missing.join(", "))).into())
}

fn added(out: &mut dyn Write, ban: &Ban) -> io::Result<()> {
    match ban.expires {
        Some(expires) => writeln!(out, "{}: banned until {}", ban.prefix, time(expires)),
        None => writeln!(out, "{}: banned for good", ban.prefix),
    }
}

fn lines_added(out: &mut dyn Write, answer: &BanLinesAnswer) -> io::Result<()> {
    if answer.bans == 0 {
        writeln!(out, "nobody was banned: there is no address in it")?;
        return left_out(out, answer);
    }
    let until =
        answer.expires.map_or_else(|| "for good".to_owned(), |expires| format!("until {}", time(expires)));
    writeln!(out, "{} made {until}, {} of them new", counted(answer.bans, "ban"), grouped(answer.new))?;
    left_out(out, answer)
}

fn left_out(out: &mut dyn Write, answer: &BanLinesAnswer) -> io::Result<()> {
    if answer.skipped > 0 {
        writeln!(out, "{} left out", counted(answer.skipped, "line"))?;
    }
    Ok(())
}

/// For a query, as RFC 3986 wants it.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn table(out: &mut dyn Write, bans: &[Ban]) -> io::Result<()> {
    if bans.is_empty() {
        return writeln!(out, "nobody is banned");
    }
    writeln!(out, "{BOLD}{:<28} {:<13} {:<14} REASON{RESET}", "PREFIX", "ENDS IN", "SOURCE")?;
    for ban in bans {
        let left = ban.remaining_seconds.map_or_else(|| "never".to_owned(), duration);
        let note = if ban.note.is_empty() { String::new() } else { format!(" ({})", ban.note) };
        writeln!(out, "{:<28} {left:<13} {:<14} {}{note}", ban.prefix, ban.source, ban.reason)?;
    }
    total(out, bans)
}

/// Several sources may ban one prefix.
fn total(out: &mut dyn Write, bans: &[Ban]) -> io::Result<()> {
    let prefixes: HashSet<Prefix> = bans.iter().map(|ban| ban.prefix).collect();
    let (bans, prefixes) = (bans.len() as u64, prefixes.len() as u64);
    if bans == prefixes {
        return writeln!(out, "{}", counted(bans, "ban"));
    }
    let of = if prefixes == 1 { "1 prefix".to_owned() } else { format!("{} prefixes", grouped(prefixes)) };
    writeln!(out, "{} of {of}", counted(bans, "ban"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_addresses_is_not_called_bans() {
        let said = |bans, skipped| {
            let mut out = Vec::new();
            lines_added(&mut out, &BanLinesAnswer { bans, new: bans, expires: None, skipped }).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(said(0, 0), "nobody was banned: there is no address in it\n");
        assert_eq!(said(0, 2), "nobody was banned: there is no address in it\n2 lines left out\n");
        assert_eq!(said(2, 0), "2 bans made for good, 2 of them new\n");
    }

    #[test]
    fn anything_can_stand_in_a_query() {
        assert_eq!(encoded("fail2ban:sshd & é"), "fail2ban%3Asshd%20%26%20%C3%A9");
    }
}
