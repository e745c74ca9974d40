//! One line: its slots, and whether bans that belong to it are behind it.

use std::sync::atomic::{AtomicU64, Ordering};

use xdpgate_ebpf::abi::{BAN_LINE_CONTINUES, BAN_SLOTS_IPV4, BAN_SLOTS_IPV6, expiry};
use xdpgate_ebpf::bans::{
    BanTable, Path, Seed, halves, halves_ipv6, lower_half, path_ipv4, path_ipv6, upper_half,
};

use super::entry::low_32;
use super::memory::{self, Line};

/// How the lines of a table are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    Ipv4,
    Ipv6,
}

/// A key and the end of its ban, one of [`expiry`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) key: u128,
    pub(super) expiry: u32,
}

impl Slot {
    pub(super) const fn is_free(self) -> bool {
        self.expiry == expiry::FREE
    }

    pub(super) const fn is_lifted(self) -> bool {
        self.expiry != expiry::FREE && self.expiry < expiry::FIRST
    }
}

impl Layout {
    pub(super) const fn of(table: BanTable) -> Self {
        match table {
            BanTable::ExactIpv4 | BanTable::PrefixIpv4 => Self::Ipv4,
            BanTable::ExactIpv6 | BanTable::PrefixIpv6 => Self::Ipv6,
        }
    }

    pub(super) const fn slots(self) -> usize {
        match self {
            Self::Ipv4 => BAN_SLOTS_IPV4,
            Self::Ipv6 => BAN_SLOTS_IPV6,
        }
    }

    pub(super) const fn path(self, key: u128, seed: Seed, shift: u32) -> Path {
        match self {
            Self::Ipv4 => path_ipv4(low_32(key), seed, shift),
            Self::Ipv6 => {
                let (high, low) = halves_ipv6(key);
                path_ipv6(high, low, seed, shift)
            }
        }
    }

    pub(super) fn read(self, line: &Line, slot: usize) -> Slot {
        match self {
            Self::Ipv4 => {
                let word = load(line, slot);
                Slot { key: u128::from(lower_half(word)), expiry: upper_half(word) }
            }
            Self::Ipv6 => Slot {
                key: u128::from(load(line, 2 * slot)) << 64 | u128::from(load(line, 2 * slot + 1)),
                expiry: half(line, slot),
            },
        }
    }

    /// Fills a free slot; in an IPv4 line also one whose ban was lifted.
    pub(super) fn fill(self, line: &Line, slot: usize, Slot { key, expiry }: Slot) {
        match self {
            Self::Ipv4 => store(line, slot, halves(expiry, low_32(key))),
            Self::Ipv6 => {
                let (high, low) = halves_ipv6(key);
                store(line, 2 * slot, high);
                store(line, 2 * slot + 1, low);
                set_half(line, slot, expiry);
            }
        }
    }

    /// Another end for the key that is in the slot.
    pub(super) fn set_expiry(self, line: &Line, slot: usize, expiry: u32) {
        match self {
            Self::Ipv4 => store(line, slot, halves(expiry, lower_half(load(line, slot)))),
            Self::Ipv6 => set_half(line, slot, expiry),
        }
    }

    /// Frees a slot whose ban was lifted.
    pub(super) fn clear(self, line: &Line, slot: usize) {
        match self {
            Self::Ipv4 => store(line, slot, 0),
            Self::Ipv6 => {
                set_half(line, slot, expiry::FREE);
                store(line, 2 * slot, 0);
                store(line, 2 * slot + 1, 0);
            }
        }
    }

    /// Whether a reader goes on behind this line.
    pub(super) fn continues(self, line: &Line) -> bool {
        match self {
            Self::Ipv4 => load(line, BAN_SLOTS_IPV4 - 1) != 0,
            Self::Ipv6 => half(line, BAN_SLOTS_IPV6) & BAN_LINE_CONTINUES != 0,
        }
    }
}

/// For IPv6 lines, which say it in a half of their own.
pub(super) fn set_continues(line: &Line, continues: bool) {
    set_half(line, BAN_SLOTS_IPV6, if continues { BAN_LINE_CONTINUES } else { 0 });
}

/// The halves behind the keys of an IPv6 line.
fn half(line: &Line, number: usize) -> u32 {
    let word = load(line, 2 * BAN_SLOTS_IPV6 + number / 2);
    if number.is_multiple_of(2) { lower_half(word) } else { upper_half(word) }
}

/// There is one writer, so the other half can't change meanwhile.
fn set_half(line: &Line, number: usize, value: u32) {
    let index = 2 * BAN_SLOTS_IPV6 + number / 2;
    let word = load(line, index);
    let word = match number % 2 {
        0 => halves(upper_half(word), value),
        _ => halves(value, lower_half(word)),
    };
    store(line, index, word);
}

fn load(line: &Line, index: usize) -> u64 {
    line.get(index).map_or(0, |word: &AtomicU64| word.load(Ordering::Acquire))
}

fn store(line: &Line, index: usize, value: u64) {
    if let Some(word) = line.get(index) {
        memory::store(word, value);
    }
}
