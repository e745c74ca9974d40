//! Memory of the prefix tables: of random prefixes, and of the real geo data.

use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use anyhow::{Context, Result};
use aya::maps::Map;
use xdpgate::feeds::GeoDatabase;
use xdpgate::policy::{FamilySize, Image, PrefixTables};

use super::lookup::{fill4, fill6};
use crate::driver::Driver;
use crate::effort::Effort;
use crate::prefixes::{self, Prefixes4, Prefixes6};
use crate::row::{Better, Measured};
use crate::subjects::{Policy, compiled, of_countries};

const COUNT: usize = 1_000_000;
/// Prefixes in the peer's tries: the kernel states the same memory for each, however many there are.
const SAMPLE: u32 = 10_000;
const UNIT: &str = "bytes/prefix";

pub(crate) fn random(_: &Effort) -> Result<Vec<Measured>> {
    let policy = Policy {
        prefixes4: prefixes::random4(COUNT),
        prefixes6: prefixes::random6(COUNT),
        ..Policy::default()
    };
    let image = compiled(&policy, 1)?;
    rows(["ipv4-memory-random", "ipv6-memory-random"], &policy.prefixes4, &policy.prefixes6, &image)
}

/// Each country of the database is another answer.
pub(crate) fn geo(_: &Effort) -> Result<Vec<Measured>> {
    let database = prefixes::geo()?;
    let (ipv4, ipv6) = of_database(&database);
    rows(["ipv4-memory-geo", "ipv6-memory-geo"], &ipv4, &ipv6, &of_countries(&database)?)
}

fn rows(
    names: [&'static str; 2],
    ipv4: &Prefixes4,
    ipv6: &Prefixes6,
    image: &Image,
) -> Result<Vec<Measured>> {
    let tables = PrefixTables::compile(&image.ipv4, &image.ipv6)?.size();
    let mut driver = Driver::load(SAMPLE)?;
    let some = SAMPLE as usize;
    fill4(driver.map_mut("TRIE_V4")?, ipv4.iter().take(some))?;
    fill6(driver.map_mut("TRIE_V6")?, ipv6.iter().take(some))?;
    let mut row = |name, size: FamilySize, map, count: usize| {
        let bytes = size.bytes() as u64;
        let peer = each(memory(driver.map_mut(map)?)?, some.min(count));
        let row = Measured::new(name, each(bytes, count), UNIT)
            .against("LPM trie", peer, Better::Lower)
            .with("prefixes", count)
            .with("segments", size.segments)
            .with("bytes", bytes)
            .with("hot_bytes", size.hot_bytes);
        anyhow::Ok(row)
    };
    Ok(vec![
        row(names[0], tables.ipv4, "TRIE_V4", ipv4.len())?,
        row(names[1], tables.ipv6, "TRIE_V6", ipv6.len())?,
    ])
}

/// The fewest prefixes that hold the same, as a trie needs them.
fn of_database(database: &GeoDatabase) -> (Prefixes4, Prefixes6) {
    let ipv4 = database.ranges4().flat_map(|range| range.range.prefixes());
    (ipv4.collect(), database.ranges6().flat_map(|range| range.range.prefixes()).collect())
}

#[expect(clippy::cast_precision_loss, reason = "megabytes and millions")]
fn each(bytes: u64, count: usize) -> f64 {
    bytes as f64 / count as f64
}

/// What the kernel says that a map takes, in bytes.
fn memory(map: &Map) -> Result<u64> {
    let Map::LpmTrie(data) = map else { anyhow::bail!("not a trie") };
    memory_of(data.fd().as_fd())
}

/// Likewise, by its descriptor.
fn memory_of(descriptor: BorrowedFd<'_>) -> Result<u64> {
    let path = format!("/proc/self/fdinfo/{}", descriptor.as_raw_fd());
    let text = fs::read_to_string(&path)?;
    let line = text.lines().find_map(|line| line.strip_prefix("memlock:"));
    Ok(line.with_context(|| format!("no memlock in {path}"))?.trim().parse()?)
}
