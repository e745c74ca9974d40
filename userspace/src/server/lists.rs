//! The routes of lists that have a source: how they are, and what an update would change.

use axum::body::Bytes;
use axum::extract::State;
use serde::Deserialize;

use super::input::{Asker, Body, Parameters, Segment};
use super::routes::{Answer, Shared, on_thread};
use crate::api::Failure;
use crate::api::types::{ListDiff, ListOverlap, ListStatuses, ListUpdateRequest, ListWishes};
use crate::config::Name;

pub(super) async fn statuses(State(gate): Shared) -> Answer<ListStatuses> {
    on_thread(gate, |gate| Ok(gate.list_statuses())).await
}

pub(super) async fn update(
    State(gate): Shared,
    Asker(caller): Asker,
    Body(request): Body<ListUpdateRequest>,
) -> Answer<ListWishes> {
    on_thread(gate, move |gate| gate.update_lists(&request.names, &caller)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DiffParameters {
    /// Compare with the body, not with what the source has now.
    #[serde(default)]
    text: bool,
}

pub(super) async fn diff(
    State(gate): Shared,
    Segment(name): Segment<Name>,
    Parameters(parameters): Parameters<DiffParameters>,
    text: Bytes,
) -> Answer<ListDiff> {
    on_thread(gate, move |gate| gate.list_diff(&name, parameters.text.then_some(&text))).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OverlapParameters {
    /// Names with commas between them; absent: all lists.
    #[serde(default)]
    only: String,
}

pub(super) async fn overlap(
    State(gate): Shared,
    Parameters(parameters): Parameters<OverlapParameters>,
) -> Answer<ListOverlap> {
    let names = parameters.only.split(',').filter(|name| !name.is_empty()).map(str::parse::<Name>);
    let names = names.collect::<Result<Vec<_>, _>>().map_err(Failure::usage)?;
    on_thread(gate, move |gate| gate.list_overlap(&names)).await
}
