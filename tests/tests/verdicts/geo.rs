//! The real databases in the kernel: which country each of many addresses is of, as the databases' own readers say.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use xdpgate::config::{Config, CountryRule, CountryScope, CountrySelection};
use xdpgate::country::CountryCode;
use xdpgate::feeds::GeoDatabase;
use xdpgate::policy::{Image, OperatorChanges, Sources, compile};
use xdpgate_ebpf::abi::Count;
use xdpgate_tests::packets::{Ipv4, Ipv6, Payload};
use xdpgate_tests::{geo, kernel_or_skip};

use super::gate::{Gate, Program, XDP_DROP, XDP_PASS};

/// Of each family.
const ADDRESSES: u64 = 50_000;

/// Steps through the space in a way that is random enough, and the same each time.
fn scattered(index: u64) -> u64 {
    let mut x = index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// Addresses at random, those of IPv6 where addresses were given out.
fn addresses() -> impl Iterator<Item = IpAddr> {
    (0..ADDRESSES).flat_map(|index| {
        let bits = scattered(index);
        let top = 0x2000_0000_0000_0000 | bits >> 3;
        let top = if index % 2 == 0 { top } else { top & 0xFFFF_FFFF_0000_0000 };
        let [a, b, c, d, ..] = bits.to_be_bytes();
        [Ipv4Addr::new(a, b, c, d).into(), Ipv6Addr::from_bits(u128::from(top) << 64 | 1).into()]
    })
}

/// Every second country is denied, by the order of their letters, so that neighbours in the tables differ.
fn is_denied(country: CountryCode) -> bool {
    country.as_bytes().iter().map(|letter| u32::from(*letter)).sum::<u32>() % 2 == 0
}

fn image(database: &GeoDatabase, generation: u64) -> Image {
    let denied = database.countries().keys().copied().filter(|country| is_denied(*country));
    let country = CountryRule {
        rule: CountrySelection::Deny(denied.collect()),
        scope: CountryScope::All,
        ..CountryRule::default()
    };
    let config = Config { country, ..Config::default() };
    let changes = OperatorChanges::default();
    let sources = Sources { geo: Some(database), ..Sources::of(&config, &changes) };
    compile(&sources, generation).unwrap()
}

/// What the countries have counted, in packets.
fn counted(gate: &Gate) -> BTreeMap<CountryCode, u64> {
    let rows = gate.kernel.country_counters().unwrap().into_iter();
    rows.map(|(country, counters)| {
        assert_eq!(counters.monitored, Count::ZERO);
        (country.expect("unknown sources pass"), counters.dropped.packets)
    })
    .collect()
}

#[test]
fn the_kernel_answers_as_the_database_before_and_after_a_swap() {
    if !kernel_or_skip("the_kernel_answers_as_the_database_before_and_after_a_swap") {
        return;
    }
    let paths = geo::databases();
    if paths.is_empty() {
        eprintln!("skipped: no database is named");
        return;
    }
    let gate = Gate::sized(|options| options.prefixes = 1 << 22);
    let mut expected = BTreeMap::<CountryCode, u64>::new();
    // Back to the first at the end: what a swap brings, another one takes away.
    for (generation, path) in (1..).zip(paths.iter().chain(paths.first())) {
        let database = GeoDatabase::open(path).unwrap();
        gate.kernel.install(&image(&database, generation)).unwrap();
        let denied = send_all(&gate, &database, path, &mut expected);
        assert!(denied > ADDRESSES / 10, "{}: only {denied} were denied", path.display());
        assert_eq!(counted(&gate), expected, "{}", path.display());
    }
}

/// Sends a packet from each address; how many were denied.
fn send_all(
    gate: &Gate,
    database: &GeoDatabase,
    path: &Path,
    expected: &mut BTreeMap<CountryCode, u64>,
) -> u64 {
    let mut denied = 0;
    for address in addresses() {
        let payload = Payload::udp(1, 2);
        let frame = match address {
            IpAddr::V4(ip) => Ipv4::from(ip).carrying(&payload).ethernet(),
            IpAddr::V6(ip) => Ipv6::from(ip).carrying(&payload).ethernet(),
        };
        let country = database.lookup(address).filter(|country| is_denied(*country));
        let answer = gate.run(Program::OneBuffer, &frame.bytes, 1).return_value;
        let wanted = if country.is_some() { XDP_DROP } else { XDP_PASS };
        assert_eq!(answer, wanted, "{address} of {country:?}, by {}", path.display());
        if let Some(country) = country {
            *expected.entry(country).or_default() += 1;
            denied += 1;
        }
    }
    denied
}
