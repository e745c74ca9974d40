//! What the daemon does besides answering: events, ended bans, lost interfaces, the watchdog.

use std::convert::Infallible;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use super::{notify, summary};
use crate::api::Failure;
use crate::daemon::{Caller, Gate};

const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// Events are taken in batches: each batch asks the kernel for the names of its interfaces.
const EVENTS_EVERY: Duration = Duration::from_millis(50);
/// The data path returns by itself; this only makes it last.
const SETTLE_EVERY: Duration = Duration::from_millis(200);
/// Often enough for an operator who waits for `list update`.
const FEEDS_EVERY: Duration = Duration::from_millis(200);
/// How often it is looked whether the policy names another CrowdSec server.
const CROWDSEC_LOOK_EVERY: Duration = Duration::from_secs(1);
/// The policy says how often the files of databases are looked at; this is the most often that it may.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const WATCH_EVERY: Duration = Duration::from_secs(3);

/// The tasks of the daemon. None of them ends by itself.
#[derive(Debug, Default)]
pub(super) struct Tasks(JoinSet<Failure>);

impl Tasks {
    /// Runs a server.
    pub(super) fn serve(
        &mut self,
        what: &'static str,
        server: impl IntoFuture<Output = std::io::Result<()>, IntoFuture: Send> + Send + 'static,
    ) {
        let server = server.into_future();
        self.0.spawn(async move {
            let why = server.await.err().map_or_else(|| "it ended".to_owned(), |error| error.to_string());
            Failure::failed(format!("{what} is no longer served: {why}"))
        });
    }

    /// Runs everything that is done from time to time.
    ///
    /// `verify` is how often the kernel's tables are compared with what they should hold.
    pub(super) fn housekeeping(&mut self, gate: &Arc<Gate>, verify: Duration) -> Result<(), Failure> {
        let descriptor = gate.events_fd().and_then(readable);
        let descriptor =
            descriptor.map_err(|error| Failure::failed(format!("cannot wait for events: {error}")))?;
        self.0.spawn(read_events(Arc::clone(gate), descriptor));
        let offenders = gate.offenders_fd().and_then(readable);
        let offenders = offenders
            .map_err(|error| Failure::failed(format!("cannot wait for sources over a limit: {error}")))?;
        self.0.spawn(ban_offenders(Arc::clone(gate), offenders));
        self.0.spawn(sweep(Arc::clone(gate)));
        self.0.spawn(follow_crowdsec(Arc::clone(gate)));
        self.0.spawn(settle(Arc::clone(gate)));
        self.0.spawn(watch(Arc::clone(gate)));
        self.0.spawn(self::verify(Arc::clone(gate), verify));
        self.0.spawn(follow_feeds(Arc::clone(gate)));
        self.0.spawn(watch_databases(Arc::clone(gate)));
        if let Some(every) = notify::watchdog_interval() {
            self.0.spawn(feed_watchdog(Arc::clone(gate), every));
        }
        Ok(())
    }

    /// The first task that fails.
    pub(super) async fn first_failure(&mut self) -> Failure {
        match self.0.join_next().await {
            Some(Ok(failure)) => failure,
            Some(Err(error)) => Failure::failed(format!("a task of the daemon broke off: {error}")),
            None => std::future::pending::<Infallible>().await.into(),
        }
    }
}

impl From<Infallible> for Failure {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

#[expect(
    deprecated,
    reason = "its successor is unsafe; an OwnedFd stays open as long as it lives, as that demands"
)]
fn readable(descriptor: OwnedFd) -> std::io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(descriptor, Interest::READABLE)
}

async fn read_events(gate: Arc<Gate>, descriptor: AsyncFd<OwnedFd>) -> Failure {
    loop {
        let mut ready = match descriptor.readable().await {
            Ok(ready) => ready,
            Err(error) => return Failure::failed(format!("events can no longer be read: {error}")),
        };
        ready.clear_ready();
        let drained = Arc::clone(&gate);
        // Until it is empty: readiness is reported once for what is there.
        let _ = tokio::task::spawn_blocking(move || while drained.drain_events() > 0 {}).await;
        sleep(EVENTS_EVERY).await;
    }
}

