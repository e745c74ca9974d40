//! The one writer.

use std::net::IpAddr;

use ipnet::IpNet;
use xdpgate_ebpf::abi::{Ban, NEVER_EXPIRES, family};
use xdpgate_ebpf::bans::{self, BanTable, Seed};
use xdpgate_ebpf::packet::{Source, widen};

use super::entry::Entry;
use super::guide::{self, Guide};
use super::memory::{BanWords, HeapWords, Reader, lines};
use super::of;
use super::shape::{BanShape, ShapeError, shift};
use super::table::{Table, TableFull};

/// The bans, and the one writer of their tables. Host bits of a prefix never matter. Ends are nanoseconds of
/// `CLOCK_MONOTONIC`, kept in units of 67 ms, rounded up; `None` is never.
#[derive(Debug)]
pub struct Bans<W> {
    pub(super) words: W,
    pub(super) tables: [Table; 4],
    pub(super) guide: Guide,
}

impl Bans<HeapWords> {
    /// Empty tables in the memory of this process.
    #[must_use]
    pub fn in_memory(shape: BanShape, seed: Seed) -> Self {
        let words = HeapWords::new(shape);
        // They have the sizes that the shape gives, so there is a shift for each.
        let shifts = BanTable::ALL.map(|table| shift(&words, table).unwrap_or(0));
        Self::adopt(words, shape, seed, shifts)
    }
}

/// How full a table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BanTableUse {
    /// Which one.
    pub table: BanTable,
    /// Bans in it, those that have ended among them.
    pub used: u32,
    /// The most that it is to hold.
    pub capacity: u32,
}

impl<W: BanWords> Bans<W> {
    /// Takes over what is in the tables. Where nothing ever was, `shape` and `seed` are what they start with; otherwise
    /// they stay as they were.
    ///
    /// # Errors
    /// The tables have sizes that no [`BanShape`] gives.
    pub fn open(words: W, shape: BanShape, seed: Seed) -> Result<Self, ShapeError> {
        let [exact_ipv4, prefix_ipv4, exact_ipv6, prefix_ipv6] = BanTable::ALL;
        let shifts = [
            shift(&words, exact_ipv4)?,
            shift(&words, prefix_ipv4)?,
            shift(&words, exact_ipv6)?,
            shift(&words, prefix_ipv6)?,
        ];
        Ok(Self::adopt(words, shape, seed, shifts))
    }

    fn adopt(words: W, shape: BanShape, seed: Seed, shifts: [u32; 4]) -> Self {
        guide::start(&words, shape, seed, shifts);
        let (shape, seed) = guide::started(&words);
        let tables = BanTable::ALL.map(|table| {
            let mut made = Table::new(table, shape.capacity(table), seed, *of(&shifts, table));
            made.adopt(lines(&words, table));
            made
        });
        let guide = Guide::adopt(&words, entries(&words, &tables).map(|(entry, _)| entry));
        let bans = Self { words, tables, guide };
        for table in BanTable::ALL {
            bans.set_present(table);
        }
        bans
    }

    /// Bans, or changes the end of a ban. True: there was none.
    ///
    /// # Errors
    /// The table is full.
    pub fn ban(&mut self, prefix: IpNet, expires_ns: Option<u64>) -> Result<bool, TableFull> {
        self.set(prefix.into(), end_of(expires_ns)).map(|before| before.is_none())
    }

    /// Lifts a ban. False: there was none.
    pub fn lift(&mut self, prefix: IpNet) -> bool {
        self.lift_entry(prefix.into())
    }

    /// When the ban of exactly this prefix ends: `None` without one.
    #[must_use]
    pub fn end(&self, prefix: IpNet) -> Option<Option<u64>> {
        self.end_of_entry(prefix.into()).map(expires)
    }

    /// The bans, those that have ended among them, with the end of each.
    pub fn iter(&self) -> impl Iterator<Item = (IpNet, Option<u64>)> {
        self.entries().map(|(entry, end)| (entry.prefix(), expires(end)))
    }

