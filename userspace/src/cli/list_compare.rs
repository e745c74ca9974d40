//! `list diff` and `list overlap`.

use std::io::{self, Write};
use std::path::Path;

use hyper::Method;

use super::list::read;
use super::numbers::grouped;
use super::output::Stop;
use super::session::Session;
use super::style::{BOLD, RESET, WARN};
use crate::api::types::{AddressChanges, ListDiff, ListOverlap, ListSize, SharedAddresses};
use crate::config::Name;

pub(super) fn diff(session: &Session, name: &Name, file: Option<&Path>) -> Result<(), Stop> {
    let path = format!("/v1/lists/{name}/diff?text={}", file.is_some());
    let text = file.map(read).transpose()?.unwrap_or_default();
    let diff: ListDiff = session.call(Method::POST, &path, text)?;
    session.output.show(&diff, changes)
}

pub(super) fn overlap(session: &Session, names: &[Name]) -> Result<(), Stop> {
    let only: Vec<_> = names.iter().map(Name::as_str).collect();
    let overlap: ListOverlap = session.get(&format!("/v1/feeds/overlap?only={}", only.join(",")))?;
    session.output.show(&overlap, matrix)
}

fn changes(out: &mut dyn Write, diff: &ListDiff) -> io::Result<()> {
    let (now, then) = (grouped(diff.entries), grouped(diff.new_entries));
    let against = &diff.compared_with;
    writeln!(out, "{BOLD}{}{RESET} against {against}: {now} entries now, {then} then", diff.name)?;
    let all = [
        ("+", "IPv4", &diff.added_ipv4),
        ("-", "IPv4", &diff.removed_ipv4),
        ("+", "IPv6", &diff.added_ipv6),
        ("-", "IPv6", &diff.removed_ipv6),
    ];
    if all.iter().all(|(.., changes)| changes.prefixes == 0) {
        writeln!(out, "  the same addresses")?;
    }
    for (sign, family, changes) in all.into_iter().filter(|(.., changes)| changes.prefixes > 0) {
        one_way(out, sign, family, changes)?;
    }
    if diff.skipped > 0 {
        writeln!(out, "  {WARN}lines that would be left out: {}{RESET}", grouped(diff.skipped))?;
    }
    if diff.left_out > 0 {
        writeln!(out, "  {WARN}dangerous entries that would be left out: {}{RESET}", grouped(diff.left_out))?;
    }
    Ok(())
}

fn one_way(out: &mut dyn Write, sign: &str, family: &str, changes: &AddressChanges) -> io::Result<()> {
    let prefixes = grouped(changes.prefixes);
    writeln!(out, "  {sign} {prefixes} {family} prefixes, {} addresses", many(changes.addresses))?;
    for prefix in &changes.examples {
        writeln!(out, "    {sign} {prefix}")?;
    }
    match changes.prefixes.saturating_sub(changes.examples.len() as u64) {
        0 => Ok(()),
        more => writeln!(out, "    and {} more", grouped(more)),
    }
}

fn matrix(out: &mut dyn Write, overlap: &ListOverlap) -> io::Result<()> {
    if overlap.pairs.is_empty() {
        return writeln!(out, "no two of {} lists share an address", overlap.lists.len());
    }
    writeln!(
        out,
        "{BOLD}{:<20} {:<20} {:>9} {:>13} {:>8} {:>8} {:>8} {:>8}{RESET}",
        "LIST", "AND", "RANGES", "SHARED IPV4", "OF ONE", "OF OTHER", "IPV6: ONE", "OTHER"
    )?;
    overlap.pairs.iter().try_for_each(|pair| row(out, pair, &overlap.lists))
}

fn row(out: &mut dyn Write, pair: &SharedAddresses, lists: &[ListSize]) -> io::Result<()> {
    let whole = |name: &Name, pick: fn(&ListSize) -> u128| {
        lists.iter().find(|list| list.name == *name).map_or(0, pick)
    };
    let ipv4 = |name| percent(pair.ipv4_addresses, whole(name, |list| list.ipv4_addresses));
    let ipv6 = |name| percent(pair.ipv6_addresses, whole(name, |list| list.ipv6_addresses));
    writeln!(
        out,
        "{:<20} {:<20} {:>9} {:>13} {:>8} {:>8} {:>9} {:>8}",
        pair.one,
        pair.other,
        grouped(pair.ranges),
        many(pair.ipv4_addresses),
        ipv4(&pair.one),
        ipv4(&pair.other),
        ipv6(&pair.one),
        ipv6(&pair.other)
    )
}

/// A dash where there is nothing to share.
#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
fn percent(part: u128, whole: u128) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    format!("{:.1} %", part as f64 * 100.0 / whole as f64)
}

/// Grouped up to what 64 bits hold; as a power of two beyond, as IPv6 has it.
fn many(addresses: u128) -> String {
    match u64::try_from(addresses) {
        Ok(addresses) => grouped(addresses),
        Err(_) => format!("2^{}", addresses.ilog2()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_one_decimal() {
        let shares = [(1, 3), (0, 5), (5, 5), (1, 0)].map(|(part, whole)| percent(part, whole));
        assert_eq!(shares, ["33.3 %", "0.0 %", "100.0 %", "-"]);
    }

    #[test]
    fn numbers_of_ipv6_are_short() {
        assert_eq!([0, 65_536, 1 << 80].map(many), ["0", "65,536", "2^80"]);
    }
}
