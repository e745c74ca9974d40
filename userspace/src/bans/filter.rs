//! The filter in front of a table: a byte for each of its lines, a bit for an eighth of the keys that lead there first.

use std::sync::atomic::Ordering;

use xdpgate_ebpf::abi::BAN_LINE_WORDS;
use xdpgate_ebpf::bans::{FilterBit, Path};

use super::memory::{self, Line};

/// Sets the bit of a key.
pub(super) fn add(lines: &[Line], path: Path) {
    let FilterBit { line, word, bit } = path.filter();
    change(lines, line, word, |bits| bits | 1 << bit);
}

/// Sets exactly these bits of the line with this number, counted without the filter, with one store.
pub(super) fn replace(lines: &[Line], number: u32, paths: impl Iterator<Item = Path>) {
    let byte = number & 7;
    let bits = paths.fold(0, |bits, path| bits | 1 << path.filter().bit);
    let (line, word) = (number >> 6, (number >> 3 & 7) as usize);
    change(lines, line, word, |before| before & !(0xff << (8 * byte)) | bits);
}

/// A filter in the making.
#[derive(Debug)]
pub(super) struct Filter(Vec<[u64; BAN_LINE_WORDS]>);

impl Filter {
    /// With no bit set.
    pub(super) fn of_none(lines: u32) -> Self {
        Self(vec![[0; BAN_LINE_WORDS]; lines as usize])
    }

    pub(super) fn add(&mut self, path: Path) {
        let FilterBit { line, word, bit } = path.filter();
        if let Some(word) = self.0.get_mut(line as usize).and_then(|line| line.get_mut(word)) {
            *word |= 1 << bit;
        }
    }

    /// Puts it in front of a table: bits of bans in force are set throughout.
    pub(super) fn write(&self, lines: &[Line]) {
        for (words, bits) in lines.iter().zip(&self.0) {
            for (word, bits) in words.iter().zip(bits) {
                memory::store(word, *bits);
            }
        }
    }
}

fn change(lines: &[Line], line: u32, word: usize, change: impl FnOnce(u64) -> u64) {
    let Some(word) = lines.get(line as usize).and_then(|line| line.get(word)) else { return };
    let before = word.load(Ordering::Acquire);
    let after = change(before);
    if before != after {
        memory::store(word, after);
    }
}
