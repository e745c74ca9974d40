//! What a list would gain and lose.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::refuse_without_source;
use crate::api::Failure;
use crate::api::types::ListDiff;
use crate::config::Name;
use crate::daemon::feeds::{Look, Looked, look};
use crate::daemon::gate::Gate;
use crate::daemon::gate::lists::no_such_list;
use crate::daemon::gate::plan::summary;
use crate::daemon::inputs::ListSource;
use crate::daemon::inputs::list_content::{ListContent, Place, read_files};
use crate::feeds::Guard;

/// Prefixes that are shown of what comes and of what goes.
const EXAMPLES: usize = 10;

impl Gate {
    /// What a list would gain and lose, if this were its text, or what its source has now. Applies nothing.
    ///
    /// # Errors
    /// When there is no such list, its source gives nothing, or what it gives would be refused.
    pub fn list_diff(&self, name: &Name, text: Option<&[u8]>) -> Result<ListDiff, Failure> {
        let live = self.live();
        let mut sources = (*live.inputs.list_sources).clone();
        let place = sources.iter().position(|source| source.name == *name);
        let (place, source) = place
            .and_then(|place| Some((place, sources.get_mut(place)?)))
            .ok_or_else(|| no_such_list(name))?;
        let compared_with = match text {
            Some(_) => "the text sent".to_owned(),
            None => source.from.to_string(),
        };
        let found = match text {
            Some(text) => Some(self.content_of(source, text)?),
            None => self.content_now(source)?,
        };
        let (skipped, left_out) = {
            let content = found.as_ref().unwrap_or(&source.content);
            (content.skipped.total as u64, content.left_out.total as u64)
        };
        if let Some(content) = found {
            source.content = Arc::new(content);
        }
        let after = live.inputs.with_lists(sources);
        let lists = live.inputs.lists.get(place).zip(after.lists.get(place));
        let (before, after) = lists.ok_or_else(|| no_such_list(name))?;
        let (added, removed) = (after.ranges.without(&before.ranges), before.ranges.without(&after.ranges));
        Ok(ListDiff {
            name: name.clone(),
            compared_with,
            entries: before.entries as u64,
            new_entries: after.entries as u64,
            added_ipv4: summary(added.ipv4(), EXAMPLES),
            removed_ipv4: summary(removed.ipv4(), EXAMPLES),
            added_ipv6: summary(added.ipv6(), EXAMPLES),
            removed_ipv6: summary(removed.ipv6(), EXAMPLES),
            skipped,
            left_out,
        })
    }

    fn content_of(&self, source: &ListSource, text: &[u8]) -> Result<ListContent, Failure> {
        let mut file = self.store.download()?;
        file.write_all(text).map_err(Failure::failed)?;
        // How much it would change is what the answer says.
        let guard = Guard { ratio: None, ..source.guard() };
        let read = read_files(&[file.path().to_owned()], &source.reading, &guard, None, Place::Fetched);
        read.map_err(|error| Failure::invalid(format!("list {}: {error}", source.name)))
    }

    /// Nothing where it is the same.
    fn content_now(&self, source: &ListSource) -> Result<Option<ListContent>, Failure> {
        refuse_without_source(source)?;
        let progress = Arc::<AtomicU64>::default();
        let done = look(Look { source: source.clone(), progress }, &self.store);
        match done.seen {
            Ok(Looked::Same(_)) => Ok(None),
            Ok(Looked::New { content, .. }) => Ok(Some(content)),
            Err(error) => Err(Failure::invalid(format!("list {}: {error}", source.name))),
        }
    }
}
