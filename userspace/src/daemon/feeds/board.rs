//! Which sources are due, and what came of each look.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rustix::rand::{GetRandomFlags, getrandom};

use super::schedule::Schedule;
use super::{FeedError, Look};
use crate::api::types::{ListTrouble, ListUpdates, ListWish, Origin};
use crate::config::{ListFrom, Name};
use crate::daemon::inputs::ListSource;
use crate::daemon::{Inputs, clock};

/// Looks at the same time.
const MOST_LOOKS: usize = 8;
/// Of a source that is looked at only when somebody says so.
const NEVER: Duration = Duration::from_hours(100 * 365 * 24);

/// Every list with a source of its own.
#[derive(Debug, Default)]
pub(in crate::daemon) struct FeedBoard(Mutex<BTreeMap<Name, Feed>>);

#[derive(Debug)]
struct Feed {
    from: ListFrom,
    every: Option<Duration>,
    schedule: Schedule,
    /// Of the look that is being taken: bytes so far.
    looking: Option<Arc<AtomicU64>>,
    /// Somebody wants another look once this one is over.
    is_asked_for: bool,
    last_attempt: Option<Timestamp>,
    last_success: Option<Timestamp>,
    updates: ListUpdates,
    trouble: Option<ListTrouble>,
}

/// How a list is doing.
#[derive(Clone, Debug, Default)]
pub(in crate::daemon) struct FeedState {
    pub(in crate::daemon) looking: Option<u64>,
    pub(in crate::daemon) next: Option<Duration>,
    pub(in crate::daemon) failures: u32,
    pub(in crate::daemon) last_attempt: Option<Timestamp>,
    pub(in crate::daemon) last_success: Option<Timestamp>,
    pub(in crate::daemon) updates: ListUpdates,
    pub(in crate::daemon) trouble: Option<ListTrouble>,
}

impl FeedBoard {
    /// The looks that are due, and begins them. `inputs` is what is in force.
    pub(in crate::daemon) fn due(&self, inputs: &Inputs) -> Vec<Look> {
        let now = now();
        let mut feeds = self.followed(inputs, now);
        let busy = feeds.values().filter(|feed| feed.looking.is_some()).count();
        let mut looks = Vec::new();
        for source in inputs.list_sources.iter() {
            let Some(feed) = feeds.get_mut(&source.name) else { continue };
            if busy + looks.len() >= MOST_LOOKS || feed.looking.is_some() || !feed.schedule.is_due(now) {
                continue;
            }
            let progress = Arc::<AtomicU64>::default();
            feed.looking = Some(Arc::clone(&progress));
            feed.last_attempt = Some(clock::now());
            looks.push(Look { source: source.clone(), progress });
        }
        looks
    }

    /// Makes lists due. Those that are being looked at are so once more: what is seen may be older than the wish.
    pub(in crate::daemon) fn hurry(&self, inputs: &Inputs, names: &[Name]) -> Vec<ListWish> {
        let now = now();
        let mut feeds = self.followed(inputs, now);
        let mut wish = |name: &Name| {
            let feed = feeds.get_mut(name)?;
            feed.schedule.hurry(now);
            feed.is_asked_for = feed.looking.is_some();
            let attempts = feed.updates.attempts + 1 + u64::from(feed.is_asked_for);
            Some(ListWish { name: name.clone(), attempts })
        };
        names.iter().filter_map(&mut wish).collect()
    }

    /// What was in force stays, because it is the newest; or something new is in force.
    pub(in crate::daemon) fn succeeded(&self, source: &ListSource, took: Duration, changed: bool) {
        self.ended(source, took, |feed, now| {
            feed.schedule.succeeded(now, dice());
            feed.last_success = Some(clock::now());
            feed.trouble = None;
            let count = if changed { &mut feed.updates.changed } else { &mut feed.updates.unchanged };
            *count += 1;
        });
    }

    /// What was in force stays, for this reason. Says so where nobody was told before.
    pub(in crate::daemon) fn failed(&self, source: &ListSource, took: Duration, error: &FeedError) {
        self.ended(source, took, |feed, now| {
            feed.schedule.failed(now, error.retry_after(), dice());
            feed.updates.failed += 1;
            *feed.updates.errors.entry(error.kind().to_owned()).or_default() += 1;
            let before = feed.trouble.take();
            let message = error.to_string();
            let is_news = before.as_ref().is_none_or(|before| before.message != message);
            let since = before.map_or_else(clock::now, |before| before.since);
            feed.trouble = Some(ListTrouble {
                kind: error.kind().to_owned(),
                refused: error.is_refusal(),
                message,
                since,
            });
            if is_news {
                tell(source, error);
            } else {
                tracing::debug!(list = %source.name, kind = error.kind(), "still not updated");
            }
        });
    }

