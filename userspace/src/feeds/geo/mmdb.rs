//! `MaxMind`'s binary format, as `GeoLite2`, `DB-IP` and `ip-location-db` publish it.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use maxminddb::{MaxMindDbError, Reader, WithinOptions};

use super::GeoError;
use super::file::{Reading, Tables};
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

pub(super) fn parse<R: Reading>(
    bytes: Vec<u8>,
    path: &Path,
    reading: &mut R,
) -> Result<Tables<R::Value>, GeoError> {
    let damaged = |source| GeoError::Mmdb { path: path.to_owned(), kind: R::KIND, source };
    let reader = Reader::from_source(bytes).map_err(damaged)?;
    tables(&reader, reading).map_err(damaged)?.finish(path)
}

fn tables<R: Reading>(reader: &Reader<Vec<u8>>, reading: &mut R) -> Result<Tables<R::Value>, MaxMindDbError> {
    let metadata = reader.metadata();
    let mut tables = Tables::new(metadata.database_type.clone(), metadata.build_time().ok());
    // Many networks share a record, and decoding is most of the work.
    let mut decoded = HashMap::<usize, Option<R::Value>>::new();
    for found in reader.networks(iteration(reader)?)? {
        let found = found?;
        let Some(offset) = found.offset() else { continue };
        let value = match decoded.get(&offset) {
            Some(value) => *value,
            None => *decoded.entry(offset).or_insert(reading.of_record(&found)?),
        };
        let Some(value) = value else { continue };
        let network = found.network()?;
        match network.ip() {
            IpAddr::V4(ip) => tables.ipv4.push(Range::prefix(ip.to_bits(), network.prefix()), value),
            IpAddr::V6(ip) => {
                let range = Range::prefix(ip.to_bits(), network.prefix());
                // A record that holds all of ::/96 answers for IPv4 too.
                if range.first == 0 && network.prefix() <= IPV4_DEPTH {
                    tables.ipv4.push(Range::ALL, value);
                }
                tables.ipv6.push(range, value);
            }
        }
    }
    Ok(tables)
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
