//! Many bans at once.

use ipnet::IpNet;
use xdpgate_ebpf::bans::lower_half;

use super::entry::Entry;
use super::memory::BanWords;
use super::table::TableFull;
use super::writer::{Bans, end_of};

/// Fewer bans are not worth sorting.
const WORTH_SORTING: usize = 64;

impl<W: BanWords> Bans<W> {
    /// Bans all, or changes nothing. Where a prefix comes twice, its last end holds. Returns how many are new.
    ///
    /// # Errors
    /// A table is full.
    pub fn ban_all(&mut self, bans: &[(IpNet, Option<u64>)]) -> Result<usize, TableFull> {
        let order = self.in_order_of_lines(bans);
        let mut before = Vec::with_capacity(bans.len());
        for (prefix, expires_ns) in in_order(bans, &order) {
            match self.set((*prefix).into(), end_of(*expires_ns)) {
                Ok(end) => before.push(end),
                Err(full) => {
                    self.take_back(bans, &order, &before);
                    return Err(full);
                }
            }
        }
        Ok(before.iter().filter(|end| end.is_none()).count())
    }

    /// The prefixes among these that are banned for longer.
    #[must_use]
    pub fn held_longer(&self, bans: &[(IpNet, Option<u64>)]) -> Vec<IpNet> {
        let order = self.in_order_of_lines(bans);
        let longer = in_order(bans, &order).filter(|(prefix, expires_ns)| {
            self.end_of_entry((*prefix).into()).is_some_and(|end| end > end_of(*expires_ns))
        });
        longer.map(|(prefix, _)| *prefix).collect()
    }

    /// Makes the bans those of `wanted`: adds and changes first, then lifts what is not wanted, so that a ban in both is in
    /// force throughout.
    ///
    /// # Errors
    /// A table is full; then nothing has changed.
    pub fn replace(&mut self, wanted: &[(IpNet, Option<u64>)]) -> Result<(), TableFull> {
        self.ban_all(wanted)?;
        let of_entry = |entry: Entry| (entry.table as u8, entry.key);
        let mut keep: Vec<_> = wanted.iter().map(|(prefix, _)| of_entry((*prefix).into())).collect();
        keep.sort_unstable();
        keep.dedup();
        if self.len() == keep.len() as u64 {
            // As nearly always: a walk over the tables would find nothing to lift.
            return Ok(());
        }
        let all = self.entries().map(|(entry, _)| entry);
        let unwanted: Vec<Entry> =
            all.filter(|entry| keep.binary_search(&of_entry(*entry)).is_err()).collect();
        for entry in unwanted {
            self.lift_entry(entry);
        }
        Ok(())
    }

    /// The indexes of the bans by line, so that each line is fetched once; as they came where they share one.
    fn in_order_of_lines(&self, bans: &[(IpNet, Option<u64>)]) -> Vec<u64> {
        let indexes = 0..bans.len() as u64;
        if bans.len() < WORTH_SORTING {
            return indexes.collect();
        }
        let place = |prefix: IpNet| {
            let entry = Entry::from(prefix);
            (entry.table as u64) << 30 | u64::from(self.first_line(entry))
        };
        let mut order: Vec<u64> =
            bans.iter().zip(indexes).map(|((prefix, _), index)| place(*prefix) << 32 | index).collect();
        order.sort_unstable();
        order
    }

    fn take_back(&mut self, bans: &[(IpNet, Option<u64>)], order: &[u64], before: &[Option<u32>]) {
        let done = in_order(bans, order).zip(before).collect::<Vec<_>>();
        for ((prefix, _), before) in done.into_iter().rev() {
            match before {
                // It has its slot, so that this can't fail.
                Some(end) => drop(self.set((*prefix).into(), *end)),
                None => drop(self.lift(*prefix)),
            }
        }
    }
}

/// The lower half of a number is the index.
fn in_order<'a, T>(bans: &'a [T], order: &'a [u64]) -> impl Iterator<Item = &'a T> {
    order.iter().filter_map(|number| bans.get(lower_half(*number) as usize))
}
