//! What a bouncer tells CrowdSec of itself, from version 1.6.3 on.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::book::Counts;

/// What the data path has counted until some moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Packets that it looked at.
    pub processed: u64,
    /// Packets that it dropped because of a ban, whoever asked for it: bans have no counters of their own.
    pub dropped: u64,
    /// The bytes of those.
    pub dropped_bytes: u64,
}

/// Remembers what was told, so that only what came since is told the next time.
#[derive(Clone, Debug)]
pub struct Usage {
    started: Timestamp,
    told: (Timestamp, Seen),
}

impl Usage {
    /// Nothing was told yet.
    #[must_use]
    pub const fn since(started: Timestamp, seen: Seen) -> Self {
        Self { started, told: (started, seen) }
    }

    /// What is to be told now, in the shape of the API. `now` and `seen` are of one moment.
    #[must_use]
    pub fn report(&self, decisions: &Counts, seen: Seen, now: Timestamp) -> impl Serialize + use<> {
        let (before, told) = self.told;
        let since = |now: u64, before: u64| now.saturating_sub(before);
        let mut items: Vec<Value> = decisions.iter().map(active).collect();
        let labels = BTreeMap::new();
        items.push(item("processed", since(seen.processed, told.processed), "packet", &labels));
        let labels = BTreeMap::from([("remediation", "ban")]);
        items.push(item("dropped", since(seen.dropped, told.dropped), "packet", &labels));
        items.push(item("dropped", since(seen.dropped_bytes, told.dropped_bytes), "byte", &labels));
        let window = now.duration_since(before).as_secs().max(0);
        json!({
            "remediation_components": [{
                "type": "xdpgate",
                "version": env!("CARGO_PKG_VERSION"),
                "feature_flags": [],
                "utc_startup_timestamp": self.started.as_second(),
                "metrics": [{
                    "meta": { "window_size_seconds": window, "utc_now_timestamp": now.as_second() },
                    "items": items,
                }],
            }],
        })
    }

    /// When something was told the last time, or would have been.
    #[must_use]
    pub const fn last(&self) -> Timestamp {
        self.told.0
    }

    /// The server has taken it.
    pub const fn told(&mut self, seen: Seen, now: Timestamp) {
        self.told = (now, seen);
    }
}

fn active(((origin, family), count): (&(String, &'static str), &u64)) -> Value {
    item(
        "active_decisions",
        *count,
        "ip",
        &BTreeMap::from([("origin", origin.as_str()), ("ip_type", *family)]),
    )
}

fn item(name: &str, value: u64, unit: &str, labels: &BTreeMap<&str, &str>) -> Value {
    json!({ "name": name, "value": value, "unit": unit, "labels": labels })
}
