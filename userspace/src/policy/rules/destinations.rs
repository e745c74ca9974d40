//! From destinations to what services they are of.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use xdpgate_ebpf::abi::{DESTINATION_CLASSES, Destinations, MAX_BORDERS};

use crate::config::ServiceConfig;
use crate::policy::error::CompileError;

/// The longest prefix of each service that covers an address, by the service's position.
pub(super) type Covering = BTreeMap<usize, u8>;

/// The table of borders, and what covers the addresses of each class.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) table: Box<Destinations>,
    pub(super) classes: Vec<Covering>,
}

/// IPv4 addresses lie in `::ffff:0:0/96`.
const MAPPED: u128 = 0xffff << 32;

pub(super) fn compile(services: &[ServiceConfig]) -> Result<Compiled, CompileError> {
    let ranges: Vec<_> = services
        .iter()
        .enumerate()
        .flat_map(|(position, service)| service.destinations.iter().map(move |net| (position, net.value)))
        .map(|(position, net)| (position, net.prefix_len(), range(net)))
        .collect();
    let mut borders = BTreeSet::new();
    for (_, _, (first, last)) in &ranges {
        borders.insert(*first);
        borders.extend(last.checked_add(1));
    }
    let most = MAX_BORDERS as usize - 1;
    if borders.len() > most {
        return Err(CompileError::TooManyDestinations { most: most / 2 });
    }

    let mut table = Box::new(Destinations {
        high: [u64::MAX; MAX_BORDERS as usize],
        low: [u64::MAX; MAX_BORDERS as usize],
        classes: [0; MAX_BORDERS as usize],
    });
    let mut classes = vec![Covering::new()];
    let mut class = 0;
    // The first place is that of addresses below all borders, which no prefix covers unless a border is zero.
    for (place, border) in borders.iter().enumerate() {
        #[expect(clippy::cast_possible_truncation, reason = "halves")]
        let (high, low) = ((border >> 64) as u64, *border as u64);
        set(&mut table.high, place, high);
        set(&mut table.low, place, low);
        class = number(&mut classes, covering(&ranges, *border))?;
        set(&mut table.classes, place + 1, class);
    }
    for place in borders.len() + 1..MAX_BORDERS as usize {
        set(&mut table.classes, place, class);
    }
    Ok(Compiled { table, classes })
}

fn set<T>(places: &mut [T], place: usize, value: T) {
    if let Some(slot) = places.get_mut(place) {
        *slot = value;
    }
}

fn number(classes: &mut Vec<Covering>, covering: Covering) -> Result<u8, CompileError> {
    let known = classes.iter().position(|known| *known == covering);
    let number = known.unwrap_or(classes.len());
    if known.is_none() {
        classes.push(covering);
    }
    let most = DESTINATION_CLASSES as usize;
    u8::try_from(number).map_err(|_| CompileError::TooManyDestinations { most })
}

fn covering(ranges: &[(usize, u8, (u128, u128))], address: u128) -> Covering {
    let mut covering = Covering::new();
    for (position, length, (first, last)) in ranges {
        if *first <= address && address <= *last {
            let longest = covering.entry(*position).or_default();
            *longest = (*longest).max(*length);
        }
    }
    covering
}

fn range(net: IpNet) -> (u128, u128) {
    match net {
        IpNet::V4(net) => {
            (MAPPED | u128::from(net.network().to_bits()), MAPPED | u128::from(net.broadcast().to_bits()))
        }
        IpNet::V6(net) => (net.network().to_bits(), net.broadcast().to_bits()),
    }
}
