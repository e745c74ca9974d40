//! Lists whose sources are looked at again. Looks take as long as servers take and hold no lock; what they bring is one
//! change of the policy for all that came together.

mod diff;
mod overlap;
mod status;

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::replace::Change;
use super::{Gate, Live, OnlyChange, lockout};
use crate::api::Failure;
use crate::api::types::{ListWishes, Origin};
use crate::config::{ListFrom, Name};
use crate::daemon::feeds::{Done, Download, FeedError, Look, Looked, look};
use crate::daemon::inputs::{ListContent, ListSource};
use crate::daemon::{Caller, Inputs, clock};
use crate::store::{FeedRecord, StoreError};

/// While a policy waits for a confirmation, nothing else changes.
const AFTER_CONFIRMATION: Duration = Duration::from_secs(5);
/// An operator may go back to a policy with a list that is gone; later it is fetched anew.
const FORGET_AFTER: SignedDuration = SignedDuration::from_hours(30 * 24);

static DAEMON: Caller = Caller::daemon();

/// New content of a list, that is to be put in force.
#[derive(Debug)]
struct Fresh {
    /// The list when the look began.
    source: ListSource,
    content: Arc<ListContent>,
    /// Its copy in the store, where it was fetched.
    copy: Option<Arc<FeedRecord>>,
    took: Duration,
}

impl Fresh {
    /// Whether it names other addresses than before.
    fn is_news(&self) -> bool {
        self.content.ranges != self.source.content.ranges
    }
}

impl Gate {
    /// The looks that are due. While a policy waits for a confirmation there are none.
    pub fn due_feeds(&self) -> Vec<Look> {
        if self.pending().is_some() {
            return Vec::new();
        }
        self.feeds.due(&self.live().inputs)
    }

    /// Takes a look. Takes as long as a server does.
    pub fn look_at_feed(&self, due: Look) -> Done {
        look(due, &self.store)
    }

    /// Puts in force what looks brought, all of it in one change where that is possible. What is refused changes nothing.
    pub fn take_feeds(&self, done: Vec<Done>) {
        let mut brought = Vec::new();
        for Done { source, seen, took } in done {
            match seen {
                Ok(Looked::New { content, download }) => brought.push((source, content, download, took)),
                Ok(Looked::Same(validators)) => {
                    if let Some(validators) = validators {
                        let named = (validators.etag.as_deref(), validators.last_modified.as_deref());
                        if let Err(error) = self.store.feed_is_current(&source.name, clock::now(), named) {
                            tracing::warn!(list = %source.name, %error, "that the list is current could not be noted");
                        }
                    }
                    self.feeds.succeeded(&source, took, false);
                }
                Err(error) => self.feeds.failed(&source, took, &error),
            }
        }
        if !brought.is_empty() {
            self.put_feeds(brought);
        }
    }

    /// Looks at the sources of these lists at the next opportunity; of all that have one, where none is named.
    ///
    /// # Errors
    /// When there is no such list, it has no source of its own, or a policy waits for a confirmation.
    pub fn update_lists(&self, names: &[Name], caller: &Caller) -> Result<ListWishes, Failure> {
        drop(self.policy_change()?);
        let live = self.live();
        let sources = &live.inputs.list_sources;
        let chosen: Vec<Name> = if names.is_empty() {
            let with_source = sources.iter().filter(|source| refuse_without_source(source).is_ok());
            with_source.map(|source| source.name.clone()).collect()
        } else {
            for name in names {
                let source = sources.iter().find(|source| source.name == *name);
                refuse_without_source(source.ok_or_else(|| super::lists::no_such_list(name))?)?;
            }
            names.to_vec()
        };
        let lists = self.feeds.hurry(&live.inputs, &chosen);
        let listed: Vec<_> = chosen.iter().map(Name::as_str).collect();
        self.audit(&Change::new(caller, "list update", listed.join(" ")), None);
        Ok(ListWishes { lists })
    }

    /// Removes copies of lists that no policy has had for a long time.
    pub(super) fn forget_old_feeds(&self) {
        let known: BTreeSet<Name> = self.live().inputs.list_names().into_iter().collect();
        let before = clock::now().checked_sub(FORGET_AFTER).unwrap_or(Timestamp::MIN);
        if let Err(error) = self.store.forget_feeds(&known, before) {
            tracing::warn!(%error, "copies of lists that nobody needs could not be removed");
        }
    }

