//! Who listens, and what stands before them.

use std::io::{self, Write};

use super::output::Stop;
use super::session::Session;
use super::style::{BAD, BOLD, DIM, GOOD, RESET, WARN};
use crate::api::types::{Cover, Coverage, SocketCoverage};
use crate::config::Name;
use crate::daemon::socket_owners;

pub(super) fn coverage(session: &Session) -> Result<(), Stop> {
    let mut coverage: Coverage = session.get("/v1/coverage")?;
    name_processes(&mut coverage.sockets);
    session.output.show(&coverage, print)?;
    if coverage.not_covered == 0 { Ok(()) } else { Err(Stop::Told(1)) }
}

/// Whoever asks may see processes that the daemon, with its few capabilities, may not.
fn name_processes(sockets: &mut [SocketCoverage]) {
    let unknown: Vec<u64> =
        sockets.iter().filter(|socket| socket.process.is_none()).map(|socket| socket.inode).collect();
    if unknown.is_empty() {
        return;
    }
    let mut owners = socket_owners(&unknown);
    for socket in sockets.iter_mut().filter(|socket| socket.process.is_none()) {
        socket.process = owners.remove(&socket.inode);
    }
}

fn print(out: &mut dyn Write, coverage: &Coverage) -> io::Result<()> {
    let Coverage { sockets, not_covered, .. } = coverage;
    let address = sockets.iter().map(|socket| endpoint(socket).len()).max().unwrap_or(0).max(7);
    let program = sockets.iter().map(|socket| process(socket).len()).max().unwrap_or(0).max(7);
    writeln!(out, "{BOLD}{:<5}{:<address$}  {:<program$}  covered by{RESET}", "", "address", "process")?;
    for socket in sockets {
        let style = if socket.covered { GOOD } else { BAD };
        let protocol = socket.protocol;
        let (endpoint, process, by) = (endpoint(socket), process(socket), by(socket));
        writeln!(out, "{protocol:<5}{endpoint:<address$}  {process:<program$}  {style}{by}{RESET}")?;
    }
    let guarded: Vec<_> = coverage.guarded.iter().map(ToString::to_string).collect();
    writeln!(out, "{DIM}guarded: {}; default action: {}{RESET}", or_none(&guarded), coverage.default_action)?;
    if !coverage.unguarded.is_empty() {
        writeln!(out, "{WARN}up and not guarded: {}{RESET}", coverage.unguarded.join(", "))?;
    }
    if coverage.paused {
        writeln!(out, "{WARN}paused: everything passes until `xdpgate resume`{RESET}")?;
    }
    let all = sockets.len();
    if *not_covered == 0 {
        return writeln!(out, "{GOOD}all {all} listening sockets are covered{RESET}");
    }
    let named = sockets.iter().filter(|socket| !socket.covered);
    let named: Vec<_> = named.map(|socket| format!("{} {}", socket.protocol, endpoint(socket))).collect();
    writeln!(
        out,
        "{BAD}{not_covered} of {all} listening sockets are not covered: {}{RESET}",
        named.join(", ")
    )
}

fn endpoint(socket: &SocketCoverage) -> String {
    std::net::SocketAddr::new(socket.address, socket.port).to_string()
}

fn process(socket: &SocketCoverage) -> String {
    socket.process.as_ref().map_or("-".to_owned(), |process| format!("{} ({})", process.name, process.pid))
}

fn by(socket: &SocketCoverage) -> String {
    let names = |names: &[Name]| names.iter().map(Name::to_string).collect::<Vec<_>>();
    let services = names(&socket.services).join(", ");
    let cover = match socket.cover {
        Cover::Service => format!("service {services} ({})", names(&socket.limits).join(", ")),
        Cover::ServiceUnlimited => format!("service {services}, without limits"),
        Cover::Nothing if !services.is_empty() => format!("service {services} on some addresses only"),
        Cover::SourceLimits if !services.is_empty() => {
            format!("source limits; service {services} on some addresses")
        }
        Cover::Nothing | Cover::SourceLimits | Cover::DefaultDrop | Cover::Loopback => {
            socket.cover.as_str().to_owned()
        }
    };
    if socket.unguarded.is_empty() {
        return cover;
    }
    let unguarded = socket.unguarded.join(", ");
    if socket.guarded.is_empty() {
        format!("nothing: comes in on {unguarded}")
    } else {
        format!("{cover}; past it on {unguarded}")
    }
}

fn or_none(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}
