//! The compiler.

use std::net::IpAddr;

use xdpgate_ebpf::abi::{AttributeSet, attribute};

use super::attributes::AttributeSets;
use super::country::{Countries, CountryRules};
use super::error::CompileError;
use super::flatten::{Layer, flatten, toggle};
use super::image::{Image, Segment};
use super::plans::Plans;
use super::rules;
use super::settings::{list_bit, settings};
use super::sources::Sources;
use crate::config::Name;
use crate::feeds::{Address, DisjointRanges, Range};

/// Compiles one generation. What overlaps or is said twice is fine: every source gets all that is known about it.
///
/// # Errors
///
/// [`CompileError`] when the policy does not fit the kernel's tables, or a country rule has no geo database.
pub fn compile(sources: &Sources<'_>, generation: u64) -> Result<Image, CompileError> {
    let (rules, bits) = rules::compile(sources)?;
    let country_rules = CountryRules::of(sources)?;
    let settings = settings(sources, &country_rules, generation, bits)?;
    let countries = Countries::of(sources, &country_rules)?;
    let plans = Plans::of(sources.plans)?;
    let (allowed, management) = (allowed(sources), management(sources));
    let known = known(sources, &allowed, &management)?;
    let outside = countries.outside;
    let mut sets = AttributeSets::new(outside);
    let layers = known.iter().map(|(change, ranges)| layer(*change, ranges.ipv4()));
    let ipv4 = flatten(
        countries.ipv4().into_iter().chain([plans.ipv4()]).chain(layers).collect(),
        outside,
        &mut sets,
    )?;
    let layers = known.iter().map(|(change, ranges)| layer(*change, ranges.ipv6()));
    let ipv6 = flatten(
        countries.ipv6().into_iter().chain([plans.ipv6()]).chain(layers).collect(),
        outside,
        &mut sets,
    )?;
    Ok(Image { settings, attributes: sets.into_sets(), ipv4, ipv6, rules, lists: names(sources) })
}

/// Compiles as much of a generation as one address needs: of any other address the image knows nothing. Takes
/// microseconds, so that nobody has to keep the whole image to ask about an address now and then.
///
/// # Errors
///
/// As [`compile`], but for [`CompileError::TooManySets`].
pub fn compile_for(sources: &Sources<'_>, generation: u64, address: IpAddr) -> Result<Image, CompileError> {
    let (rules, bits) = rules::compile(sources)?;
    let country_rules = CountryRules::of(sources)?;
    let settings = settings(sources, &country_rules, generation, bits)?;
    let countries = Countries::of(sources, &country_rules)?;
    let plan = Plans::of(sources.plans)?.change_for(address);
    let (allowed, management) = (allowed(sources), management(sources));
    let known = known(sources, &allowed, &management)?;
    let mut set = countries.outside;
    let covering = known.into_iter().filter(|(_, ranges)| ranges.contains(address));
    for change in covering.map(|(change, _)| change).chain(countries.change_for(address)).chain(plan) {
        toggle(&mut set, &change);
    }
    let (ipv4, ipv6) = match address {
        IpAddr::V4(ip) => (vec![single(ip.to_bits())], Vec::new()),
        IpAddr::V6(ip) => (Vec::new(), vec![single(ip.to_bits())]),
    };
    Ok(Image {
        settings,
        attributes: vec![AttributeSet::EMPTY, set],
        ipv4,
        ipv6,
        rules,
        lists: names(sources),
    })
}

type Known<'a> = Vec<(AttributeSet, &'a DisjointRanges)>;

/// What changes in which ranges, but for the countries.
fn known<'a>(
    sources: &Sources<'a>,
    allowed: &'a DisjointRanges,
    management: &'a DisjointRanges,
) -> Result<Known<'a>, CompileError> {
    let mut known = vec![(flag(attribute::ALLOWED), allowed), (flag(attribute::MANAGEMENT), management)];
    for (index, list) in sources.lists.iter().enumerate() {
        let lists = list_bit(index, sources.lists.len())?;
        known.push((AttributeSet { lists, ..AttributeSet::EMPTY }, &*list.ranges));
    }
    Ok(known)
}

fn layer<A: Address>(change: AttributeSet, ranges: &[Range<A>]) -> Layer<'_, A> {
    Box::new(ranges.iter().map(move |range| (*range, change)))
}

const fn single<A: Copy>(address: A) -> Segment<A> {
    Segment { first: address, last: address, set: 1 }
}

fn names(sources: &Sources<'_>) -> Vec<Name> {
    sources.lists.iter().map(|list| list.name.clone()).collect()
}

fn allowed(sources: &Sources<'_>) -> DisjointRanges {
    let written = sources.config.allow.iter().map(|prefix| prefix.value);
    written.chain(sources.changes.allow.iter().copied()).collect()
}

fn management(sources: &Sources<'_>) -> DisjointRanges {
    sources.config.safety.management_prefixes.iter().map(|prefix| prefix.value).collect()
}

const fn flag(flags: u16) -> AttributeSet {
    AttributeSet { flags, ..AttributeSet::EMPTY }
}

#[cfg(test)]
mod tests;
