//! The routes of whole policies: apply, confirm, undo, modes, and what is known of who did what.

use axum::extract::State;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::input::{Asker, Body, Parameters, Segment};
use super::routes::{Answer, Shared, on_thread};
use crate::api::types::{
    Applied, ApplyRequest, Audit, History, HistoryDetails, ModeAnswer, ModeRequest, Plan, PlanRequest,
    UndoRequest, Verified,
};
use crate::config::Name;
use crate::daemon::Gate;

pub(super) async fn apply(
    State(gate): Shared,
    Asker(caller): Asker,
    Body(request): Body<ApplyRequest>,
) -> Answer<Applied> {
    on_thread(gate, move |gate| gate.apply(request, &caller)).await
}

pub(super) async fn plan(
    State(gate): Shared,
    Asker(caller): Asker,
    Body(request): Body<PlanRequest>,
) -> Answer<Plan> {
    on_thread(gate, move |gate| gate.plan(request, &caller)).await
}

pub(super) async fn confirm(State(gate): Shared, Asker(caller): Asker) -> Answer<Applied> {
    on_thread(gate, move |gate| gate.confirm(&caller)).await
}

pub(super) async fn undo(
    State(gate): Shared,
    Asker(caller): Asker,
    Body(request): Body<UndoRequest>,
) -> Answer<Applied> {
    on_thread(gate, move |gate| gate.undo(&request, &caller)).await
}

pub(super) async fn verify(State(gate): Shared, Asker(caller): Asker) -> Answer<Verified> {
    on_thread(gate, move |gate| gate.verify(&caller)).await
}

pub(super) async fn history(State(gate): Shared) -> Answer<History> {
    on_thread(gate, Gate::history).await
}

pub(super) async fn history_entry(
    State(gate): Shared,
    Segment(number): Segment<u64>,
) -> Answer<HistoryDetails> {
    on_thread(gate, move |gate| gate.history_entry(number)).await
}

pub(super) async fn put_mode(
    State(gate): Shared,
    Asker(caller): Asker,
    Segment(name): Segment<Name>,
    Body(request): Body<ModeRequest>,
) -> Answer<ModeAnswer> {
    on_thread(gate, move |gate| gate.set_mode(&name, request, &caller)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditParameters {
    /// How many of the last lines.
    last: Option<usize>,
    /// Not older than this.
    since_seconds: Option<u32>,
}

pub(super) async fn audit(
    State(gate): Shared,
    Parameters(parameters): Parameters<AuditParameters>,
) -> Answer<Audit> {
    let since = parameters
        .since_seconds
        .and_then(|seconds| Timestamp::now().checked_sub(SignedDuration::from_secs(seconds.into())).ok());
    on_thread(gate, move |gate| gate.audit_entries(parameters.last.unwrap_or(usize::MAX), since)).await
}
