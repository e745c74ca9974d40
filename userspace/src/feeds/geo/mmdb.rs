//! `MaxMind`'s binary format, as `GeoLite2`, `DB-IP` and `ip-location-db` publish it.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use maxminddb::{MaxMindDbError, Reader, WithinOptions};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{GeoDatabase, GeoError, GeoTable};
use crate::country::CountryCode;
use crate::feeds::range::Range;

/// What starts the metadata, which is the last thing in the file.
const METADATA_MARKER: &[u8] = b"\xAB\xCD\xEFMaxMind.com";
/// The format's limit for the size of the metadata and its marker.
const METADATA_AT_MOST: usize = 128 * 1024;
/// The IPv6 prefix length under which MMDB files keep IPv4 (`::/96`).
const IPV4_DEPTH: u8 = 96;

pub(super) fn is_mmdb(bytes: &[u8]) -> bool {
    let tail = bytes.get(bytes.len().saturating_sub(METADATA_AT_MOST)..).unwrap_or(bytes);
    tail.windows(METADATA_MARKER.len()).any(|window| window == METADATA_MARKER)
}

pub(super) fn parse(bytes: Vec<u8>, path: &Path) -> Result<GeoDatabase, GeoError> {
    let damaged = |source| GeoError::Mmdb { path: path.to_owned(), source };
    let reader = Reader::from_source(bytes).map_err(damaged)?;
    let (ipv4, ipv6) = tables(&reader).map_err(damaged)?;
    let metadata = reader.metadata();
    GeoDatabase::from_tables(metadata.database_type.clone(), metadata.build_time().ok(), ipv4, ipv6, path)
}

fn tables(reader: &Reader<Vec<u8>>) -> Result<(GeoTable<u32>, GeoTable<u128>), MaxMindDbError> {
    let (mut ipv4, mut ipv6) = (GeoTable::new(), GeoTable::new());
    // Many networks share a record, and decoding is most of the work.
    let mut decoded = HashMap::<usize, Option<CountryCode>>::new();
    for found in reader.networks(iteration(reader)?)? {
        let found = found?;
        let Some(offset) = found.offset() else { continue };
        let country = match decoded.get(&offset) {
            Some(country) => *country,
            None => *decoded.entry(offset).or_insert(found.decode::<Record<'_>>()?.and_then(Record::country)),
        };
        let Some(country) = country else { continue };
        let network = found.network()?;
        match network.ip() {
            IpAddr::V4(ip) => ipv4.push(Range::prefix(ip.to_bits(), network.prefix()), country),
            IpAddr::V6(ip) => {
                let range = Range::prefix(ip.to_bits(), network.prefix());
                // A record that holds all of ::/96 answers for IPv4 too.
                if range.first == 0 && network.prefix() <= IPV4_DEPTH {
                    ipv4.push(Range::ALL, country);
                }
                ipv6.push(range, country);
            }
        }
    }
    Ok((ipv4, ipv6))
}

/// The reader leaves out what repeats the IPv4 tree (`::ffff:0:0/96`, `2002::/16`) by comparing tree nodes. Where IPv4 is
/// one record and no tree, that comparison would leave out every other network of the same record.
fn iteration(reader: &Reader<Vec<u8>>) -> Result<WithinOptions, MaxMindDbError> {
    let options = WithinOptions::default();
    if reader.metadata().ip_version != 6 {
        return Ok(options);
    }
    let ipv4 = reader.lookup(IpAddr::V4(Ipv4Addr::UNSPECIFIED))?;
    let is_one_record = ipv4.has_data() && ipv4.network()?.is_ipv6();
    Ok(if is_one_record { options.include_aliased_networks() } else { options })
}

/// The country in a record: `country.iso_code` as in `GeoLite2`, `country_code` as in flat databases, or `country`.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow, default)]
    country: Option<Country<'a>>,
    #[serde(borrow, default)]
    country_code: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Country<'a> {
    Nested {
        #[serde(borrow, default)]
        iso_code: Option<&'a str>,
    },
    Flat(&'a str),
    Other(IgnoredAny),
}

impl Record<'_> {
    fn country(self) -> Option<CountryCode> {
        let (nested, flat) = match self.country {
            Some(Country::Nested { iso_code }) => (iso_code, None),
            Some(Country::Flat(text)) => (None, Some(text)),
            Some(Country::Other(_)) | None => (None, None),
        };
        nested.or(self.country_code).or(flat)?.parse().ok()
    }
}
