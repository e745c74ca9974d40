//! Who may reach which service: the rows of lists and country rules.

use xdpgate_ebpf::abi::{Access, AccessRows, MAX_SERVICES, access_flag};

use super::country::CountryRules;
use super::error::CompileError;
use super::settings::list_bit;
use super::sources::{LoadedList, Sources};
use crate::config::{
    CountryRule, CountryScope, ListScope, ListUse, Mode, Name, ServiceConfig, ServiceProtocol,
};

/// The rows by the number of the service, which is one more than its position.
pub(super) fn rows(sources: &Sources<'_>, rules: &CountryRules) -> Result<AccessRows, CompileError> {
    let country = sources.country_rule();
    let mut rows = [row(sources, None, &country, rules)?; MAX_SERVICES as usize];
    for (slot, service) in rows.iter_mut().skip(1).zip(&sources.config.services) {
        let country = service.country.as_ref().unwrap_or(&country);
        *slot = row(sources, Some(service), country, rules)?;
    }
    Ok(rows)
}

fn row(
    sources: &Sources<'_>,
    service: Option<&ServiceConfig>,
    country: &CountryRule,
    rules: &CountryRules,
) -> Result<Access, CompileError> {
    let mut row = Access::OPEN;
    for (position, list) in sources.lists.iter().enumerate() {
        let bit = list_bit(position, sources.lists.len())?;
        match mode(sources, service, list) {
            Some(Mode::Enforce) => row.lists_enforced |= bit,
            Some(Mode::Monitor) => row.lists_monitored |= bit,
            None => {}
        }
    }
    row.country = rules.bit(country);
    row.flags = flag(country.mode == Mode::Monitor, access_flag::COUNTRY_MONITOR)
        | flag(country.scope == CountryScope::All, access_flag::COUNTRY_ALL)
        | flag(service.is_some_and(is_started_over_udp), access_flag::UDP_STARTS);
    Ok(row)
}

/// Whether a list drops or only counts packets of a service, or of none. Nothing: it does not apply to them.
#[must_use]
pub fn mode(sources: &Sources<'_>, service: Option<&ServiceConfig>, list: &LoadedList) -> Option<Mode> {
    let written = sources.config.lists.iter().find(|written| written.name == list.name);
    let label: Option<&Name> = written.and_then(|written| written.label.as_ref());
    // A list that an operator brings has no other scope.
    let applies = written.map_or(ListScope::Everywhere, |written| written.applies);
    match service.and_then(|service| service.use_of(&list.name, label)) {
        Some(ListUse::Skip) => None,
        Some(ListUse::Monitor) => Some(Mode::Monitor),
        Some(ListUse::Deny) => Some(list.mode),
        None => (applies == ListScope::Everywhere).then_some(list.mode),
    }
}

/// Whether every packet to it over UDP starts something. What no other service covers also has answers to the host.
fn is_started_over_udp(service: &ServiceConfig) -> bool {
    service.country.is_some() && matches!(service.protocol, ServiceProtocol::Udp | ServiceProtocol::TcpUdp)
}

const fn flag(on: bool, flag: u8) -> u8 {
    if on { flag } else { 0 }
}

#[cfg(test)]
mod tests;
