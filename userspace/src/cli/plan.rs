//! What a policy would change.

use std::io::{self, Write};

use hyper::Method;

use super::args::PlanArgs;
use super::numbers::{bytes, counted, grouped};
use super::output::Stop;
use super::policy::sent;
use super::session::Session;
use super::style::{BAD, BOLD, DIM, GOOD, RESET, WARN};
use crate::api::types::{
    AddressChanges, ChangeKind, FamilyChanges, NowAndThen, Plan, PlanRequest, RuleChange, SourceChange,
    SourceChanges, TableChanges,
};

/// Sources that are shown; `--json` has more.
const SHOWN: usize = 20;

pub(super) fn plan(session: &Session, args: &PlanArgs) -> Result<(), Stop> {
    let request = PlanRequest { policy: args.file.as_deref().map(sent).transpose()?, minutes: args.minutes };
    let plan: Plan = session.send(Method::POST, "/v1/plan", &request)?;
    session.output.show(&plan, print)?;
    if plan.refusals.is_empty() { Ok(()) } else { Err(Stop::Told(1)) }
}

fn print(out: &mut dyn Write, plan: &Plan) -> io::Result<()> {
    let file = plan.file.as_ref().map_or("the built-in policy".to_owned(), |file| file.display().to_string());
    writeln!(out, "{BOLD}{file}{RESET} against what is in force (history entry {}):", plan.compared_with)?;
    if !plan.changes {
        writeln!(out, "{GOOD}nothing changes{RESET}")?;
    }
    plan.rules.iter().try_for_each(|change| rule(out, change))?;
    for name in &plan.attach {
        writeln!(out, "+ {name}: guarded from then on")?;
    }
    for name in &plan.detach {
        writeln!(out, "{WARN}- {name}: no longer guarded{RESET}")?;
    }
    if !plan.needs_restart.is_empty() {
        let keys = plan.needs_restart.join(", ");
        writeln!(
            out,
            "{WARN}takes effect at the next start (a table's size: after `xdpgate detach`): {keys}{RESET}"
        )?;
    }
    family(out, "IPv4", &plan.ipv4)?;
    family(out, "IPv6", &plan.ipv6)?;
    tables(out, &plan.tables)?;
    sources(out, &plan.sources)?;
    if plan.refusals.is_empty() {
        return writeln!(out, "{GOOD}`xdpgate apply` would put it in force{RESET}; nothing was changed");
    }
    for refusal in &plan.refusals {
        writeln!(out, "{BAD}apply: {refusal}{RESET}")?;
    }
    Ok(())
}

fn rule(out: &mut dyn Write, change: &RuleChange) -> io::Result<()> {
    let said = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
    let alone = |pick: fn(&crate::api::types::KeyChange) -> &Option<String>| -> String {
        let keys = change.keys.iter().map(|key| format!("{} {}", key.key, said(pick(key))));
        keys.collect::<Vec<_>>().join("; ")
    };
    match change.change {
        ChangeKind::Added => {
            writeln!(out, "{GOOD}+ {}{RESET} {DIM}({}){RESET}", change.rule, alone(|key| &key.to))
        }
        ChangeKind::Removed => {
            writeln!(out, "{BAD}- {}{RESET} {DIM}({}){RESET}", change.rule, alone(|key| &key.from))
        }
        ChangeKind::Changed => change.keys.iter().try_for_each(|key| {
            let (from, to) = (said(&key.from), said(&key.to));
            writeln!(out, "{WARN}~ {}{RESET} {}: {from} -> {BOLD}{to}{RESET}", change.rule, key.key)
        }),
    }
}

fn family(out: &mut dyn Write, name: &str, changes: &FamilyChanges) -> io::Result<()> {
    let lines: [(&str, &AddressChanges); 5] = [
        ("newly known", &changes.added),
        ("no longer known", &changes.removed),
        ("known differently", &changes.changed),
        ("newly dropped", &changes.newly_dropped),
        ("newly passing", &changes.newly_passing),
    ];
    for (what, changes) in lines.into_iter().filter(|(_, changes)| changes.prefixes > 0) {
        let examples: Vec<_> = changes.examples.iter().map(ToString::to_string).collect();
        let more = if changes.prefixes > examples.len() as u64 { ", …" } else { "" };
        let addresses = u64::try_from(changes.addresses).map_or_else(|_| many(changes.addresses), grouped);
        writeln!(
            out,
            "{name} {what}: {} ({addresses} addresses): {}{more}",
            prefixes(changes.prefixes),
            examples.join(", ")
        )?;
    }
    Ok(())
}

fn prefixes(number: u64) -> String {
    if number == 1 { "1 prefix".to_owned() } else { format!("{} prefixes", grouped(number)) }
}

/// More than anybody reads digit by digit.
fn many(number: u128) -> String {
    format!("2^{}", number.checked_ilog2().unwrap_or(0))
}

fn tables(out: &mut dyn Write, tables: &TableChanges) -> io::Result<()> {
    let pair = |pair: &NowAndThen, show: fn(u64) -> String| {
        let most = if pair.most > 0 { format!(" of {}", show(pair.most)) } else { String::new() };
        if pair.now == pair.then {
            format!("{}{most}", show(pair.then))
        } else {
            format!("{} -> {}{most}", show(pair.now), show(pair.then))
        }
    };
    writeln!(out, "{BOLD}tables{RESET}")?;
    writeln!(out, "  prefix tables      {}", pair(&tables.prefix_bytes, bytes))?;
    writeln!(out, "  IPv4 ranges        {}", pair(&tables.ipv4_ranges, grouped))?;
    writeln!(out, "  IPv6 ranges        {}", pair(&tables.ipv6_ranges, grouped))?;
    writeln!(out, "  attribute sets     {}", pair(&tables.attribute_sets, grouped))?;
    writeln!(out, "  limits             {}", pair(&tables.limits, grouped))?;
    writeln!(
        out,
        "  limiter            a source takes at most {} of {} slots ({})",
        pair(&tables.slots_per_source, grouped),
        grouped(tables.limiter_slots),
        bytes(tables.limiter_bytes)
    )
}

fn sources(out: &mut dyn Write, sources: &SourceChanges) -> io::Result<()> {
    let minutes = counted(sources.minutes.into(), "minute");
    writeln!(
        out,
        "{BOLD}sources of the last {minutes}{RESET}: {} seen, {} would now be dropped, {} would now pass",
        grouped(sources.seen),
        grouped(sources.newly_dropped),
        grouped(sources.newly_passing)
    )?;
    for (reason, number) in &sources.reasons {
        writeln!(out, "  {reason:<18} {}", grouped(*number))?;
    }
    sources.dropped.iter().take(SHOWN).try_for_each(|change| source(out, change))?;
    if sources.newly_dropped > SHOWN as u64 {
        writeln!(
            out,
            "  {DIM}… {} more; --json has them{RESET}",
            grouped(sources.newly_dropped - SHOWN as u64)
        )?;
    }
    sources.left_out.iter().try_for_each(|note| writeln!(out, "  {DIM}{note}{RESET}"))
}

fn source(out: &mut dyn Write, change: &SourceChange) -> io::Result<()> {
    let part = change.part.map(|part| format!(" (in part: {part})")).unwrap_or_default();
    let list = change.list.as_ref().map(|list| format!(" by {list}")).unwrap_or_default();
    writeln!(
        out,
        "  {BAD}{:<18}{RESET}{part} {}: {} -> {}{list}",
        change.source,
        change.packets.join(", "),
        change.now,
        change.then
    )
}
