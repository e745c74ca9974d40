use std::io::{self, Write};

use jiff::Timestamp;

use super::numbers::{counted, grouped, since, time};
use super::output::Stop;
use super::policy::waits;
use super::session::Session;
use super::style::{BAD, BOLD, DIM, GOOD, RESET, WARN};
use crate::api::types::{CrowdsecStatus, InterfaceStatus, Status, XdpMode};
use crate::config::Mode;

pub(super) fn status(session: &Session) -> Result<(), Stop> {
    let status: Status = session.get("/v1/status")?;
    session.output.show(&status, print)
}

fn print(out: &mut dyn Write, status: &Status) -> io::Result<()> {
    let (style, word) = match (status.ready, status.paused) {
        (false, _) => (BAD, "NOT ENFORCING EVERYWHERE"),
        (true, true) => (WARN, "PAUSED: everything passes"),
        (true, false) => (GOOD, "enforcing"),
    };
    writeln!(
        out,
        "{BOLD}xdpgate {}{RESET} {style}{word}{RESET} {DIM}(pid {}, up {}){RESET}",
        status.version,
        status.pid,
        since(status.started)
    )?;
    for problem in &status.problems {
        writeln!(out, "  {WARN}look:{RESET} {}", problem.replace('\n', "\n        "))?;
    }
    let policy = &status.policy;
    let file = policy.file.as_ref().map_or_else(|| "built in".to_owned(), |file| file.display().to_string());
    writeln!(out, "policy      {file}, read {}, generation {}", time(policy.loaded), status.generation)?;
    if policy.differs_from_file {
        writeln!(out, "            {WARN}not the file: history entry {} is in force{RESET}", policy.number)?;
    }
    if let Some(pending) = &policy.pending {
        write!(out, "{WARN}UNCONFIRMED{RESET} ")?;
        waits(out, pending)?;
    }
    let sizes = policy.sizes;
    writeln!(
        out,
        "            {} IPv4 and {} IPv6 prefixes in {} sets, loaded in {} ms",
        grouped(sizes.ipv4_prefixes),
        grouped(sizes.ipv6_prefixes),
        sizes.attribute_sets,
        sizes.milliseconds
    )?;
    for interface in &status.interfaces {
        self::interface(out, interface)?;
    }
    writeln!(out, "bans        {}", grouped(status.bans))?;
    if let Some(crowdsec) = &status.crowdsec {
        self::crowdsec(out, crowdsec)?;
    }
    writeln!(out, "allowlist   {} entries", grouped(status.allow))?;
    writeln!(out, "blocklists  {}", status.lists)?;
    writeln!(out, "countries   {}", status.country)?;
    if let Some(geo) = &status.geo_database {
        let countries = grouped(geo.countries);
        writeln!(out, "geo         {}, {countries} countries", age(&geo.name, geo.built))?;
    }
    if let Some(asn) = &status.asn_database {
        let systems = grouped(asn.systems);
        writeln!(out, "asn         {}, {systems} autonomous systems", age(&asn.name, asn.built))?;
    }
    for set in &policy.modes {
        writeln!(
            out,
            "mode        {}: {} {WARN}(set by an operator; written: {}){RESET}",
            set.name, set.mode, set.written
        )?;
    }
    for table in &status.tables {
        let room = format!("{} of {}", grouped(table.used), grouped(table.capacity));
        writeln!(out, "table       {:<17} {room}", table.name)?;
    }
    let fragments =
        if status.kernel.fragments { "frames in several buffers" } else { "single-buffer frames only" };
    writeln!(out, "kernel      {}, {fragments}", status.kernel.release)
}

fn crowdsec(out: &mut dyn Write, crowdsec: &CrowdsecStatus) -> io::Result<()> {
    let all: u64 = crowdsec.decisions.iter().map(|of| of.decisions).sum();
    let mode = if crowdsec.mode == Mode::Monitor { " (monitor: only counted)" } else { "" };
    let asked = match crowdsec.last_answer {
        Some(answer) if crowdsec.reachable => format!("answered {} ago", since(answer)),
        Some(answer) => format!("{WARN}last answered {} ago{RESET}", since(answer)),
        None => format!("{WARN}never answered{RESET}"),
    };
    writeln!(out, "crowdsec    {}{mode} from {}, {asked}", counted(all, "decision"), crowdsec.url)?;
    crowdsec.unenforced.iter().try_for_each(|why| writeln!(out, "            {why}"))
}

/// A database, and how old it is.
pub(super) fn age(name: &str, built: Option<Timestamp>) -> String {
    let built = built.map(|built| format!(", built {} ({} ago)", time(built), since(built)));
    format!("{name}{}", built.unwrap_or_default())
}

fn interface(out: &mut dyn Write, interface: &InterfaceStatus) -> io::Result<()> {
    let (style, state) = if interface.enforcing { (GOOD, "enforcing") } else { (BAD, "NOT GUARDED") };
    let mode = if interface.mode == XdpMode::Generic { WARN } else { "" };
    let adopted = if interface.adopted { ", taken over from an earlier daemon" } else { "" };
    writeln!(
        out,
        "interface   {:<16} {mode}{:<8}{RESET} {style}{state}{RESET}{adopted}",
        interface.name,
        interface.mode.as_str()
    )
}
