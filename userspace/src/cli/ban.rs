use std::fmt::Write as _;
use std::io::{self, Write};

use hyper::Method;

use super::args::BanCommand;
use super::list;
use super::numbers::{counted, duration, grouped, time};
use super::output::Stop;
use super::session::Session;
use super::style::{BOLD, RESET};
use crate::api::Failure;
use crate::api::types::{Ban, BanAnswer, BanLinesAnswer, BanRequest, Bans, NewBan, PrefixesRequest, Removed};

pub(super) fn ban(session: &Session, command: BanCommand) -> Result<(), Stop> {
    match command {
        BanCommand::Add { from: Some(file), skip_bad, ttl, reason, source, force, .. } => {
            let ttl = ttl.seconds().map(|seconds| format!("ttl_seconds={seconds}&")).unwrap_or_default();
            let (reason, source) = (encoded(&reason), encoded(&source));
            let options = format!("{ttl}reason={reason}&source={source}&skip_bad={skip_bad}&force={force}");
            let path = format!("/v1/bans/lines?{options}");
            let answer: BanLinesAnswer = session.call(Method::POST, &path, list::read(&file)?)?;
            session.output.show(&answer, |out, answer| lines_added(out, answer))
        }
        BanCommand::Add { prefixes, ttl, reason, source, force, .. } => {
            let new = |prefix| NewBan { prefix, ttl_seconds: ttl.seconds(), reason: reason.clone() };
            let request = BanRequest { bans: prefixes.into_iter().map(new).collect(), source, force };
            let answer: BanAnswer = session.send(Method::POST, "/v1/bans", &request)?;
            session.output.show(&answer, |out, answer| answer.bans.iter().try_for_each(|ban| added(out, ban)))
        }
        BanCommand::Del { prefixes } => {
            let request = PrefixesRequest { prefixes, force: false };
            let removed: Removed = session.send(Method::DELETE, "/v1/bans", &request)?;
            session.output.show(&removed, |out, removed| {
                removed.removed.iter().try_for_each(|prefix| writeln!(out, "{prefix}: no longer banned"))
            })?;
            all_found(&removed, "banned")
        }
        BanCommand::List => {
            let bans: Bans = session.get("/v1/bans")?;
            session.output.show(&bans, |out, bans| table(out, &bans.bans))
        }
    }
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
        writeln!(out, "{:<28} {left:<13} {:<14} {}", ban.prefix, ban.source, ban.reason)?;
    }
    writeln!(out, "{}", counted(bans.len() as u64, "ban"))
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
