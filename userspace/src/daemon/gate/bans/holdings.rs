//! Who bans what: the store's bans, with what is in force and not there yet.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use ipnet::IpNet;
use jiff::Timestamp;

use crate::store::{BanChange, BanNote, BanRecord};

/// How long a prefix is banned. The longer, the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Held {
    ByNobody,
    Until(Timestamp),
    ForGood,
}

/// The bans of some prefixes, at most one of each source.
#[derive(Debug, Default)]
pub(super) struct Holdings(HashMap<IpNet, Vec<Arc<BanNote>>>);

impl Holdings {
    pub(super) fn of(records: Vec<BanRecord>) -> Self {
        let mut holdings: HashMap<IpNet, Vec<_>> = HashMap::with_capacity(records.len());
        for BanRecord { prefix, note } in records {
            holdings.entry(prefix).or_default().push(note);
        }
        Self(holdings)
    }

    /// Makes a change that is in force, of prefixes that matter.
    pub(super) fn make(&mut self, change: &BanChange, concerns: impl Fn(IpNet) -> bool) {
        match change {
            BanChange::Put(groups) => {
                for (note, prefixes) in groups {
                    let note = Arc::new(note.clone());
                    for prefix in prefixes.iter().map(IpNet::trunc).filter(|prefix| concerns(*prefix)) {
                        let held = self.0.entry(prefix).or_default();
                        held.retain(|other| other.source != note.source);
                        held.push(Arc::clone(&note));
                    }
                }
            }
            BanChange::Delete(source, prefixes) => {
                for prefix in prefixes {
                    if let Entry::Occupied(mut held) = self.0.entry(prefix.trunc()) {
                        held.get_mut()
                            .retain(|note| source.as_ref().is_some_and(|source| note.source != *source));
                        if held.get().is_empty() {
                            held.remove();
                        }
                    }
                }
            }
            // What has ended holds nobody.
            BanChange::Forget(..) | BanChange::EndNote(..) => {}
        }
    }

    pub(super) fn records(self) -> Vec<BanRecord> {
        let record =
            |(prefix, notes): (IpNet, Vec<_>)| notes.into_iter().map(move |note| BanRecord { prefix, note });
        self.0.into_iter().flat_map(record).collect()
    }

    /// Whether `source` has a ban of this prefix.
    pub(super) fn has(&self, prefix: IpNet, source: &str) -> bool {
        self.notes(prefix).any(|note| note.source == source)
    }

    /// How long others than this source ban a prefix.
    pub(super) fn by_others(&self, prefix: IpNet, source: &str) -> Held {
        let others = self.notes(prefix).filter(|note| note.source != source);
        others.map(|note| note.expires.map_or(Held::ForGood, Held::Until)).max().unwrap_or(Held::ByNobody)
    }

    /// Whether anybody's ban of a prefix holds beyond `now`.
    pub(super) fn holds(&self, prefix: IpNet, now: Timestamp) -> bool {
        self.notes(prefix).any(|note| note.expires.is_none_or(|expires| expires > now))
    }

    fn notes(&self, prefix: IpNet) -> impl Iterator<Item = &BanNote> {
        self.0.get(&prefix.trunc()).into_iter().flatten().map(Arc::as_ref)
    }
}
