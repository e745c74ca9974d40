//! The look-up of a source alone: our tables against the kernel's trie, with the same random keys.

use anyhow::{Result, ensure};
use aya::Pod;
use aya::maps::lpm_trie::{Key, LpmTrie};
use aya::maps::{Map, MapData, MapError};

use crate::driver::{Driver, Plan};
use crate::effort::Effort;
use crate::frames;
use crate::prefixes;
use crate::rounds::interleave;
use crate::row::{Better, Measured};
use crate::subjects::{Policy, compiled, write_tables};

/// What both say of a covered source, and nothing of others, so that the sums of the answers must be equal. The first
/// attribute set that a policy needs has this number.
const LEAF: u32 = 1;
/// With so many prefixes, keys inside of them are measured too: random ones hit few, above all with IPv6.
const MOST: u32 = 1_000_000;

pub(crate) fn ipv4_10k(effort: &Effort) -> Result<Vec<Measured>> {
    ipv4(effort, "ipv4-lookup-10k", 10_000)
}

pub(crate) fn ipv4_100k(effort: &Effort) -> Result<Vec<Measured>> {
    ipv4(effort, "ipv4-lookup-100k", 100_000)
}

pub(crate) fn ipv4_1m(effort: &Effort) -> Result<Vec<Measured>> {
    ipv4(effort, "ipv4-lookup-1m", MOST)
}

pub(crate) fn ipv6_10k(effort: &Effort) -> Result<Vec<Measured>> {
    ipv6(effort, "ipv6-lookup-10k", 10_000)
}

pub(crate) fn ipv6_100k(effort: &Effort) -> Result<Vec<Measured>> {
    ipv6(effort, "ipv6-lookup-100k", 100_000)
}

pub(crate) fn ipv6_1m(effort: &Effort) -> Result<Vec<Measured>> {
    ipv6(effort, "ipv6-lookup-1m", MOST)
}

fn ipv4(effort: &Effort, name: &'static str, count: u32) -> Result<Vec<Measured>> {
    let policy = Policy { prefixes4: prefixes::random4(count as usize), ..Policy::default() };
    let mut driver = Driver::load(count)?;
    fill4(driver.map_mut("TRIE_V4")?, &policy.prefixes4)?;
    write_tables(&mut driver, &compiled(&policy, 1)?)?;
    let programs = ["base4", "trie4", "ours4"];
    let frame = frames::ipv4()?;
    let mut rows = vec![compare(effort, name, &mut driver, programs, Plan::New, &frame)?];
    if count == MOST {
        driver.set_sources(&prefixes::inside4(&policy.prefixes4))?;
        rows.push(compare(effort, "ipv4-lookup-1m-inside", &mut driver, programs, Plan::Listed, &frame)?);
    }
    Ok(rows)
}

fn ipv6(effort: &Effort, name: &'static str, count: u32) -> Result<Vec<Measured>> {
    let policy = Policy { prefixes6: prefixes::random6(count as usize), ..Policy::default() };
    let mut driver = Driver::load(count)?;
    fill6(driver.map_mut("TRIE_V6")?, &policy.prefixes6)?;
    write_tables(&mut driver, &compiled(&policy, 1)?)?;
    let programs = ["base6", "trie6", "ours6"];
    let frame = frames::ipv6()?;
    let mut rows = vec![compare(effort, name, &mut driver, programs, Plan::New, &frame)?];
    if count == MOST {
        driver.set_sources(&prefixes::inside6(&policy.prefixes6))?;
        rows.push(compare(effort, "ipv6-lookup-1m-inside", &mut driver, programs, Plan::Listed, &frame)?);
    }
    Ok(rows)
}

fn compare(
    effort: &Effort,
    name: &'static str,
    driver: &mut Driver,
    programs: [&str; 3],
    plan: Plan,
    frame: &[u8],
) -> Result<Measured> {
    const BASE: usize = 0;
    const TRIE: usize = 1;
    const OURS: usize = 2;
    let programs = programs.iter().map(|name| driver.small(name)).collect::<Result<Vec<_>>>()?;
    let mut sums = [0; 3];
    let samples = interleave(effort.rounds, programs.len(), |who, _| {
        let run = driver.run(&programs[who], plan, frame, effort.frames, 0)?;
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
        .with("keys", effort.frames)
        .with("dropped_rounds", samples.dropped);
    Ok(row)
}

/// Puts prefixes into a trie of IPv4.
pub(super) fn fill4<'p>(map: &mut Map, prefixes: impl IntoIterator<Item = &'p (u32, u8)>) -> Result<()> {
    insert(map, prefixes.into_iter().map(|(at, length)| Key::new(u32::from(*length), at.to_be_bytes())))
}

/// Likewise of IPv6.
pub(super) fn fill6<'p>(map: &mut Map, prefixes: impl IntoIterator<Item = &'p (u128, u8)>) -> Result<()> {
    insert(map, prefixes.into_iter().map(|(at, length)| Key::new(u32::from(*length), at.to_be_bytes())))
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
