use std::path::PathBuf;

use xdpgate_ebpf::abi::ListCounters;

use super::replace::Change;
use super::stats::count;
use super::{Gate, lockout};
use crate::api::Failure;
use crate::api::types::{ListAnswer, ListInfo, Lists, Origin, SkippedLine};
use crate::config::{ListFrom, Mode, Name, RESERVED_NAMES};
use crate::daemon::inputs::ListSource;
use crate::daemon::{Caller, Inputs, clock};
use crate::policy::LoadedList;
use crate::store::ListRecord;

/// A list that an operator brings.
#[derive(Debug)]
pub struct NewList<'a> {
    /// Its name.
    pub name: Name,
    /// Whether it drops or only counts.
    pub mode: Mode,
    /// Leave out lines that are no entries.
    pub skip_bad: bool,
    /// Also when that would lock out an operator.
    pub force: bool,
    /// Its lines.
    pub text: &'a [u8],
}

impl Gate {
    /// Every blocklist, with what it counted.
    ///
    /// # Errors
    /// When the kernel's counters cannot be read.
    pub fn lists(&self) -> Result<Lists, Failure> {
        let inputs = &self.live().inputs;
        let counters = self.kernel.list_counters()?;
        let lists = inputs.lists.iter().zip(inputs.list_sources.iter()).enumerate();
        let lists = lists.map(|(bit, (list, source))| {
            let mode = inputs.mode(list.name.as_str(), list.mode);
            info(list, source, mode, counters.get(bit))
        });
        Ok(Lists { lists: lists.collect() })
    }

    /// One blocklist.
    ///
    /// # Errors
    /// When there is none of that name, or the kernel's counters cannot be read.
    pub fn list(&self, name: &Name) -> Result<ListInfo, Failure> {
        let found = self.lists()?.lists.into_iter().find(|list| list.name == *name);
        found.ok_or_else(|| no_such_list(name))
    }

    /// Adds a blocklist, or replaces an operator's of the same name.
    ///
    /// # Errors
    /// When the text is no list, the name is the policy file's, the operator would lock himself out, or the kernel or
    /// the disk refuses.
    pub fn put_list(&self, new: &NewList<'_>, caller: &Caller) -> Result<ListAnswer, Failure> {
        // Read before the lock: a large list takes a while.
        let mut source = ListSource::of_operator(&record(new), PathBuf::new());
        source.parse(new.text, "the text sent")?;
        let only = self.policy_change()?;
        let live = self.live();
        let inputs = live.inputs.clone();
        let place = inputs.list_sources.iter().position(|known| known.name == new.name);
        refuse_list_of_policy(&inputs, &new.name)?;
        let file = self.store.keep_list_text(&new.name, new.text)?;
        source.from = ListFrom::File(self.store.list_path(&file));
        let skipped = source.content.skipped.clone();
        let entries = source.content.entries as u64;
        let before = place.and_then(|place| inputs.list_sources.get(place));
        // A list that is replaced keeps its bit, and so its counters.
        source.added = before.map_or(source.added, |old| old.added);
        let change = Change {
            from: before
                .map(|old| in_words(old.content.entries as u64, inputs.mode(old.name.as_str(), old.mode))),
            to: Some(in_words(entries, new.mode)),
            ..Change::new(caller, "list add", new.name.to_string())
        };
        // Whoever adds a list says its mode.
        let after = with_list(&inputs, place, source).without_mode(new.name.as_str());
        let approve = |image: &_| lockout::check_image(&live.inputs, &after, image, caller, new.force);
        let changed = self.replace(&only, after.clone(), approve, &change)?;
        tracing::info!(list = %new.name, entries, mode = %new.mode, "list added");
        Ok(ListAnswer {
            name: new.name.clone(),
            mode: new.mode,
            entries,
            replaced: place.is_some(),
            skipped: skipped.total as u64,
            first_skipped: skipped
                .first
                .into_iter()
                .map(|bad| SkippedLine { line: bad.line, text: bad.text, problem: bad.problem.to_string() })
                .collect(),
            changed,
        })
    }

