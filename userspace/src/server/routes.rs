use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use serde::Deserialize;

use super::input::{Asker, Body, Parameters, Segment};
use crate::api::Failure;
use crate::api::types::{
    AllowEntries, AllowRequest, BanAnswer, BanFilter, BanImport, BanImportAnswer, BanLinesAnswer, BanRequest,
    Bans, Coverage, Detached, ExplainRequest, ExplainedPackets, Explanation, Geo, GeoDatabaseRequest,
    GeoLookup, GeoRuleRequest, GeoUpdated, ListAnswer, ListInfo, Lists, PauseState, PrefixesRequest, Probe,
    Protocol, Reloaded, Removed, Stats, Status, UnbanRequest,
};
use crate::config::{InterfaceName, Mode, Name};
use crate::daemon::{BanLines, Gate, NewList};

/// So few are made sooner than a thread for it wakes up, which is most of what a ban would take.
const FEW_BANS: usize = 16;

pub(super) type Answer<T> = Result<Json<T>, Failure>;
pub(super) type Shared = State<Arc<Gate>>;

pub(super) async fn status(State(gate): Shared) -> Answer<Status> {
    on_thread(gate, Gate::status).await
}

pub(super) async fn stats(State(gate): Shared) -> Answer<Stats> {
    on_thread(gate, Gate::stats).await
}

pub(super) async fn bans(State(gate): Shared, Parameters(filter): Parameters<BanFilter>) -> Answer<Bans> {
    on_thread(gate, move |gate| gate.bans(&filter)).await
}

