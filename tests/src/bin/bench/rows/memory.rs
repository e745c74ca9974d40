//! Memory of the prefix tables: of random prefixes, and of the real geo data.

use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use anyhow::{Context, Result};
use aya::maps::Map;
use xdpgate::feeds::GeoDatabase;

use super::lookup::{fill4, fill6};
use crate::driver::Driver;
use crate::effort::Effort;
use crate::prefixes::{self, Prefixes4, Prefixes6};
use crate::row::{Better, Measured};
use crate::subjects::LookUp;

const COUNT: u32 = 1_000_000;
const UNIT: &str = "bytes/prefix";

pub(crate) fn random(_: &Effort) -> Result<Vec<Measured>> {
    let (ipv4, ipv6) = (prefixes::random4(COUNT as usize), prefixes::random6(COUNT as usize));
    let ours = [LookUp::ipv4(&ipv4)?.bytes, LookUp::ipv6(&ipv6)?.bytes];
    rows(["ipv4-memory-random", "ipv6-memory-random"], &ipv4, &ipv6, ours)
}

/// Each country of the database is another answer.
pub(crate) fn geo(_: &Effort) -> Result<Vec<Measured>> {
    let database = prefixes::geo()?;
    let (ipv4, ipv6) = of_database(&database);
    let ours = LookUp::geo(&database)?;
    rows(["ipv4-memory-geo", "ipv6-memory-geo"], &ipv4, &ipv6, ours)
}

fn rows(
    names: [&'static str; 2],
    ipv4: &Prefixes4,
    ipv6: &Prefixes6,
    ours: [u64; 2],
) -> Result<Vec<Measured>> {
    let mut driver = Driver::load(u32::try_from(ipv4.len().max(ipv6.len()))?)?;
    fill4(driver.map_mut("TRIE_V4")?, ipv4)?;
    fill6(driver.map_mut("TRIE_V6")?, ipv6)?;
    let mut row = |name, bytes, map, count: usize| {
        let peer = memory(driver.map_mut(map)?)?;
        let row = Measured::new(name, each(bytes, count), UNIT)
            .against("LPM trie", each(peer, count), Better::Lower)
            .with("prefixes", count)
            .with("bytes", bytes);
        anyhow::Ok(row)
    };
    Ok(vec![row(names[0], ours[0], "TRIE_V4", ipv4.len())?, row(names[1], ours[1], "TRIE_V6", ipv6.len())?])
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
