//! The compiler.

use xdpgate_ebpf::abi::{AttributeSet, attribute};

use super::attributes::AttributeSets;
use super::country::{CountryLayers, country_layers};
use super::error::CompileError;
use super::flatten::{Layer, flatten};
use super::image::Image;
use super::settings::{list_bit, settings};
use super::sources::Sources;
use crate::feeds::AddressRanges;

/// Compiles one generation. What overlaps or is said twice is fine: every source gets all that is known about it.
///
/// # Errors
///
/// [`CompileError`] when the policy does not fit the kernel's tables, or a country rule has no geo database.
pub fn compile(sources: &Sources<'_>, generation: u64) -> Result<Image, CompileError> {
    let settings = settings(sources, generation)?;
    let CountryLayers { outside, mut layers } = country_layers(sources)?;
    layers.push((flag(attribute::ALLOWED), allowed(sources)));
    layers.push((flag(attribute::MANAGEMENT), management(sources)));
    for (index, list) in sources.lists.iter().enumerate() {
        let lists = list_bit(index, sources.lists.len())?;
        layers.push((AttributeSet { lists, ..AttributeSet::EMPTY }, list.ranges.clone()));
    }
    let (layers4, layers6): (Vec<_>, Vec<_>) = layers
        .into_iter()
        .map(|(change, AddressRanges { ipv4, ipv6 })| {
            (Layer { change, ranges: ipv4 }, Layer { change, ranges: ipv6 })
        })
        .unzip();
    let mut sets = AttributeSets::new(outside);
    let ipv4 = flatten(layers4, outside, &mut sets)?;
    let ipv6 = flatten(layers6, outside, &mut sets)?;
    let lists = sources.lists.iter().map(|list| list.name.clone()).collect();
    Ok(Image { settings, attributes: sets.into_sets(), ipv4, ipv6, lists })
}

fn allowed(sources: &Sources<'_>) -> AddressRanges {
    let written = sources.config.allow.iter().map(|prefix| prefix.value);
    written.chain(sources.changes.allow.iter().copied()).collect()
}

fn management(sources: &Sources<'_>) -> AddressRanges {
    sources.config.safety.management_prefixes.iter().map(|prefix| prefix.value).collect()
}

const fn flag(flags: u16) -> AttributeSet {
    AttributeSet { flags, ..AttributeSet::EMPTY }
}

#[cfg(test)]
mod tests;
