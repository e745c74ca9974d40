use std::collections::HashMap;
use std::sync::Arc;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;

use super::catalog::METRICS;
use super::families::{Snapshot, failed, families};
use crate::api::Failure;
use crate::daemon::Gate;

/// Reads the gate at each scrape: nothing is counted twice, nothing is kept.
pub(super) struct GateCollector {
    gate: Arc<Gate>,
    descriptions: Vec<Desc>,
}

impl GateCollector {
    pub(super) fn new(gate: Arc<Gate>) -> prometheus::Result<Self> {
        let describe = |metric: &super::Metric| {
            let labels = metric.labels.iter().map(|label| (*label).to_owned()).collect();
            Desc::new(metric.name.to_owned(), metric.help.to_owned(), labels, HashMap::new())
        };
        let descriptions = METRICS.iter().map(describe).collect::<prometheus::Result<_>>()?;
        Ok(Self { gate, descriptions })
    }

    fn snapshot(&self) -> Result<Snapshot, Failure> {
        Ok(Snapshot {
            status: self.gate.status()?,
            stats: self.gate.stats()?,
            lists: self.gate.lists()?.lists,
            feeds: self.gate.list_statuses().lists,
            geo: self.gate.geo()?,
        })
    }
}

impl Collector for GateCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        match self.snapshot() {
            Ok(snapshot) => families(&snapshot),
            Err(error) => {
                tracing::warn!(%error, "the counters could not be read for a scrape");
                failed()
            }
        }
    }
}
