//! All decisions that hold, and what is to be banned because of them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};

use super::decision::{Answer, Decision, Target, Unused, WireDecision};
use crate::country::CountryCode;

/// The server tells how long a decision still holds: the same end comes out a little different each time. A ban may end so
/// much too early,
const EARLIER: SignedDuration = SignedDuration::from_millis(500);
/// or so much too late, where nothing else has changed.
const LATER: SignedDuration = SignedDuration::from_secs(3);

/// The decisions of a server. Several may be about one target: then the one that ends last counts, and without it the
/// next.
#[derive(Clone, Debug, Default)]
pub struct Book {
    decisions: HashMap<i64, Decision>,
    by_target: HashMap<Target, BTreeSet<i64>>,
    /// What is banned because of them.
    banned: HashMap<IpNet, Banned>,
    unused: BTreeMap<Unused, HashSet<Option<i64>>>,
}

/// A ban because of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Banned {
    /// Until when.
    pub ends: Timestamp,
    /// Why.
    pub scenario: String,
    /// Who decided.
    pub origin: String,
}

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// To be banned, or for another time or reason.
    pub ban: Vec<(IpNet, Banned)>,
    /// To be banned no longer.
    pub lift: Vec<IpNet>,
}

/// Decisions of which nothing comes here, by why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unenforced {
    /// Those that are no bans, or cannot be read.
    pub unused: BTreeMap<Unused, u64>,
    /// Countries.
    pub countries: BTreeSet<CountryCode>,
    /// Autonomous systems.
    pub systems: BTreeSet<u32>,
}

/// How many decisions there are to ban addresses and ranges, by origin and address family.
pub type Counts = BTreeMap<(String, &'static str), u64>;

impl Book {
    /// A book of a process that has just begun, where an earlier one has banned these.
    #[must_use]
    pub fn starting_with(banned: impl IntoIterator<Item = (IpNet, Banned)>) -> Self {
        Self { banned: banned.into_iter().collect(), ..Self::default() }
    }

    /// Takes all decisions that hold at `now`: whatever else was banned is lifted.
    pub fn replace(&mut self, all: &Answer, now: Timestamp) -> Changes {
        let (mut touched, banned) = (HashSet::new(), std::mem::take(&mut self.banned));
        *self = Self { banned, ..Self::default() };
        touched.extend(self.banned.keys().map(|prefix| Target::Prefix(*prefix)));
        self.take(all, now, &mut touched);
        self.changes(touched, now)
    }

    /// Takes what has changed since.
    pub fn update(&mut self, changed: &Answer, now: Timestamp) -> Changes {
        let mut touched = HashSet::new();
        let over: Vec<i64> =
            self.decisions.values().filter(|known| known.ends <= now).map(|known| known.id).collect();
        for id in over {
            self.remove(id, &mut touched);
        }
        self.take(changed, now, &mut touched);
        self.changes(touched, now)
    }

    /// These could not be banned, or not lifted: they are tried again when all decisions come the next time.
    pub fn not_done(&mut self, prefixes: &[IpNet]) {
        for prefix in prefixes {
            self.banned.remove(prefix);
        }
    }

    /// How many decisions are about addresses and ranges.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::new();
        for decision in self.decisions.values() {
            if let Target::Prefix(prefix) = decision.target {
                let family = if prefix.addr().is_ipv4() { "ipv4" } else { "ipv6" };
                *counts.entry((decision.origin.clone(), family)).or_default() += 1;
            }
        }
        counts
    }

    /// The decisions that ban nobody.
    #[must_use]
    pub fn unenforced(&self) -> Unenforced {
        let mut left = Unenforced::default();
        for target in self.by_target.keys() {
            match target {
                Target::Prefix(_) => {}
                Target::Country(country) => {
                    left.countries.insert(*country);
                }
                Target::System(number) => {
                    left.systems.insert(*number);
                }
            }
        }
        left.unused = self.unused.iter().map(|(why, ids)| (why.clone(), ids.len() as u64)).collect();
        left
    }

    /// Deletions first: a server that replaces a decision by one with the same number says both.
    fn take(&mut self, answer: &Answer, now: Timestamp, touched: &mut HashSet<Target>) {
        for deleted in answer.deleted.iter().flatten() {
            if let Some(id) = deleted.id {
                self.remove(id, touched);
            }
            for ids in self.unused.values_mut() {
                ids.remove(&deleted.id);
            }
        }
        self.unused.retain(|_, ids| !ids.is_empty());
        for new in answer.new.iter().flatten() {
            self.add(new, now, touched);
        }
    }

    fn add(&mut self, new: &WireDecision, now: Timestamp, touched: &mut HashSet<Target>) {
        match new.read(now) {
            Ok(decision) if decision.ends <= now => {}
            Ok(decision) => {
                self.remove(decision.id, touched);
                touched.insert(decision.target);
                self.by_target.entry(decision.target).or_default().insert(decision.id);
                self.decisions.insert(decision.id, decision);
            }
            Err(why) => {
                self.unused.entry(why).or_default().insert(new.id);
            }
        }
    }

    fn remove(&mut self, id: i64, touched: &mut HashSet<Target>) {
        let Some(decision) = self.decisions.remove(&id) else { return };
        touched.insert(decision.target);
        if let Some(ids) = self.by_target.get_mut(&decision.target) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_target.remove(&decision.target);
            }
        }
    }

    fn changes(&mut self, touched: HashSet<Target>, now: Timestamp) -> Changes {
        let mut changes = Changes::default();
        for target in touched {
            let Target::Prefix(prefix) = target else { continue };
            match (self.wanted(target), self.banned.get(&prefix)) {
                (Some(wanted), Some(banned)) if wanted.is_same(banned) => {}
                (Some(wanted), _) => {
                    self.banned.insert(prefix, wanted.clone());
                    changes.ban.push((prefix, wanted));
                }
                (None, Some(banned)) => {
                    // One that has ended needs no lifting.
                    if banned.ends > now {
                        changes.lift.push(prefix);
                    }
                    self.banned.remove(&prefix);
                }
                (None, None) => {}
            }
        }
        changes.ban.sort_by_key(|(prefix, _)| *prefix);
        changes.lift.sort_unstable();
        changes
    }

    /// Of the decisions about a target the one that ends last.
    fn wanted(&self, target: Target) -> Option<Banned> {
        let decisions = self.by_target.get(&target)?.iter().filter_map(|id| self.decisions.get(id));
        let last = decisions.max_by_key(|decision| (decision.ends, decision.id))?;
        Some(Banned { ends: last.ends, scenario: last.scenario.clone(), origin: last.origin.clone() })
    }
}

impl Banned {
    /// Whether a ban that was made does for this one.
    fn is_same(&self, made: &Self) -> bool {
        let later = made.ends.duration_since(self.ends);
        (-EARLIER..=LATER).contains(&later) && self.scenario == made.scenario && self.origin == made.origin
    }
}
