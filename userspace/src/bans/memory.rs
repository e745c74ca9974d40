//! The words, and the reader's view of them.

use std::sync::atomic::{AtomicU64, Ordering};

use xdpgate_ebpf::abi::{BAN_LINE_WORDS, ban_word};
use xdpgate_ebpf::bans::{BanLine, BanMemory, BanTable};

use super::{BanShape, of};

/// One line of a table.
pub(super) type Line = [AtomicU64; BAN_LINE_WORDS];

/// The memory of the tables. One [`super::Bans`] at a time writes to it.
pub trait BanWords {
    /// The words of [`xdpgate_ebpf::abi::BanControl`].
    fn control(&self) -> &[AtomicU64];
    /// All words of a table, as many lines as [`BanShape::lines`] says.
    fn table(&self, table: BanTable) -> &[AtomicU64];
    /// Returns when no look-up goes on that had begun when this was called.
    fn wait_for_readers(&self);
}

impl<W: BanWords + ?Sized> BanWords for &W {
    fn control(&self) -> &[AtomicU64] {
        (**self).control()
    }

    fn table(&self, table: BanTable) -> &[AtomicU64] {
        (**self).table(table)
    }

    fn wait_for_readers(&self) {
        (**self).wait_for_readers();
    }
}

/// Tables in the memory of this process, for tests and models.
#[derive(Debug)]
pub struct HeapWords {
    pub(super) control: Box<[AtomicU64]>,
    pub(super) tables: [Box<[AtomicU64]>; 4],
}

impl HeapWords {
    /// Empty tables of these sizes.
    #[must_use]
    pub fn new(shape: BanShape) -> Self {
        Self {
            control: zeroes(ban_word::WORDS),
            tables: BanTable::ALL.map(|table| zeroes(shape.lines(table) as usize * BAN_LINE_WORDS)),
        }
    }
}

impl BanWords for HeapWords {
    fn control(&self) -> &[AtomicU64] {
        &self.control
    }

    fn table(&self, table: BanTable) -> &[AtomicU64] {
        of::<Box<[AtomicU64]>>(&self.tables, table)
    }

    /// Its readers run in the thread that writes, or are tests that know what they do.
    fn wait_for_readers(&self) {
        #[cfg(test)]
        super::tests::waited();
    }
}

/// What the data path sees.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'w, W>(pub &'w W);

/// A line as the data path sees it.
#[derive(Clone, Copy, Debug)]
pub struct LineReader<'w>(&'w Line);

impl<W: BanWords> BanMemory for Reader<'_, W> {
    type Line<'a>
        = LineReader<'a>
    where
        Self: 'a;

    fn word(&self, index: usize) -> u64 {
        self.0.control().get(index).map_or(0, |word| word.load(Ordering::Acquire))
    }

    fn line(&self, table: BanTable, index: u32) -> Option<LineReader<'_>> {
        lines(self.0, table).get(index as usize).map(LineReader)
    }
}

impl BanLine for LineReader<'_> {
    fn word(&self, index: usize) -> u64 {
        self.0.get(index).map_or(0, |word| word.load(Ordering::Acquire))
    }
}

pub(super) fn lines<W: BanWords + ?Sized>(words: &W, table: BanTable) -> &[Line] {
    words.table(table).as_chunks().0
}

/// Every word is written here, one at a time: a reader sees those before it, and not yet those after it.
pub(super) fn store(word: &AtomicU64, value: u64) {
    word.store(value, Ordering::Release);
    #[cfg(test)]
    super::tests::stored(word, value);
}

pub(super) fn zeroes(count: usize) -> Box<[AtomicU64]> {
    (0..count).map(|_| AtomicU64::new(0)).collect()
}
