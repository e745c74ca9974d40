//! SIGHUP reloads; SIGTERM and SIGINT end the daemon, not the enforcement.

use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{notify, summary};
use crate::api::Failure;
use crate::daemon::{Caller, Gate};

pub(super) async fn until_told_to_end(gate: &Arc<Gate>) -> Result<(), Failure> {
    let mut hang_up = listen(SignalKind::hangup())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = hang_up.recv() => reload(gate).await,
        }
    }
}

async fn reload(gate: &Arc<Gate>) {
    notify::reloading();
    let reloading = Arc::clone(gate);
    // A failed or refused reload has said so itself, and the policy before is in force: the service is as ready as it was.
    let done = tokio::task::spawn_blocking(move || {
        let _ = reloading.reload(false, &Caller::daemon());
        summary(&reloading)
    });
    notify::ready(&done.await.unwrap_or_default());
}

fn listen(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| Failure::failed(format!("cannot listen for signals: {error}")))
}