    /// Removes an operator's blocklist.
    ///
    /// # Errors
    /// When there is none of that name, it is the policy file's, or the kernel or the disk refuses.
    pub fn delete_list(&self, name: &Name, caller: &Caller) -> Result<Lists, Failure> {
        let only = self.policy_change()?;
        let inputs = self.live().inputs.clone();
        refuse_list_of_policy(&inputs, name)?;
        let place = inputs.list_sources.iter().position(|known| known.name == *name);
        let place = place.ok_or_else(|| no_such_list(name))?;
        let entries = inputs.lists.get(place).map_or(0, |list| list.entries as u64);
        let next = without_list(&inputs, place).without_mode(name.as_str());
        let change = Change {
            from: Some(format!("{entries} entries")),
            ..Change::new(caller, "list del", name.to_string())
        };
        self.replace(&only, next, |_| Ok(()), &change)?;
        tracing::info!(list = %name, "list removed");
        self.lists()
    }
}

fn record(new: &NewList<'_>) -> ListRecord {
    ListRecord {
        name: new.name.clone(),
        mode: new.mode,
        skip_bad: new.skip_bad,
        entries: 0,
        added: clock::now(),
        file: String::new(),
    }
}

fn in_words(entries: u64, mode: Mode) -> String {
    format!("{entries} entries, {mode}")
}

fn info(list: &LoadedList, source: &ListSource, mode: Mode, counters: Option<&ListCounters>) -> ListInfo {
    ListInfo {
        name: list.name.clone(),
        mode,
        written_mode: Some(list.mode).filter(|written| *written != mode),
        origin: source.origin,
        path: source.files().into_iter().next().unwrap_or_default(),
        source: source.from.to_string(),
        label: source.label.clone(),
        entries: list.entries as u64,
        skipped: source.content.skipped.total as u64,
        loaded: source.content.loaded,
        dropped: counters.map(|counters| count(counters.dropped)).unwrap_or_default(),
        monitored: counters.map(|counters| count(counters.monitored)).unwrap_or_default(),
    }
}

fn with_list(inputs: &Inputs, place: Option<usize>, source: ListSource) -> Inputs {
    let mut sources = (*inputs.list_sources).clone();
    match place.and_then(|place| sources.get_mut(place)) {
        Some(old) => *old = source,
        None => sources.push(source),
    }
    inputs.with_lists(sources)
}

fn without_list(inputs: &Inputs, place: usize) -> Inputs {
    let mut sources = (*inputs.list_sources).clone();
    sources.remove(place);
    inputs.with_lists(sources)
}

fn refuse_list_of_policy(inputs: &Inputs, name: &Name) -> Result<(), Failure> {
    match inputs.list_sources.iter().find(|source| source.name == *name && source.origin == Origin::Policy) {
        Some(source) => Err(Failure::usage(format!(
            "the list {name} is in the policy file; change {} and `xdpgate reload`, or choose another name",
            source.from
        ))),
        None => refuse_taken_name(inputs, name),
    }
}

/// `enforce` and `monitor` take any rule by its name.
fn refuse_taken_name(inputs: &Inputs, name: &Name) -> Result<(), Failure> {
    if let Some((word, table)) = RESERVED_NAMES.iter().find(|(word, _)| *word == name.as_str()) {
        return Err(Failure::usage(format!("{word} means {table} on the command line; choose another name")));
    }
    match inputs.config.named(name) {
        Some((what, line)) => Err(Failure::usage(format!(
            "{name} is already the name of a {what} of the policy (line {line}); choose another name"
        ))),
        None => Ok(()),
    }
}

pub(super) fn no_such_list(name: &Name) -> Failure {
    Failure::not_found(format!("there is no list {name}; `xdpgate list show` shows all"))
}