/// At once, one batch after the other: until a source is banned, each of its packets goes through all steps.
async fn ban_offenders(gate: Arc<Gate>, descriptor: AsyncFd<OwnedFd>) -> Failure {
    loop {
        let mut ready = match descriptor.readable().await {
            Ok(ready) => ready,
            Err(error) => {
                return Failure::failed(format!("sources over a limit can no longer be read: {error}"));
            }
        };
        ready.clear_ready();
        let gate = Arc::clone(&gate);
        let _ = tokio::task::spawn_blocking(move || while gate.ban_offenders() > 0 {}).await;
    }
}

async fn sweep(gate: Arc<Gate>) -> Failure {
    every(SWEEP_EVERY, gate, |gate| {
        if let Err(error) = gate.sweep_bans() {
            tracing::warn!(%error, "ended bans could not be cleared away; they no longer hold anyhow");
        }
    })
    .await
}

/// A server that is slow to answer is not asked twice at once; otherwise the times between questions are those of the policy,
/// from the beginning of one to that of the next.
async fn follow_crowdsec(gate: Arc<Gate>) -> Failure {
    loop {
        let (asking, started) = (Arc::clone(&gate), Instant::now());
        let wait = match tokio::task::spawn_blocking(move || asking.ask_crowdsec()).await {
            Ok(wait) => wait,
            Err(error) => return Failure::failed(format!("asking CrowdSec broke off: {error}")),
        };
        // Nobody waits long for a server that is away where the policy names another one by now.
        while started.elapsed() < wait && !gate.crowdsec_is_another() {
            sleep_until((Instant::now() + CROWDSEC_LOOK_EVERY).min(started + wait)).await;
        }
    }
}

async fn settle(gate: Arc<Gate>) -> Failure {
    every(SETTLE_EVERY, gate, |gate| {
        gate.settle();
    })
    .await
}

/// Looks are taken on threads of their own, because they may take long; what they bring within one beat is put in force
/// together.
async fn follow_feeds(gate: Arc<Gate>) -> Failure {
    let (brought, mut arrivals) = mpsc::unbounded_channel();
    let mut beats = interval(FEEDS_EVERY);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beats.tick().await;
        let mut done = Vec::new();
        while let Ok(arrived) = arrivals.try_recv() {
            done.push(arrived);
        }
        let (taking, brought) = (Arc::clone(&gate), brought.clone());
        let beat = move || {
            if !done.is_empty() {
                taking.take_feeds(done);
            }
            for look in taking.due_feeds() {
                let (gate, brought) = (Arc::clone(&taking), brought.clone());
                // Not one of the runtime's: the daemon's end does not wait for a server.
                std::thread::spawn(move || drop(brought.send(gate.look_at_feed(look))));
            }
        };
        if let Err(error) = tokio::task::spawn_blocking(beat).await {
            return Failure::failed(format!("lists are no longer updated: {error}"));
        }
    }
}

async fn watch(gate: Arc<Gate>) -> Failure {
    let mut before = String::new();
    every(WATCH_EVERY, gate, move |gate| {
        gate.watch_interfaces();
        let now = summary(gate);
        if now != before {
            notify::status(&now);
            before = now;
        }
    })
    .await
}

async fn verify(gate: Arc<Gate>, period: Duration) -> Failure {
    // What was just written needs no look.
    sleep(period).await;
    every(period, gate, |gate| {
        // The gate itself says what went wrong, now and in its status.
        let _ = gate.verify(&Caller::daemon());
    })
    .await
}

async fn watch_databases(gate: Arc<Gate>) -> Failure {
    every(LOOK_EVERY, gate, Gate::watch_databases).await
}

/// Only while the gate answers.
async fn feed_watchdog(gate: Arc<Gate>, interval: Duration) -> Failure {
    every(interval, gate, |gate| {
        if gate.stats().is_ok() {
            notify::watchdog();
        }
    })
    .await
}

async fn every(period: Duration, gate: Arc<Gate>, work: impl FnMut(&Gate) + Send + 'static) -> Failure {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut work = Some(work);
    loop {
        ticks.tick().await;
        let Some(mut now) = work.take() else { return Failure::failed("a periodic task broke off") };
        let gate = Arc::clone(&gate);
        let done = tokio::task::spawn_blocking(move || {
            now(&gate);
            now
        });
        match done.await {
            Ok(back) => work = Some(back),
            Err(error) => return Failure::failed(format!("a periodic task broke off: {error}")),
        }
    }
}
