//! The daemon's side of the socket.

mod events;
mod input;
mod lists;
mod policy;
mod routes;
mod socket;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};

pub use self::input::Connection;
pub use self::socket::BoundSocket;

use crate::api::{Failure, FailureBody, MAX_BODY_BYTES};
use crate::daemon::Gate;

/// The router over a gate, which hears of each connection who made it.
pub fn router(gate: Arc<Gate>) -> IntoMakeServiceWithConnectInfo<Router, Connection> {
    routes(gate).into_make_service_with_connect_info::<Connection>()
}

fn routes(gate: Arc<Gate>) -> Router {
    let v1 = Router::new()
        .route("/status", get(routes::status))
        .route("/stats", get(routes::stats))
        .route("/bans", get(routes::bans).post(routes::ban).delete(routes::unban))
        .route("/bans/lines", post(routes::ban_lines))
        .route("/bans/import", post(routes::import_bans))
        .route("/allow", get(routes::allowed).post(routes::allow).delete(routes::disallow))
        .route("/lists", get(routes::lists))
        .route("/lists/{name}", get(routes::list).put(routes::put_list).delete(routes::delete_list))
        .route("/lists/{name}/diff", post(lists::diff))
        .route("/feeds", get(lists::statuses))
        .route("/feeds/update", post(lists::update))
        .route("/feeds/overlap", get(lists::overlap))
        .route("/geo", get(routes::geo))
        .route("/geo/rule", put(routes::put_geo_rule).delete(routes::delete_geo_rule))
        .route("/geo/database", put(routes::put_geo_database).delete(routes::delete_geo_database))
        .route("/geo/update", post(routes::update_geo))
        .route("/geo/lookup/{address}", get(routes::geo_lookup))
        .route("/explain/{address}", get(routes::explain).post(routes::explain_packets))
        .route("/coverage", get(routes::coverage))
        .route("/events", get(events::events))
        .route("/pause", post(routes::pause))
        .route("/resume", post(routes::resume))
        .route("/detach", post(routes::detach))
        .route("/reload", post(routes::reload))
        .route("/verify", post(policy::verify))
        .route("/apply", post(policy::apply))
        .route("/plan", post(policy::plan))
        .route("/confirm", post(policy::confirm))
        .route("/undo", post(policy::undo))
        .route("/history", get(policy::history))
        .route("/history/{number}", get(policy::history_entry))
        .route("/modes/{name}", put(policy::put_mode))
        .route("/audit", get(policy::audit));
    Router::new()
        .nest("/v1", v1)
        .fallback(async || Failure::not_found("there is no such path; all of them begin with /v1/"))
        .method_not_allowed_fallback(async || Failure::usage("the path does not take this method"))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(gate)
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.kind.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(FailureBody::from(self))).into_response()
    }
}
