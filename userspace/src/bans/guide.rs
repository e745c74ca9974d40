//! The words of the control that lead readers through the tables.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use xdpgate_ebpf::abi::ban_word;
use xdpgate_ebpf::bans::{BanTable, Seed};

use super::entry::Entry;
use super::memory::{self, BanWords};
use super::shape::BanShape;
use super::table::Table;

/// Which lengths of prefixes are in use.
#[derive(Debug, Default)]
pub(super) struct Guide {
    /// How many bans there are for a bit of a word.
    lengths: HashMap<(usize, u64), u32>,
}

impl Guide {
    /// From all bans there are. Bits that nothing stands behind go away: they cost readers a line each. Those of bans are
    /// set throughout.
    pub(super) fn adopt<W: BanWords>(words: &W, entries: impl Iterator<Item = Entry>) -> Self {
        let mut lengths: HashMap<(usize, u64), u32> = HashMap::new();
        for place in entries.filter_map(Entry::length_bit) {
            *lengths.entry(place).or_default() += 1;
        }
        for index in [ban_word::IPV4_LENGTHS, ban_word::IPV6_LENGTHS, ban_word::IPV6_LENGTHS + 1] {
            let bits = lengths.keys().filter(|(word, _)| *word == index);
            store(words, index, bits.fold(0, |bits, (_, bit)| bits | bit));
        }
        Self { lengths }
    }

    /// To be called when a ban is in its table: from then on readers look for it.
    pub(super) fn add<W: BanWords>(&mut self, words: &W, entry: Entry) {
        if let Some((index, bit)) = entry.length_bit() {
            let count = self.lengths.entry((index, bit)).or_default();
            *count += 1;
            if *count == 1 {
                store(words, index, load(words, index) | bit);
            }
        }
    }

    /// To be called when a ban was lifted.
    pub(super) fn remove<W: BanWords>(&mut self, words: &W, entry: Entry) {
        if let Some((index, bit)) = entry.length_bit() {
            let count = self.lengths.entry((index, bit)).or_default();
            *count = count.saturating_sub(1);
            if *count == 0 {
                store(words, index, load(words, index) & !bit);
            }
        }
    }
}

/// Whether readers look into a table at all.
pub(super) fn set_present<W: BanWords>(words: &W, table: BanTable, present: bool) {
    let before = load(words, ban_word::PRESENT);
    let after = if present { before | table.bit() } else { before & !table.bit() };
    if before != after {
        store(words, ban_word::PRESENT, after);
    }
}

/// What tables start with that nobody has used yet.
pub(super) fn start<W: BanWords>(words: &W, shape: BanShape, Seed([first, second]): Seed, shifts: [u32; 4]) {
    if load(words, ban_word::CAPACITY) != 0 {
        return;
    }
    store(words, ban_word::SEED, first);
    store(words, ban_word::SEED + 1, second);
    store(words, ban_word::SHIFTS, packed(shifts));
    // Last: what it says is that the others are there.
    store(words, ban_word::CAPACITY, u64::from(shape.capacity(BanTable::ExactIpv4)));
}

/// What they started with.
pub(super) fn started<W: BanWords>(words: &W) -> (BanShape, Seed) {
    let bans = u32::try_from(load(words, ban_word::CAPACITY)).unwrap_or(u32::MAX);
    (BanShape::new(bans), Seed([load(words, ban_word::SEED), load(words, ban_word::SEED + 1)]))
}

/// Makes the words say again what the tables started with.
pub(super) fn restore<W: BanWords>(words: &W, tables: &[Table; 4]) {
    let [exact_ipv4, ..] = tables;
    let Seed([first, second]) = exact_ipv4.seed;
    let started = [
        (ban_word::SEED, first),
        (ban_word::SEED + 1, second),
        (ban_word::SHIFTS, packed(tables.each_ref().map(|table| table.shift))),
        (ban_word::CAPACITY, u64::from(exact_ipv4.capacity)),
    ];
    for (index, value) in started {
        if load(words, index) != value {
            store(words, index, value);
        }
    }
}

fn packed(shifts: [u32; 4]) -> u64 {
    shifts.iter().rev().fold(0, |packed, shift| packed << 8 | u64::from(*shift))
}

fn load<W: BanWords>(words: &W, index: usize) -> u64 {
    words.control().get(index).map_or(0, |word| word.load(Ordering::Acquire))
}

fn store<W: BanWords>(words: &W, index: usize, value: u64) {
    if let Some(word) = words.control().get(index) {
        memory::store(word, value);
    }
}
