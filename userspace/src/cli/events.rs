use std::io::{self, Write};
use std::net::IpAddr;

use super::args::EventsArgs;
use super::numbers::time;
use super::output::Stop;
use super::session::Session;
use super::style::{BAD, BOLD, RESET, WARN};
use crate::api::Failure;
use crate::api::types::{Event, EventKind, Events};

pub(super) fn events(session: &Session, args: &EventsArgs) -> Result<(), Stop> {
    let path = format!("/v1/events?last={}", args.last);
    if args.follow {
        return session.follow(&format!("{path}&follow=1"), |line| {
            let event: Event = serde_json::from_slice(line).map_err(Failure::failed)?;
            session.output.show(&event, row)
        });
    }
    let events: Events = session.get(&path)?;
    session.output.show(&events, |out, events| {
        if events.events.is_empty() {
            return writeln!(out, "no packet was dropped since the daemon started");
        }
        writeln!(out, "{BOLD}{:<20} {:<10} {:<15} PACKET{RESET}", "TIME", "INTERFACE", "REASON")?;
        events.events.iter().try_for_each(|event| row(out, event))
    })
}

fn row(out: &mut dyn Write, event: &Event) -> io::Result<()> {
    let (style, reason) = match event.kind {
        EventKind::Dropped => (BAD, event.reason.clone()),
        EventKind::Monitored => (WARN, format!("({})", event.monitored.join(","))),
    };
    write!(out, "{:<20} {:<10} {style}{reason:<15}{RESET} ", time(event.time), event.interface)?;
    write!(
        out,
        "{} > {}",
        end(event.source, event.source_port),
        end(event.destination, event.destination_port)
    )?;
    write!(out, " {}", event.protocol)?;
    if let Some(flags) = event.tcp_flags.as_deref().filter(|flags| !flags.is_empty()) {
        write!(out, " [{flags}]")?;
    }
    if let Some(list) = &event.list {
        write!(out, " list={list}")?;
    }
    if let Some(country) = event.country {
        write!(out, " {country}")?;
    }
    writeln!(out, " {} B", event.bytes)
}

fn end(address: Option<IpAddr>, port: Option<u16>) -> String {
    match (address, port) {
        (Some(address @ IpAddr::V6(_)), Some(port)) => format!("[{address}]:{port}"),
        (Some(address), Some(port)) => format!("{address}:{port}"),
        (Some(address), None) => address.to_string(),
        (None, _) => "-".to_owned(),
    }
}
