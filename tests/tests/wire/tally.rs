//! All that was counted: reasons, what monitor mode let pass, every limit of every service, every list and every country.

use std::collections::BTreeMap;
use std::ops::Sub;

use anyhow::{Context, Result};
use serde_json::Value;
use xdpgate_tests::counters::Counters;

use crate::stage::{Stage, counted};

/// What one limit has counted, in packets: charged, dropped, monitored.
pub(crate) type Packets = (u64, u64, u64);

/// What was counted in one piece of time, and nothing that was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) counters: Counters,
    /// By reason.
    pub(crate) monitored: BTreeMap<String, u64>,
    /// By `service/plan/limit`.
    pub(crate) limits: BTreeMap<String, Packets>,
    /// Dropped and monitored, by list.
    pub(crate) lists: BTreeMap<String, (u64, u64)>,
    /// Likewise by country; `unknown`: of no known one.
    pub(crate) countries: BTreeMap<String, (u64, u64)>,
}

impl Tally {
    /// With exactly these packets.
    pub(crate) fn of(passed: &[(&str, u64)], dropped: &[(&str, u64)], limits: &[(&str, Packets)]) -> Self {
        let limits = limits.iter().map(|(name, packets)| ((*name).to_owned(), *packets)).collect();
        Self { counters: counted(passed, dropped), limits, ..Self::default() }
    }

    /// And these of a list: dropped and monitored.
    pub(crate) fn with_list(mut self, name: &str, packets: (u64, u64)) -> Self {
        self.lists.insert(name.to_owned(), packets);
        self
    }

    /// Likewise of a country.
    pub(crate) fn with_country(mut self, country: &str, packets: (u64, u64)) -> Self {
        self.countries.insert(country.to_owned(), packets);
        self
    }

    /// And these in monitor mode.
    pub(crate) fn with_monitored(mut self, reason: &str, packets: u64) -> Self {
        self.monitored.insert(reason.to_owned(), packets);
        self
    }

    /// All that is counted from before `work` until so many packets that it sent are counted.
    pub(crate) fn change(stage: &Stage, packets: u64, work: impl FnOnce() -> Result<()>) -> Result<Self> {
        let before = stage.json("stats --once")?;
        let counters = stage.change(packets, work)?;
        let after = stage.json("stats --once")?;
        let (limits, limits_before) = (limits(&after)?, limits(&before)?);
        Ok(Self {
            counters,
            monitored: difference(&monitored(&after)?, &monitored(&before)?, u64::sub),
            limits: difference(&limits, &limits_before, |now, then| {
                (now.0 - then.0, now.1 - then.1, now.2 - then.2)
            }),
            lists: difference(&sources(&after, "lists", "name")?, &sources(&before, "lists", "name")?, less),
            countries: difference(
                &sources(&after, "countries", "country")?,
                &sources(&before, "countries", "country")?,
                less,
            ),
        })
    }
}

/// Of each limit, by `service/plan/limit`.
pub(crate) fn limits(stats: &Value) -> Result<BTreeMap<String, Packets>> {
    let rows = stats["limits"].as_array().context("no limits")?;
    let row = |row: &Value| {
        let name = |key: &str| row[key].as_str().unwrap_or("-").to_owned();
        let packets =
            |key: &str| row[key]["packets"].as_u64().with_context(|| format!("no {key} packets in {row}"));
        let name = [name("service"), name("plan"), name("limit")].join("/");
        Ok((name, (packets("charged")?, packets("dropped")?, packets("monitored")?)))
    };
    rows.iter().map(row).collect()
}

/// Dropped and monitored of each row, by what `named` says of it.
fn sources(stats: &Value, rows: &str, named: &str) -> Result<BTreeMap<String, (u64, u64)>> {
    let rows = stats[rows].as_array().with_context(|| format!("no {rows}"))?;
    let row = |row: &Value| {
        let packets =
            |key: &str| row[key]["packets"].as_u64().with_context(|| format!("no {key} packets in {row}"));
        let name = row[named].as_str().unwrap_or("unknown").to_owned();
        Ok((name, (packets("dropped")?, packets("monitored")?)))
    };
    rows.iter().map(row).collect()
}

const fn less(now: (u64, u64), then: (u64, u64)) -> (u64, u64) {
    (now.0 - then.0, now.1 - then.1)
}

fn monitored(stats: &Value) -> Result<BTreeMap<String, u64>> {
    let reasons = stats["interfaces"][0]["monitored"].as_object().context("no interface")?;
    let packets = |(reason, count): (&String, &Value)| {
        Ok((reason.clone(), count["packets"].as_u64().context("no packets")?))
    };
    reasons.iter().map(packets).collect()
}

fn difference<T: Copy + Default + PartialEq>(
    now: &BTreeMap<String, T>,
    before: &BTreeMap<String, T>,
    less: impl Fn(T, T) -> T,
) -> BTreeMap<String, T> {
    let since = |(name, count): (&String, &T)| {
        (name.clone(), less(*count, before.get(name).copied().unwrap_or_default()))
    };
    now.iter().map(since).filter(|(_, count)| *count != T::default()).collect()
}