    fn put_feeds(&self, brought: Vec<(ListSource, ListContent, Option<Download>, Duration)>) {
        let Ok(only) = self.policy_change() else {
            // It is fetched again then: what waits may be another policy.
            return brought.iter().for_each(|(source, ..)| self.feeds.postponed(source, AFTER_CONFIRMATION));
        };
        let mut fresh = Vec::new();
        for (source, content, download, took) in brought {
            match self.kept(&source, content, download) {
                Ok((content, copy)) => fresh.push(Fresh { source, content: Arc::new(content), copy, took }),
                Err(error) => self.feeds.failed(&source, took, &error.into()),
            }
        }
        if self.put_together(&only, &fresh).is_ok() {
            return fresh.iter().for_each(|one| self.feeds.succeeded(&one.source, one.took, one.is_news()));
        }
        // One that can't be put in force must not keep the others out.
        for one in &fresh {
            match self.put_together(&only, std::slice::from_ref(one)) {
                Ok(()) => self.feeds.succeeded(&one.source, one.took, one.is_news()),
                Err(error) => self.feeds.failed(&one.source, one.took, &error),
            }
        }
    }

    /// Keeps the text of a list that was fetched.
    fn kept(
        &self,
        source: &ListSource,
        content: ListContent,
        download: Option<Download>,
    ) -> Result<(ListContent, Option<Arc<FeedRecord>>), StoreError> {
        let (Some(Download { text, validators }), Some(url)) = (download, source.from.url()) else {
            return Ok((content, None));
        };
        let file = self.store.keep_download(&source.name, text)?;
        let content = content.moved_to(self.store.list_path(&file));
        let record = FeedRecord {
            name: source.name.clone(),
            url: url.url.to_string(),
            file,
            etag: validators.etag,
            last_modified: validators.last_modified,
            fetched: content.loaded,
            checked: content.loaded,
        };
        Ok((content, Some(Arc::new(record))))
    }

    /// What the kernel has is of these inputs too: no address is on another list.
    fn know_instead(&self, _only: &OnlyChange<'_>, inputs: Inputs) {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        let Live { settings, sizes, number, ref limits, .. } = **live;
        *live = Arc::new(Live { inputs, settings, sizes, number, limits: limits.clone() });
    }

    fn put_together(&self, only: &OnlyChange<'_>, fresh: &[Fresh]) -> Result<(), FeedError> {
        let live = self.live();
        let mut sources = (*live.inputs.list_sources).clone();
        let mut updated = Vec::new();
        for one in fresh {
            // Meanwhile the policy may have changed.
            let known = sources.iter_mut().find(|known| known.is_read_as(&one.source));
            let Some(known) = known else { continue };
            let content = one.content.sharing(&known.content);
            if !Arc::ptr_eq(&content.ranges, &known.content.ranges) {
                updated.push((known.name.clone(), known.content.entries, content.entries));
            }
            known.content = content;
            known.copy = one.copy.clone().or(known.copy.take());
        }
        let feeds: Vec<_> = fresh.iter().filter_map(|one| one.copy.as_deref().cloned()).collect();
        let after = live.inputs.with_lists(sources);
        if updated.is_empty() {
            self.store.keep_feeds(&feeds)?;
            self.know_instead(only, after);
            return Ok(());
        }
        let approve = |image: &_| lockout::check_image(&live.inputs, &after, image, &DAEMON, false);
        let sums = |pick: fn(&(Name, usize, usize)) -> usize| {
            let each: Vec<_> = updated.iter().map(|one| pick(one).to_string()).collect();
            format!("{} entries", each.join(", "))
        };
        let names: Vec<_> = updated.iter().map(|(name, ..)| name.as_str()).collect();
        let change = Change {
            feeds,
            ..Change::new(&DAEMON, "list update", names.join(" "))
                .between(sums(|(_, before, _)| *before), sums(|(_, _, now)| *now))
        };
        self.replace(only, after.clone(), approve, &change).map_err(|error| refusal(&error))?;
        for (name, before, entries) in &updated {
            tracing::info!(list = %name, entries, before, "list updated");
        }
        Ok(())
    }
}

fn refusal(error: &Failure) -> FeedError {
    match error.message.strip_suffix(lockout::FORCE) {
        Some(why) => FeedError::LockOut(why.to_owned()),
        None => FeedError::Policy(error.message.clone()),
    }
}

fn refuse_without_source(source: &ListSource) -> Result<(), Failure> {
    let name = &source.name;
    if source.origin == Origin::Operator {
        return Err(Failure::usage(format!(
            "the list {name} has no source that could be looked at; bring its new text: xdpgate list add {name} FILE"
        )));
    }
    match &source.from {
        ListFrom::Union(_) => {
            Err(Failure::usage(format!("the list {name} is a {}; update those", source.from)))
        }
        ListFrom::Systems(_) => Err(Failure::usage(format!(
            "the list {name} is out of the database of autonomous systems ({}); look at that: xdpgate geo update",
            source.from
        ))),
        ListFrom::File(_) | ListFrom::Folder(_) | ListFrom::Url(_) => Ok(()),
    }
}
