//! What came of it, and the object that `--json` prints.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;
use xdpgate_tests::account::Balance;
use xdpgate_tests::http::ClientReport;
use xdpgate_tests::senders::Sending;

use crate::verdict::Check;

/// One moment of the run.
#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) elapsed: Duration,
    pub(crate) balance: Balance,
    /// Since the moment before, for rates.
    pub(crate) step: (Duration, Balance),
    pub(crate) requests: u64,
    pub(crate) failed: u64,
}

/// A sender of datagrams, and what arrived of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivery {
    pub(crate) source: IpAddr,
    pub(crate) sending: Sending,
    pub(crate) arrived: u64,
}

/// A host that tried to connect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Knocking {
    pub(crate) source: IpAddr,
    pub(crate) tried: u64,
    /// As the host outside says and as the server says: both must say none.
    pub(crate) connected: u64,
}

/// The end of the run.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) end: Progress,
    pub(crate) clients: Vec<ClientReport>,
    pub(crate) loud: Vec<Delivery>,
    pub(crate) blocklisted: Vec<Delivery>,
    pub(crate) denied: Vec<Knocking>,
    pub(crate) checks: Vec<Check>,
}

impl Outcome {
    pub(crate) fn summary(&self) -> Summary<'_> {
        let Progress { elapsed, balance, requests, failed, .. } = &self.end;
        Summary {
            sent: balance.sent,
            lost: balance.lost,
            seen: balance.counters.seen,
            passed: &balance.counters.passed,
            dropped: &balance.counters.dropped,
            http: Http { requests: *requests, failed: *failed },
            seconds: elapsed.as_secs_f64(),
            flooded: balance.flooded,
            checks: &self.checks,
        }
    }
}

/// The shape of `--json`. Keys are only ever added, at the end.
#[derive(Debug, Serialize)]
pub(crate) struct Summary<'a> {
    sent: u64,
    lost: u64,
    seen: u64,
    passed: &'a BTreeMap<String, u64>,
    dropped: &'a BTreeMap<String, u64>,
    http: Http,
    seconds: f64,
    flooded: u64,
    checks: &'a [Check],
}

#[derive(Debug, Serialize)]
struct Http {
    requests: u64,
    failed: u64,
}
