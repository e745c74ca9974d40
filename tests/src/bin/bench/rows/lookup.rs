//! The look-up of a source alone: our tables against the kernel's trie, with the same random keys.

use anyhow::{Result, anyhow, ensure};
use aya::Pod;
use aya::maps::lpm_trie::{Key, LpmTrie};
use aya::maps::{Map, MapData, MapError};

use crate::driver::{Driver, Plan};
use crate::effort::Effort;
use crate::frames;
use crate::prefixes::{self, Prefixes4, Prefixes6};
use crate::rounds::interleave;
use crate::row::{Better, Measured};
use crate::subjects::{Policy, compiled, write_tables};

/// What both say of a covered source, and nothing of others, so that the sums of the answers must be equal. The first
/// attribute set that a policy needs has this number.
const LEAF: u32 = 1;

pub(crate) fn ipv4_10k(effort: &Effort) -> Result<Vec<Measured>> {
    ipv4(effort, "ipv4-lookup-10k", 10_000)
}

pub(crate) fn ipv4_100k(effort: &Effort) -> Result<Vec<Measured>> {
    ipv4(effort, "ipv4-lookup-100k", 100_000)
}

pub(crate) fn ipv4_1m(effort: &Effort) -> Result<Vec<Measured>> {
    ipv4(effort, "ipv4-lookup-1m", 1_000_000)
}

pub(crate) fn ipv6_10k(effort: &Effort) -> Result<Vec<Measured>> {
    ipv6(effort, "ipv6-lookup-10k", 10_000)
}

pub(crate) fn ipv6_100k(effort: &Effort) -> Result<Vec<Measured>> {
    ipv6(effort, "ipv6-lookup-100k", 100_000)
}

pub(crate) fn ipv6_1m(effort: &Effort) -> Result<Vec<Measured>> {
    ipv6(effort, "ipv6-lookup-1m", 1_000_000)
}

fn ipv4(effort: &Effort, name: &'static str, count: u32) -> Result<Vec<Measured>> {
    let policy = Policy { prefixes4: prefixes::random4(count as usize), ..Policy::default() };
    let mut driver = Driver::load(count)?;
    fill4(driver.map_mut("TRIE_V4")?, &policy.prefixes4)?;
    compare(effort, name, driver, &policy, ["base4", "trie4", "ours4"], &frames::ipv4()?)
}

fn ipv6(effort: &Effort, name: &'static str, count: u32) -> Result<Vec<Measured>> {
    let policy = Policy { prefixes6: prefixes::random6(count as usize), ..Policy::default() };
    let mut driver = Driver::load(count)?;
    fill6(driver.map_mut("TRIE_V6")?, &policy.prefixes6)?;
    compare(effort, name, driver, &policy, ["base6", "trie6", "ours6"], &frames::ipv6()?)
}

fn compare(
    effort: &Effort,
    name: &'static str,
    mut driver: Driver,
    policy: &Policy,
    programs: [&str; 3],
    frame: &[u8],
) -> Result<Vec<Measured>> {
    const BASE: usize = 0;
    const TRIE: usize = 1;
    const OURS: usize = 2;
    write_tables(&mut driver, &compiled(policy, 1)?)?;
    let programs = programs.map(|name| driver.small(name));
    let mut sums = [0; 3];
    let samples = interleave(effort.rounds, programs.len(), |who, _| {
        let program = programs[who].as_ref().map_err(|error| anyhow!("{error:#}"))?;
        let run = driver.run(program, Plan::New, frame, effort.frames, 0)?;
        sums[who] = run.sum;
        Ok(run.ns)
    })?;
    ensure!(sums[TRIE] == sums[OURS], "the trie and our table disagree: {} and {}", sums[TRIE], sums[OURS]);
    let (trie, net) = (samples.net(TRIE, BASE), samples.net(OURS, BASE));
    let row = Measured::new(name, net.median, "ns")
        .against("LPM trie", trie.median, Better::Lower)
        .spread(net.middle, net.count)
        .with("base_ns", samples.of(BASE).median)
        .with("peer_spread", trie.middle.to_vec())
        .with("covered_keys", sums[TRIE])
        .with("dropped_rounds", samples.dropped);
    Ok(vec![row])
}

/// Puts prefixes into a trie of IPv4.
pub(super) fn fill4(map: &mut Map, prefixes: &Prefixes4) -> Result<()> {
    insert(map, prefixes.iter().map(|(at, length)| Key::new(u32::from(*length), at.to_be_bytes())))
}

/// Likewise of IPv6.
pub(super) fn fill6(map: &mut Map, prefixes: &Prefixes6) -> Result<()> {
    insert(map, prefixes.iter().map(|(at, length)| Key::new(u32::from(*length), at.to_be_bytes())))
}

fn insert<'m, K: Pod>(map: &'m mut Map, keys: impl Iterator<Item = Key<K>>) -> Result<()>
where
    LpmTrie<&'m mut MapData, K, u32>: TryFrom<&'m mut Map, Error = MapError>,
{
    let mut trie = LpmTrie::<&mut MapData, K, u32>::try_from(map)?;
    for key in keys {
        trie.insert(&key, LEAF, 0)?;
    }
    Ok(())
}
