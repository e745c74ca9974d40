//! Mending tables that somebody else has written to.

use ipnet::IpNet;
use xdpgate_ebpf::abi::NEVER_EXPIRES;
use xdpgate_ebpf::bans::BanTable;

use super::entry::Entry;
use super::guide::{self, Guide};
use super::memory::{BanWords, lines};
use super::of;
use super::writer::{Bans, end_of, entries, of_mut};

impl<W: BanWords> Bans<W> {
    /// Whether the data path honours this ban until its end, give or take `slack_ns`, and the writer knows of it. Ends are
    /// rounded up to their unit before they are compared.
    #[must_use]
    pub fn honours(&self, prefix: IpNet, expires_ns: Option<u64>, slack_ns: u64) -> bool {
        let Some(end) = self.end(prefix) else { return false };
        let agreed = match (end, expires_ns) {
            (None, None) => true,
            (Some(end), Some(wanted)) => {
                let wanted = rounded_up(wanted);
                end.abs_diff(wanted) <= slack_ns
            }
            // Beyond what a slot can hold an end is none.
            (None, Some(wanted)) => end_of(Some(wanted)) == end_of(None),
            (Some(_), None) => false,
        };
        // A wider ban may hold longer.
        agreed
            && self
                .find(prefix.trunc().addr())
                .is_some_and(|ban| ban.expires_ns >= end.unwrap_or(NEVER_EXPIRES))
    }

    /// Reads anew what is in the tables, and mends all words that lead to it: readers find every ban that lies where they
    /// look for it. What lies elsewhere is cleared away.
    pub fn rebuild(&mut self) {
        let Self { words, tables, guide } = self;
        guide::restore(words, tables);
        for table in BanTable::ALL {
            of_mut(tables, table).rebuild(lines(words, table));
        }
        *guide = Guide::adopt(words, entries(words, tables).map(|(entry, _)| entry));
        for table in BanTable::ALL {
            guide::set_present(words, table, of(tables, table).len > 0);
        }
        // Keys that no prefix has.
        let strange = |entry: &Entry| Entry::from(entry.prefix()) != *entry;
        let strange: Vec<Entry> = self.entries().map(|(entry, _)| entry).filter(strange).collect();
        for entry in strange {
            self.lift_entry(entry);
        }
    }
}

fn rounded_up(expires_ns: u64) -> u64 {
    xdpgate_ebpf::abi::Ban::from_expiry(end_of(Some(expires_ns))).map_or(expires_ns, |ban| ban.expires_ns)
}