pub(super) async fn ban(
    State(gate): Shared,
    Asker(caller): Asker,
    Body(request): Body<BanRequest>,
) -> Answer<BanAnswer> {
    if request.bans.len() <= FEW_BANS && gate.bans_at_once() {
        return gate.ban(&request, &caller).map(Json);
    }
    on_thread(gate, move |gate| gate.ban(&request, &caller)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BanLinesParameters {
    ttl_seconds: Option<u64>,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    note: String,
    #[serde(default)]
    skip_bad: bool,
    #[serde(default)]
    force: bool,
}

pub(super) async fn ban_lines(
    State(gate): Shared,
    Asker(caller): Asker,
    Parameters(parameters): Parameters<BanLinesParameters>,
    text: Bytes,
) -> Answer<BanLinesAnswer> {
    let BanLinesParameters { ttl_seconds, reason, source, note, skip_bad, force } = parameters;
    on_thread(gate, move |gate| {
        let lines = BanLines { text: &text, ttl_seconds, reason, source, note, skip_bad, force };
        gate.ban_lines(&lines, &caller)
    })
    .await
}

pub(super) async fn import_bans(
    State(gate): Shared,
    Asker(caller): Asker,
    Body(import): Body<BanImport>,
) -> Answer<BanImportAnswer> {
    on_thread(gate, move |gate| gate.import_bans(import, &caller)).await
}

pub(super) async fn unban(
    State(gate): Shared,
    Asker(caller): Asker,
    Body(request): Body<UnbanRequest>,
) -> Answer<Removed> {
    on_thread(gate, move |gate| gate.unban(&request, &caller)).await
}

pub(super) async fn allowed(State(gate): Shared) -> Answer<AllowEntries> {
    Ok(Json(gate.allowed()))
}

pub(super) async fn allow(
    State(gate): Shared,
    Asker(caller): Asker,
    Body(request): Body<AllowRequest>,
) -> Answer<AllowEntries> {
    on_thread(gate, move |gate| gate.allow(&request, &caller)).await
}

pub(super) async fn disallow(
    State(gate): Shared,
    Asker(caller): Asker,
    Body(request): Body<PrefixesRequest>,
) -> Answer<Removed> {
    on_thread(gate, move |gate| gate.disallow(&request, &caller)).await
}

pub(super) async fn lists(State(gate): Shared) -> Answer<Lists> {
    on_thread(gate, Gate::lists).await
}

pub(super) async fn list(State(gate): Shared, Segment(name): Segment<Name>) -> Answer<ListInfo> {
    on_thread(gate, move |gate| gate.list(&name)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParameters {
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    skip_bad: bool,
    #[serde(default)]
    force: bool,
}

pub(super) async fn put_list(
    State(gate): Shared,
    Asker(caller): Asker,
    Segment(name): Segment<Name>,
    Parameters(parameters): Parameters<ListParameters>,
    text: Bytes,
) -> Answer<ListAnswer> {
    let ListParameters { mode, skip_bad, force } = parameters;
    on_thread(gate, move |gate| gate.put_list(&NewList { name, mode, skip_bad, force, text: &text }, &caller))
        .await
}

pub(super) async fn delete_list(
    State(gate): Shared,
    Asker(caller): Asker,
    Segment(name): Segment<Name>,
) -> Answer<Lists> {
    on_thread(gate, move |gate| gate.delete_list(&name, &caller)).await
}

pub(super) async fn geo(State(gate): Shared) -> Answer<Geo> {
    on_thread(gate, Gate::geo).await
}

pub(super) async fn update_geo(
    State(gate): Shared,
    Asker(caller): Asker,
    Parameters(parameters): Parameters<UpdateParameters>,
) -> Answer<GeoUpdated> {
    on_thread(gate, move |gate| gate.update_databases(parameters.force, &caller)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateParameters {
    #[serde(default)]
    force: bool,
}

pub(super) async fn put_geo_rule(
    State(gate): Shared,
    Asker(caller): Asker,
    Body(request): Body<GeoRuleRequest>,
) -> Answer<Geo> {
    on_thread(gate, move |gate| gate.set_geo_rule(&request, &caller)).await
}

pub(super) async fn delete_geo_rule(State(gate): Shared, Asker(caller): Asker) -> Answer<Geo> {
    on_thread(gate, move |gate| gate.reset_geo_rule(&caller)).await
}

pub(super) async fn put_geo_database(
    State(gate): Shared,
    Asker(caller): Asker,
    Body(request): Body<GeoDatabaseRequest>,
) -> Answer<Geo> {
    on_thread(gate, move |gate| gate.set_geo_database(Some(&request.path), request.force, &caller)).await
}

pub(super) async fn delete_geo_database(State(gate): Shared, Asker(caller): Asker) -> Answer<Geo> {
    on_thread(gate, move |gate| gate.set_geo_database(None, false, &caller)).await
}

pub(super) async fn geo_lookup(State(gate): Shared, Segment(address): Segment<IpAddr>) -> Answer<GeoLookup> {
    gate.geo_lookup(address).map(Json)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExplainParameters {
    port: Option<u16>,
    #[serde(default)]
    proto: Protocol,
    to: Option<IpAddr>,
}

pub(super) async fn explain(
    State(gate): Shared,
    Segment(address): Segment<IpAddr>,
    Parameters(parameters): Parameters<ExplainParameters>,
) -> Answer<Explanation> {
    let probe =
        Probe { destination: parameters.to, ..Probe::to(parameters.proto, parameters.port.unwrap_or(443)) };
    on_thread(gate, move |gate| gate.explain(address.to_canonical(), probe)).await
}

pub(super) async fn explain_packets(
    State(gate): Shared,
    Segment(address): Segment<IpAddr>,
    Body(request): Body<ExplainRequest>,
) -> Answer<ExplainedPackets> {
    on_thread(gate, move |gate| gate.explain_packets(address.to_canonical(), &request)).await
}

pub(super) async fn coverage(State(gate): Shared) -> Answer<Coverage> {
    on_thread(gate, Gate::coverage).await
}

pub(super) async fn pause(State(gate): Shared, Asker(caller): Asker) -> Answer<PauseState> {
    on_thread(gate, move |gate| Ok(gate.pause(true, &caller))).await
}

pub(super) async fn resume(State(gate): Shared, Asker(caller): Asker) -> Answer<PauseState> {
    on_thread(gate, move |gate| Ok(gate.pause(false, &caller))).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DetachParameters {
    interface: Option<InterfaceName>,
}

pub(super) async fn detach(
    State(gate): Shared,
    Asker(caller): Asker,
    Parameters(parameters): Parameters<DetachParameters>,
) -> Answer<Detached> {
    on_thread(gate, move |gate| gate.detach(parameters.interface.as_ref(), &caller)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReloadParameters {
    #[serde(default)]
    force: bool,
}

pub(super) async fn reload(
    State(gate): Shared,
    Asker(caller): Asker,
    Parameters(parameters): Parameters<ReloadParameters>,
) -> Answer<Reloaded> {
    on_thread(gate, move |gate| gate.reload(parameters.force, &caller)).await
}

/// Nearly everything behind the gate blocks: system calls, files, a compile.
pub(super) async fn on_thread<T: Send + 'static>(
    gate: Arc<Gate>,
    work: impl FnOnce(&Gate) -> Result<T, Failure> + Send + 'static,
) -> Answer<T> {
    let done = tokio::task::spawn_blocking(move || work(&gate)).await;
    done.unwrap_or_else(|error| {
        Err(Failure::failed(format!("the daemon stumbled over this request: {error}")))
    })
    .map(Json)
}
