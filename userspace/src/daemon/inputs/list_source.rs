use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::Inputs;
use crate::api::Failure;
use crate::api::types::Origin;
use crate::config::{ListConfig, ListContent, Mode, Name};
use crate::daemon::clock;
use crate::daemon::file_stamp::FileStamp;
use crate::feeds::{BadLineReport, BadLines, ParsedList, parse_list, read_list};
use crate::policy::LoadedList;
use crate::store::ListRecord;

/// Where a list comes from.
#[derive(Clone, Debug)]
pub struct ListSource {
    /// Its name.
    pub name: Name,
    /// Whether it drops or only counts.
    pub mode: Mode,
    /// Who named it.
    pub origin: Origin,
    /// The file: its own, or the database that tells what its systems announce.
    pub path: PathBuf,
    /// The autonomous systems that it names in place of a file.
    pub systems: Option<BTreeSet<u32>>,
    /// Whether bad lines are left out.
    pub skip_bad: bool,
    /// How many were.
    pub skipped: BadLineReport,
    /// Since when it is there; orders the lists of operators.
    pub added: Timestamp,
    /// When it was read.
    pub loaded: Timestamp,
    /// What the file was like then.
    pub(super) stamp: Option<FileStamp>,
}

impl ListSource {
    pub(super) fn of_policy(list: &ListConfig) -> Self {
        let (path, systems) = match &list.content {
            ListContent::File(path) => (path.clone(), None),
            ListContent::Systems(systems) => (PathBuf::new(), Some(systems.clone())),
        };
        Self {
            name: list.name.clone(),
            mode: list.mode,
            origin: Origin::Policy,
            path,
            systems,
            skip_bad: list.skip_bad,
            skipped: BadLineReport::default(),
            added: clock::now(),
            loaded: clock::now(),
            stamp: None,
        }
    }

    /// A list that an operator added.
    #[must_use]
    pub fn of_operator(list: &ListRecord, path: PathBuf) -> Self {
        Self {
            name: list.name.clone(),
            mode: list.mode,
            origin: Origin::Operator,
            path,
            systems: None,
            skip_bad: list.skip_bad,
            skipped: BadLineReport::default(),
            added: list.added,
            loaded: clock::now(),
            stamp: None,
        }
    }

    /// The list as the store has it.
    pub(super) fn record(&self, entries: usize) -> ListRecord {
        let file = self.path.file_name().map(|file| file.to_string_lossy().into_owned());
        ListRecord {
            name: self.name.clone(),
            mode: self.mode,
            skip_bad: self.skip_bad,
            entries: entries as u64,
            added: self.added,
            file: file.unwrap_or_default(),
        }
    }

    /// The list as it was read before, if its file is the same and is to be read in the same way.
    pub(super) fn take_over(&mut self, before: &Inputs) -> Option<LoadedList> {
        let mut pairs = before.list_sources.iter().zip(before.lists.iter());
        let (source, list) = pairs.find(|(source, _)| {
            source.path == self.path && source.skip_bad == self.skip_bad && source.systems.is_none()
        })?;
        self.stamp = source.stamp.filter(|stamp| stamp.is_of(&self.path));
        self.stamp?;
        self.skipped = source.skipped.clone();
        self.loaded = source.loaded;
        let (name, mode) = (self.name.clone(), self.mode);
        Some(LoadedList { name, mode, ranges: Arc::clone(&list.ranges), entries: list.entries })
    }

    pub(super) fn read(&mut self) -> Result<LoadedList, Failure> {
        let bad = self.bad_lines();
        let (read, stamp) = FileStamp::around(&self.path, || read_list(File::open(&self.path)?, bad));
        let parsed = read.map_err(|error| {
            Failure::invalid(format!("list {}: {}: {error}", self.name, self.path.display()))
        })?;
        self.stamp = stamp;
        Ok(self.loaded(parsed))
    }

    /// Reads the text of the list; `origin` is where the text came from, for the message.
    ///
    /// # Errors
    /// When the text is no list.
    pub fn parse(&mut self, text: &[u8], origin: &str) -> Result<LoadedList, Failure> {
        let parsed = parse_list(text, self.bad_lines())
            .map_err(|error| Failure::invalid(format!("list {}: {origin}: {error}", self.name)))?;
        Ok(self.loaded(parsed))
    }

    const fn bad_lines(&self) -> BadLines {
        if self.skip_bad { BadLines::Skip } else { BadLines::Refuse }
    }

    fn loaded(&mut self, parsed: ParsedList) -> LoadedList {
        self.skipped = parsed.skipped;
        LoadedList {
            name: self.name.clone(),
            mode: self.mode,
            ranges: Arc::new(parsed.ranges.into()),
            entries: parsed.entries,
        }
    }
}
