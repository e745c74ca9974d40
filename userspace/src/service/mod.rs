//! From the command line to an enforcing daemon, and its end.

mod allocator;
mod notify;
mod signals;
mod tasks;

use std::sync::Arc;

use tokio::net::TcpListener;

use self::tasks::Tasks;
use crate::api::{Failure, FailureKind};
use crate::config::Config;
use crate::daemon::{Gate, RunOptions};
use crate::kernel::Kernel;
use crate::metrics;
use crate::server::{self, BoundSocket};
use crate::store::Store;

/// Runs the daemon until a signal ends it. The kernel goes on enforcing afterwards.
///
/// # Errors
/// When it cannot start. What was enforced before still is.
pub async fn run(options: RunOptions) -> Result<(), Failure> {
    allocator::give_back_large_blocks();
    let policy = options.read()?;
    let config = options.check(&policy)?;
    if options.config.is_none() {
        tracing::info!("no policy file: the built-in policy is used; name one with --config");
    }
    // Each of these refuses a second daemon: the pins first, because they are what matters.
    let kernel = blocking({
        let kernel = options.kernel(&config);
        move || Ok(Kernel::open(&kernel)?)
    })
    .await?;
    let mut socket = BoundSocket::bind(&config.daemon.socket)?;
    let metrics_listener = bind_metrics(&config).await?;
    let state_dir = config.daemon.state_dir.clone();
    let store = blocking(move || Ok(Store::open(&state_dir)?)).await?;

    let gate = blocking(move || Gate::start(kernel, store, options, policy)).await?;
    let gate = Arc::new(gate);
    let mut tasks = Tasks::default();
    if let Some(listener) = socket.take_listener() {
        tasks.serve("the socket", axum::serve(listener, server::router(Arc::clone(&gate))));
    }
    if let Some(listener) = metrics_listener {
        tasks.serve("metrics", axum::serve(listener, metrics::router(Arc::clone(&gate))?));
    }
    tasks.housekeeping(&gate, config.daemon.verify)?;
    notify::ready(&summary(&gate));
    tracing::info!(pid = std::process::id(), "ready");

    let ended = tokio::select! {
        signal = signals::until_told_to_end(&gate) => signal,
        failure = tasks.first_failure() => Err(failure),
    };
    notify::stopping("the kernel goes on enforcing");
    let finished = blocking(move || gate.finish_bans()).await;
    if let Err(error) = finished {
        tracing::error!(%error, "changes of bans are not on the disk; the next start takes them from what is there");
    }
    tracing::info!("ended; the kernel goes on enforcing what is loaded (`xdpgate detach` ends that)");
    ended
}

/// One line for `systemctl status`.
pub(super) fn summary(gate: &Gate) -> String {
    let not_ready = gate.not_ready();
    if not_ready.is_empty() { "enforcing".to_owned() } else { not_ready.join("; ") }
}

async fn bind_metrics(config: &Config) -> Result<Option<TcpListener>, Failure> {
    let Some(address) = config.daemon.metrics else { return Ok(None) };
    TcpListener::bind(address).await.map(Some).map_err(|error| {
        Failure::new(
            FailureKind::Failed,
            format!("cannot serve metrics on {address}: {error}; choose another with --metrics ADDR, or --metrics off"),
        )
    })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(Failure::failed)?
}
