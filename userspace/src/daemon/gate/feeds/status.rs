use crate::api::types::{ListState, ListStatus, ListStatuses, SkippedLine};
use crate::config::ListFrom;
use crate::daemon::Inputs;
use crate::daemon::feeds::FeedState;
use crate::daemon::gate::Gate;
use crate::daemon::inputs::ListSource;
use crate::feeds::{BadLine, DangerousEntry};

impl Gate {
    /// How every list is doing.
    #[must_use]
    pub fn list_statuses(&self) -> ListStatuses {
        let live = self.live();
        let mut states = self.feeds.states(&live.inputs);
        let lists = live.inputs.list_sources.iter().enumerate().map(|(place, source)| {
            let state = states.remove(&source.name).unwrap_or_default();
            status(&live.inputs, place, source, state)
        });
        ListStatuses { lists: lists.collect() }
    }

    /// What somebody should look at.
    pub(in crate::daemon::gate) fn list_problems(&self) -> Vec<String> {
        let statuses = self.list_statuses().lists.into_iter();
        let told = statuses.filter_map(|status| {
            let trouble = status.trouble?;
            let what = if trouble.refused { "refused" } else { "not updated" };
            let stays = match status.loaded {
                None => "it was never fetched and is empty".to_owned(),
                Some(loaded) => format!("what is in force of it is of {loaded}"),
            };
            Some(format!("list {}: {what}: {}; {stays}", status.name, trouble.message))
        });
        told.collect()
    }
}

fn status(inputs: &Inputs, place: usize, source: &ListSource, state: FeedState) -> ListStatus {
    let content = &source.content;
    let list = inputs.lists.get(place);
    let is_read = !source.is_awaited() && !matches!(source.from, ListFrom::Union(_));
    let how_it_is = match &state.trouble {
        Some(trouble) if trouble.refused => ListState::Refused,
        Some(_) => ListState::Failing,
        None if source.is_awaited() => ListState::Awaited,
        None => ListState::Current,
    };
    ListStatus {
        name: source.name.clone(),
        mode: inputs.mode(source.name.as_str(), source.mode),
        origin: source.origin,
        kind: source.from.kind().to_owned(),
        source: source.from.to_string(),
        format: content.format.filter(|_| is_read).map(|format| format.to_string()),
        label: source.label.clone(),
        state: how_it_is,
        fetching: state.looking,
        entries: list.map_or(0, |list| list.entries as u64),
        bytes: content.bytes,
        skipped: content.skipped.total as u64,
        first_skipped: content.skipped.first.iter().map(skipped).collect(),
        left_out: content.left_out.total as u64,
        first_left_out: content.left_out.first.iter().map(left_out).collect(),
        loaded: is_read.then_some(content.loaded),
        every_seconds: source.every.map(|every| every.as_secs()),
        next_seconds: state.next.map(|next| next.as_secs()),
        last_attempt: state.last_attempt,
        last_success: state.last_success,
        failures: state.failures,
        trouble: state.trouble,
        updates: state.updates,
    }
}

fn skipped(bad: &BadLine) -> SkippedLine {
    SkippedLine { line: bad.line, text: bad.text.clone(), problem: bad.problem.to_string() }
}

fn left_out(entry: &DangerousEntry) -> SkippedLine {
    SkippedLine { line: entry.line, text: entry.entry.to_string(), problem: entry.danger.to_string() }
}