    /// What came can't be put in force now; that is nobody's failure.
    pub(in crate::daemon) fn postponed(&self, source: &ListSource, by: Duration) {
        self.ended(source, Duration::ZERO, |feed, now| feed.schedule.postpone(now, by));
    }

    /// How the lists are doing.
    pub(in crate::daemon) fn states(&self, inputs: &Inputs) -> BTreeMap<Name, FeedState> {
        let now = now();
        let feeds = self.followed(inputs, now);
        feeds.iter().map(|(name, feed)| (name.clone(), feed.state(now))).collect()
    }

    fn ended(&self, source: &ListSource, took: Duration, what: impl FnOnce(&mut Feed, Duration)) {
        let now = now();
        let mut feeds = self.feeds();
        // Not, if the list has another source by now.
        let Some(feed) = feeds.get_mut(&source.name).filter(|feed| feed.from == source.from) else { return };
        feed.looking = None;
        feed.updates.attempts += 1;
        feed.updates.milliseconds += u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        what(feed, now);
        if feed.every.is_none() {
            feed.schedule.postpone(now, NEVER);
        }
        if std::mem::take(&mut feed.is_asked_for) {
            feed.schedule.hurry(now);
        }
    }

    /// Every list of what is in force that has a source of its own, and no other.
    fn followed(&self, inputs: &Inputs, now: Duration) -> MutexGuard<'_, BTreeMap<Name, Feed>> {
        let mut feeds = self.feeds();
        let has_source = |source: &&ListSource| {
            source.origin == Origin::Policy && !matches!(source.from, ListFrom::Union(_))
        };
        let sources: Vec<_> = inputs.list_sources.iter().filter(has_source).collect();
        feeds.retain(|name, feed| {
            let mut same = sources.iter().filter(|source| source.name == *name);
            same.any(|source| source.from == feed.from && source.every == feed.every)
        });
        for source in sources {
            if !feeds.contains_key(&source.name) {
                feeds.insert(source.name.clone(), Feed::begin(source, now));
            }
        }
        feeds
    }

    fn feeds(&self) -> MutexGuard<'_, BTreeMap<Name, Feed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Feed {
    fn begin(source: &ListSource, now: Duration) -> Self {
        let last_success = match (&source.from, &source.copy) {
            (ListFrom::Url(_), copy) => copy.as_ref().map(|copy| copy.checked),
            _ => Some(source.content.loaded),
        };
        let ago = |time: Timestamp| Duration::try_from(clock::now().duration_since(time)).unwrap_or_default();
        let schedule = Schedule::begin(source.every.unwrap_or(NEVER), now, last_success.map(ago), dice());
        Self {
            from: source.from.clone(),
            every: source.every,
            schedule,
            looking: None,
            is_asked_for: false,
            last_attempt: last_success,
            last_success,
            updates: ListUpdates::default(),
            trouble: None,
        }
    }

    fn state(&self, now: Duration) -> FeedState {
        FeedState {
            looking: self.looking.as_ref().map(|bytes| bytes.load(Ordering::Relaxed)),
            next: self.every.map(|_| self.schedule.left(now)),
            failures: self.schedule.failures(),
            last_attempt: self.last_attempt,
            last_success: self.last_success,
            updates: self.updates.clone(),
            trouble: self.trouble.clone(),
        }
    }
}

fn tell(source: &ListSource, error: &FeedError) {
    let what = if source.is_awaited() {
        "it was never fetched and is empty"
    } else {
        "what is in force of it stays"
    };
    let verb = if error.is_refusal() { "refused" } else { "not updated" };
    tracing::warn!(list = %source.name, source = %source.from, kind = error.kind(), "{verb}: {error}; {what}");
}

fn now() -> Duration {
    clock::steady()
}

/// At least 0 and below 1. Without chance all hosts would ask at the same time, which is bad luck and no more.
fn dice() -> f64 {
    let mut bytes = [0; 4];
    match getrandom(&mut bytes, GetRandomFlags::empty()) {
        Ok(_) => f64::from(u32::from_ne_bytes(bytes)) / (f64::from(u32::MAX) + 1.0),
        Err(_) => 0.5,
    }
}
