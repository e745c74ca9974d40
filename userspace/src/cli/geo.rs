use std::io::{self, Write};

use hyper::Method;

use super::args::{GeoCommand, GeoRuleArgs};
use super::numbers::{grouped, time};
use super::output::Stop;
use super::session::Session;
use super::style::{BOLD, RESET};
use crate::api::Failure;
use crate::api::types::{Geo, GeoDatabaseInfo, GeoDatabaseRequest, GeoLookup, GeoRuleRequest, RuleWord};

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
    writeln!(out, "{}: {BOLD}{country}{RESET} ({})", lookup.address, described(&lookup.database))
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
    match &geo.database {
        Some(database) => {
            let countries = database.countries;
            writeln!(
                out,
                "database  {}, {countries} countries (from {})",
                described(database),
                database.origin.as_str()
            )
        }
        None => writeln!(out, "database  none; name one with `xdpgate geo database PATH`"),
    }
}

fn described(database: &GeoDatabaseInfo) -> String {
    let built = database.built.map(|built| format!(", built {}", time(built))).unwrap_or_default();
    format!("{}{built}", database.name)
}
