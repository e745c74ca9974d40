mod capture;

use std::io::{self, Write};

use xdpgate_ebpf::packet::TCP_SYN;

use super::args::ExplainArgs;
use super::geo::in_words;
use super::numbers::{duration, grouped, time};
use super::output::Stop;
use super::session::Session;
use super::style::{BAD, BOLD, DIM, GOOD, RESET, WARN};
use crate::api::types::{Ban, BucketState, Explanation, ListMatch, Origined, Probe, Protocol};
use crate::config::Algorithm;
use crate::daemon::tcp_flags;

pub(super) fn explain(session: &Session, args: &ExplainArgs) -> Result<(), Stop> {
    if let Some(file) = &args.capture {
        return capture::explain(session, args.address, file);
    }
    let protocol = Protocol::from(args.proto);
    let to = args.to.map(|to| format!("&to={to}")).unwrap_or_default();
    let path = format!("/v1/explain/{}?port={}&proto={protocol}{to}", args.address, args.port);
    let explanation: Explanation = session.get(&path)?;
    session.output.show(&explanation, print_explanation)
}

fn print_explanation(out: &mut dyn Write, answer: &Explanation) -> io::Result<()> {
    let style = if answer.action == "pass" { GOOD } else { BAD };
    writeln!(
        out,
        "{BOLD}{}{RESET} sending {}: {style}{}{RESET}, {}",
        answer.address,
        packet(&answer.probe),
        answer.action,
        answer.reason
    )?;
    writeln!(out, "  {}", answer.help)?;
    if let Some(list) = &answer.list {
        writeln!(out, "  list: {list}")?;
    }
    if !answer.monitored.is_empty() {
        writeln!(out, "  {WARN}in monitor mode, would drop: {}{RESET}", answer.monitored.join(", "))?;
    }
    answer.allow.iter().try_for_each(|entry| entry_line(out, "allow", entry))?;
    answer.management.iter().try_for_each(|entry| entry_line(out, "management", entry))?;
    answer.bans.iter().try_for_each(|ban| ban_line(out, ban))?;
    answer.lists.iter().try_for_each(|list| list_lines(out, list))?;
    if let Some(country) = &answer.country {
        let code = country.country.map_or_else(|| "unknown".to_owned(), |code| code.to_string());
        let whose =
            country.service.as_ref().map(|service| format!(" of service {service}")).unwrap_or_default();
        let built = country.built.map(|built| format!(" of {}", time(built))).unwrap_or_default();
        writeln!(
            out,
            "{:<12}{code} {DIM}({}{built}; rule{}: {}){RESET}",
            "country", country.database, whose, country.rule
        )?;
    }
    if let Some(found) = &answer.system {
        let system = found.system.as_ref().map_or_else(|| "unknown".to_owned(), in_words);
        let built = found.built.map(|built| format!(" of {}", time(built))).unwrap_or_default();
        writeln!(out, "{:<12}{system} {DIM}({}{built}){RESET}", "system", found.database)?;
    }
    if let Some(service) = &answer.service {
        writeln!(out, "{:<12}{service}", "service")?;
    }
    if let Some(plan) = &answer.plan {
        writeln!(out, "{:<12}{plan}", "plan")?;
    }
    answer.limits.iter().try_for_each(|limit| limit_line(out, limit))?;
    for set in &answer.modes {
        writeln!(
            out,
            "{:<12}{}: {} {DIM}(set by an operator; written: {}){RESET}",
            "mode", set.name, set.mode, set.written
        )?;
    }
    writeln!(out, "{DIM}by generation {}{RESET}", answer.generation)
}

/// The packet in words.
fn packet(probe: &Probe) -> String {
    let what = match probe.protocol {
        Protocol::Tcp => match probe.tcp_flags {
            None | Some(TCP_SYN) => "TCP SYN".to_owned(),
            Some(flags) => format!("TCP with flags {}", tcp_flags(flags)),
        },
        Protocol::Udp => "UDP".to_owned(),
        Protocol::Icmp => match probe.icmp_type {
            None => "an ICMP echo request".to_owned(),
            Some(number) => format!("ICMP of type {number}"),
        },
        Protocol::Other(number) => format!("IP protocol {number}"),
    };
    let fragment = if probe.later_fragment { " (a later fragment)" } else { "" };
    let has_port = matches!(probe.protocol, Protocol::Tcp | Protocol::Udp) && !probe.later_fragment;
    let port = if has_port { format!(" to port {}", probe.port) } else { String::new() };
    let to = probe.destination.map(|to| format!(" of {to}")).unwrap_or_default();
    let bytes = probe.bytes.map(|bytes| format!(", {} bytes", grouped(bytes.into()))).unwrap_or_default();
    format!("{what}{fragment}{port}{to}{bytes}")
}

fn entry_line(out: &mut dyn Write, what: &str, entry: &Origined) -> io::Result<()> {
    let from = match entry.line {
        Some(line) => format!("line {line} of the policy"),
        None => format!("from {}", entry.origin.as_str()),
    };
    writeln!(out, "{what:<12}{} {DIM}({from}){RESET} {}", entry.prefix, entry.note)
}

fn ban_line(out: &mut dyn Write, ban: &Ban) -> io::Result<()> {
    let ends = match (ban.expires, ban.remaining_seconds) {
        (Some(expires), Some(left)) => format!("until {}, {} left", time(expires), duration(left)),
        _ => "for good".to_owned(),
    };
    let note = if ban.note.is_empty() { String::new() } else { format!(" ({})", ban.note) };
    writeln!(out, "{:<12}{} {ends} {DIM}(by {}){RESET} {}{note}", "ban", ban.prefix, ban.source, ban.reason)
}

fn list_lines(out: &mut dyn Write, list: &ListMatch) -> io::Result<()> {
    let mode = list.mode.map_or("not for this service", |mode| mode.as_str());
    writeln!(out, "{:<12}{} {DIM}({mode}){RESET}", "list", list.name)?;
    list.lines.iter().try_for_each(|line| writeln!(out, "{:<12}  line {}: {}", "", line.line, line.text))
}

fn limit_line(out: &mut dyn Write, limit: &BucketState) -> io::Result<()> {
    let (left, burst) = (grouped(limit.left), grouped(limit.burst));
    let back = match limit.algorithm {
        Algorithm::TokenBucket | Algorithm::LeakyBucket => format!("{} come back", limit.rate),
        Algorithm::FixedWindow | Algorithm::SlidingWindow => "in this window".to_owned(),
    };
    let BucketState { limit: name, unit, key, algorithm, mode, .. } = limit;
    writeln!(
        out,
        "{:<12}{name}: {left} of {burst} {unit} left for {key}, {back} {DIM}({algorithm}, {mode}){RESET}",
        "limit"
    )?;
    let Some(counted) = &limit.counted else { return Ok(()) };
    let [charged, dropped, monitored] =
        [counted.charged, counted.dropped, counted.monitored].map(|count| grouped(count.packets));
    writeln!(
        out,
        "{:<12}  {DIM}of all sources so far: {charged} packets charged, {dropped} dropped, {monitored} would have been{RESET}",
        ""
    )
}
