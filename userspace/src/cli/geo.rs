use std::io::{self, Write};

use hyper::Method;

use super::args::{GeoCommand, GeoRuleArgs};
use super::numbers::{bytes, grouped, time};
use super::output::Stop;
use super::session::Session;
use super::status::age;
use super::style::{BOLD, GOOD, RESET, WARN};
use crate::api::types::{
    Geo, GeoDatabaseRequest, GeoLookup, GeoRuleRequest, GeoUpdated, RuleWord, ServiceRule, System,
};
use crate::api::{Failure, FailureKind};

pub(super) fn geo(session: &Session, command: GeoCommand) -> Result<(), Stop> {
    match command {
        GeoCommand::Lookup { address } => {
            let lookup: GeoLookup = session.get(&format!("/v1/geo/lookup/{address}"))?;
            session.output.show(&lookup, found)
        }
        GeoCommand::Deny(args) => set_rule(session, RuleWord::Deny, args),
        GeoCommand::AllowOnly(args) => set_rule(session, RuleWord::AllowOnly, args),
        GeoCommand::Off => {
            let nothing =
                GeoRuleArgs { countries: Vec::new(), unknown: None, scope: None, mode: None, force: false };
            set_rule(session, RuleWord::Off, nothing)
        }
        GeoCommand::Reset => {
            let _: Geo = session.call(Method::DELETE, "/v1/geo/database", Vec::new())?;
            show(session, &session.call(Method::DELETE, "/v1/geo/rule", Vec::new())?)
        }
        GeoCommand::Update { force } => {
            let path = format!("/v1/geo/update?force={force}");
            let updated: GeoUpdated = session.call(Method::POST, &path, Vec::new())?;
            session.output.show(&updated, update)?;
            let refused = updated.databases.iter().find_map(|database| database.problem.clone());
            refused.map_or(Ok(()), |problem| Err(Failure::new(FailureKind::Refused, problem).into()))
        }
        GeoCommand::Show => show(session, &session.get("/v1/geo")?),
        GeoCommand::Database { path, force } => {
            // The daemon has another working directory.
            let path = std::path::absolute(&path).map_err(Failure::usage)?;
            let request = GeoDatabaseRequest { path, force };
            show(session, &session.send(Method::PUT, "/v1/geo/database", &request)?)
        }
    }
}

fn set_rule(session: &Session, rule: RuleWord, args: GeoRuleArgs) -> Result<(), Stop> {
    let request = GeoRuleRequest {
        rule,
        countries: args.countries.into_iter().collect(),
        unknown: args.unknown,
        scope: args.scope,
        mode: args.mode,
        force: args.force,
    };
    show(session, &session.send(Method::PUT, "/v1/geo/rule", &request)?)
}

fn show(session: &Session, geo: &Geo) -> Result<(), Stop> {
    session.output.show(geo, summary)
}

fn found(out: &mut dyn Write, lookup: &GeoLookup) -> io::Result<()> {
    let country = lookup.country.map_or_else(|| "no known country".to_owned(), |country| country.to_string());
    let database = lookup.database.as_ref().map(|database| age(&database.name, database.built));
    let database = database.unwrap_or_else(|| "there is no geo database".to_owned());
    writeln!(out, "{}: {BOLD}{country}{RESET} ({database})", lookup.address)?;
    let Some(asn) = &lookup.asn_database else { return Ok(()) };
    let system = lookup.system.as_ref().map_or_else(|| "no known autonomous system".to_owned(), in_words);
    writeln!(out, "{}: {BOLD}{system}{RESET} ({})", lookup.address, age(&asn.name, asn.built))
}

/// A system with its name.
pub(super) fn in_words(system: &System) -> String {
    let name = system.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
    format!("AS{}{name}", system.number)
}

fn update(out: &mut dyn Write, updated: &GeoUpdated) -> io::Result<()> {
    for database in &updated.databases {
        let path = database.path.display();
        let (before, ranges) = (grouped(database.before), grouped(database.ranges));
        match (&database.problem, database.swapped) {
            (Some(_), _) => writeln!(out, "{path}: {WARN}not taken{RESET}, {before} ranges stay in use")?,
            (None, true) => {
                writeln!(out, "{path}: {GOOD}swapped{RESET}, {ranges} ranges instead of {before}")?;
            }
            (None, false) => writeln!(out, "{path}: unchanged, {ranges} ranges")?,
        }
    }
    Ok(())
}

fn summary(out: &mut dyn Write, geo: &Geo) -> io::Result<()> {
    let rule = &geo.rule;
    write!(out, "rule      {BOLD}{}{RESET}", rule.rule.as_str())?;
    if rule.rule != RuleWord::Off {
        write!(out, ", unknown {}, scope {}, mode {}", rule.unknown, rule.scope, rule.mode)?;
    }
    writeln!(out, " (from {})", geo.rule_origin.as_str())?;
    for entry in &geo.countries {
        let (ipv4, ipv6) = (grouped(entry.ipv4_ranges), grouped(entry.ipv6_ranges));
        writeln!(out, "  {:<8}{ipv4} IPv4 ranges, {ipv6} IPv6 ranges", entry.country)?;
    }
    for ServiceRule { service, rule } in &geo.services {
        let countries: Vec<_> = rule.countries.iter().map(ToString::to_string).collect();
        write!(out, "service   {service}: {BOLD}{}{RESET}", rule.rule.as_str())?;
        if rule.rule != RuleWord::Off {
            let countries = countries.join(" ");
            write!(out, " {countries}, unknown {}, scope {}, mode {}", rule.unknown, rule.scope, rule.mode)?;
        }
        writeln!(out)?;
    }
    match &geo.database {
        Some(database) => {
            let (named, countries) = (age(&database.name, database.built), database.countries);
            let origin = database.origin.as_str();
            writeln!(
                out,
                "database  {named}, {countries} countries, read {} (from {origin})",
                time(database.loaded)
            )?;
        }
        None => writeln!(out, "database  none; name one with `xdpgate geo database PATH`")?,
    }
    if let Some(asn) = &geo.asn_database {
        let (named, systems) = (age(&asn.name, asn.built), grouped(asn.systems));
        writeln!(out, "asn       {named}, {systems} autonomous systems, read {}", time(asn.loaded))?;
    }
    for counted in &geo.counted {
        let country = counted.country.map_or_else(|| "unknown".to_owned(), |country| country.to_string());
        let (dropped, monitored) = (counted.dropped, counted.monitored);
        writeln!(
            out,
            "counted   {country:<8}{} packets ({}) dropped, {} packets ({}) would have been",
            grouped(dropped.packets),
            bytes(dropped.bytes),
            grouped(monitored.packets),
            bytes(monitored.bytes)
        )?;
    }
    Ok(())
}