    /// How many bans there are, those that have ended among them.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.tables.iter().map(|table| u64::from(table.len)).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How full the tables are.
    #[must_use]
    pub fn uses(&self) -> [BanTableUse; 4] {
        BanTable::ALL.map(|table| {
            let Table { len, capacity, .. } = of(&self.tables, table);
            BanTableUse { table, used: *len, capacity: *capacity }
        })
    }

    /// Makes room of what was lifted before the last call; to be called about once a second. No look-up may last from one
    /// call to the next.
    pub fn clean(&mut self) {
        let Self { words, tables, .. } = self;
        for table in BanTable::ALL {
            of_mut(tables, table).clean(lines(words, table));
        }
    }

    /// What the data path finds for this address.
    #[must_use]
    pub fn find(&self, address: IpAddr) -> Option<Ban> {
        let source = match address {
            IpAddr::V4(address) => Source { address: widen(address.octets()), family: family::IPV4 },
            IpAddr::V6(address) => Source { address: address.octets(), family: family::IPV6 },
        };
        bans::find(&Reader(&self.words), &source)
    }

    /// The memory.
    pub const fn words(&self) -> &W {
        &self.words
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (Entry, u32)> {
        entries(&self.words, &self.tables)
    }

    pub(super) fn end_of_entry(&self, Entry { table, key }: Entry) -> Option<u32> {
        of(&self.tables, table).get(lines(&self.words, table), key)
    }

    /// The line to which an entry leads.
    pub(super) fn first_line(&self, entry: Entry) -> u32 {
        of(&self.tables, entry.table).first_line(entry.key)
    }

    /// Adds an entry, or changes its end. Returns the end before.
    pub(super) fn set(&mut self, entry: Entry, end: u32) -> Result<Option<u32>, TableFull> {
        let Self { words, tables, .. } = self;
        let lines = lines(words, entry.table);
        let table = of_mut(tables, entry.table);
        let capacity = table.capacity;
        let full = TableFull { table: entry.table, capacity };
        if table.len >= capacity && table.get(lines, entry.key).is_none() {
            return Err(full);
        }
        let mut set = table.set(lines, entry.key, end);
        if set.is_err() && table.has_lifted() {
            words.wait_for_readers();
            // Twice, because there are two marks.
            table.clean(lines);
            table.clean(lines);
            set = table.set(lines, entry.key, end);
        }
        let before = set.map_err(|_| full)?;
        if before.is_none() {
            self.guide.add(&self.words, entry);
            self.set_present(entry.table);
        }
        Ok(before)
    }

    pub(super) fn lift_entry(&mut self, entry: Entry) -> bool {
        let Self { words, tables, .. } = self;
        let lifted = of_mut(tables, entry.table).lift(lines(words, entry.table), entry.key).is_some();
        if lifted {
            self.guide.remove(&self.words, entry);
            self.set_present(entry.table);
        }
        lifted
    }

    fn set_present(&self, table: BanTable) {
        guide::set_present(&self.words, table, of(&self.tables, table).len > 0);
    }
}

/// As the tables hold it.
pub(super) fn end_of(expires_ns: Option<u64>) -> u32 {
    Ban { expires_ns: expires_ns.unwrap_or(NEVER_EXPIRES) }.expiry()
}

fn expires(end: u32) -> Option<u64> {
    Ban::from_expiry(end).map(|ban| ban.expires_ns).filter(|expires_ns| *expires_ns != NEVER_EXPIRES)
}

pub(super) fn entries<W: BanWords>(words: &W, tables: &[Table; 4]) -> impl Iterator<Item = (Entry, u32)> {
    BanTable::ALL.into_iter().flat_map(|table| {
        let bans = of(tables, table).bans(lines(words, table));
        bans.map(move |(key, end)| (Entry { table, key }, end))
    })
}

pub(super) const fn of_mut<T>(
    [exact_ipv4, prefix_ipv4, exact_ipv6, prefix_ipv6]: &mut [T; 4],
    table: BanTable,
) -> &mut T {
    match table {
        BanTable::ExactIpv4 => exact_ipv4,
        BanTable::PrefixIpv4 => prefix_ipv4,
        BanTable::ExactIpv6 => exact_ipv6,
        BanTable::PrefixIpv6 => prefix_ipv6,
    }
}
