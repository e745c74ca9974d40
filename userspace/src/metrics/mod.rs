//! Prometheus metrics, read from the kernel at each scrape.

mod catalog;
mod collector;
mod families;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus::{Encoder, Registry, TextEncoder};

pub use self::catalog::{Kind, METRICS, Metric, reference};

use self::collector::GateCollector;
use crate::api::Failure;
use crate::daemon::Gate;

/// `/metrics`, `/-/healthy` and `/-/ready`.
///
/// # Errors
/// When the collector cannot be registered.
pub fn router(gate: Arc<Gate>) -> Result<Router, Failure> {
    let registry = Registry::new();
    let collector = GateCollector::new(Arc::clone(&gate)).map_err(Failure::failed)?;
    registry.register(Box::new(collector)).map_err(Failure::failed)?;
    Ok(Router::new()
        .route("/metrics", get(metrics))
        .route("/-/healthy", get(async || "healthy\n"))
        .route("/-/ready", get(ready))
        .with_state(Served { gate, registry }))
}

#[derive(Clone)]
struct Served {
    gate: Arc<Gate>,
    registry: Registry,
}

async fn metrics(State(served): State<Served>) -> Response {
    let gathered = tokio::task::spawn_blocking(move || {
        let mut text = Vec::new();
        TextEncoder::new().encode(&served.registry.gather(), &mut text).map(|()| text)
    });
    match gathered.await {
        Ok(Ok(text)) => ([("content-type", prometheus::TEXT_FORMAT)], text).into_response(),
        Ok(Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

/// Ready is: every interface enforces a live generation.
async fn ready(State(served): State<Served>) -> Response {
    let problems = tokio::task::spawn_blocking(move || served.gate.not_ready()).await;
    match problems {
        Ok(problems) if problems.is_empty() => "ready\n".into_response(),
        Ok(problems) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", problems.join("\n"))).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
