//! What the daemon knows, in the shapes of Prometheus.

use jiff::Timestamp;
use prometheus::proto;

use super::catalog::{self, Kind, Metric};
use crate::api::types::{
    ChecksStatus, Count, CountryStats, CrowdsecStatus, Geo, InterfaceStats, LimitStats, ListInfo, ListStatus,
    Stats, Status, XdpMode,
};
use crate::config::{Mode, Name};

/// What one scrape reads.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) status: Status,
    pub(super) stats: Stats,
    pub(super) lists: Vec<ListInfo>,
    pub(super) feeds: Vec<ListStatus>,
    pub(super) geo: Geo,
}

/// The families of one scrape.
pub(super) fn families(snapshot: &Snapshot) -> Vec<proto::MetricFamily> {
    let Snapshot { status, stats, lists, feeds, geo } = snapshot;
    let mut families = Families::default();
    families.add(catalog::SCRAPE_SUCCESSFUL, &[], 1.0);
    families.add(catalog::BUILD_INFO, &[&status.version], 1.0);
    families.add(catalog::START_TIME, &[], seconds(status.started));
    for interface in &stats.interfaces {
        families.interface(interface);
    }
    for list in lists {
        families.list(list);
    }
    for status in feeds {
        families.feed(status);
    }
    for limit in &stats.limits {
        families.limit(limit);
    }
    for interface in &status.interfaces {
        let name = interface.name.as_str();
        families.add(catalog::ENFORCING, &[name], truth(interface.enforcing));
        for mode in [XdpMode::Native, XdpMode::Generic, XdpMode::None] {
            families.add(catalog::XDP_MODE, &[name, mode.as_str()], truth(interface.mode == mode));
        }
    }
    for table in &status.tables {
        families.add(catalog::TABLE_ENTRIES, &[&table.name], number(table.used));
        families.add(catalog::TABLE_CAPACITY, &[&table.name], number(table.capacity));
    }
    families.add(catalog::BANS, &[], number(stats.bans));
    if let Some(crowdsec) = &status.crowdsec {
        families.crowdsec(crowdsec);
    }
    families.add(catalog::ALLOW_ENTRIES, &[], number(status.allow));
    families.add(catalog::PAUSED, &[], truth(stats.paused));
    let pending = status.policy.pending.as_ref().map_or(0, |pending| pending.seconds_left);
    families.add(catalog::CONFIRM_PENDING, &[], number(pending));
    families.add(catalog::POLICY_DIFFERS, &[], truth(status.policy.differs_from_file));
    families.add(catalog::AUDIT_FAILURES, &[], number(status.audit_failures));
    families.add(catalog::GENERATION, &[], number(stats.generation));
    families.add(catalog::POLICY_PREFIXES, &["ipv4"], number(status.policy.sizes.ipv4_prefixes));
    families.add(catalog::POLICY_PREFIXES, &["ipv6"], number(status.policy.sizes.ipv6_prefixes));
    families.add(catalog::RELOAD_SUCCESSFUL, &[], truth(status.policy.last_reload.successful));
    families.add(catalog::RELOAD_SUCCESS_TIME, &[], seconds(status.policy.loaded));
    for country in &stats.countries {
        families.country(country);
    }
    if let Some(info) = &geo.database {
        families.database("geo", &info.name, info.built, info.loaded, info.ranges);
    }
    if let Some(info) = &geo.asn_database {
        families.database("asn", &info.name, info.built, info.loaded, info.ranges);
    }
    families.checks(&status.checks);
    families.add(catalog::EVENTS_WRITTEN, &[], number(stats.events.written));
    families.add(catalog::EVENTS_SKIPPED, &[], number(stats.events.skipped));
    families.add(catalog::EVENTS_LOST, &[], number(stats.events.lost));
    families.done
}

/// The one family of a scrape that could not read the kernel.
pub(super) fn failed() -> Vec<proto::MetricFamily> {
    let mut families = Families::default();
    families.add(catalog::SCRAPE_SUCCESSFUL, &[], 0.0);
    families.done
}

#[derive(Default)]
struct Families {
    done: Vec<proto::MetricFamily>,
}

impl Families {
    fn interface(&mut self, interface: &InterfaceStats) {
        let name = interface.name.as_str();
        self.count(catalog::PACKETS_SEEN, catalog::BYTES_SEEN, &[name], interface.seen);
        for (reason, count) in &interface.passed {
            self.count(catalog::PACKETS, catalog::BYTES, &[name, reason, "pass"], *count);
        }
        for (reason, count) in &interface.dropped {
            self.count(catalog::PACKETS, catalog::BYTES, &[name, reason, "drop"], *count);
        }
        for (reason, count) in &interface.monitored {
            self.count(catalog::MONITORED_PACKETS, catalog::MONITORED_BYTES, &[name, reason], *count);
        }
    }

    fn list(&mut self, list: &ListInfo) {
        let name = list.name.as_str();
        let (enforced, monitored) = (Mode::Enforce.as_str(), Mode::Monitor.as_str());
        self.count(catalog::LIST_PACKETS, catalog::LIST_BYTES, &[name, enforced], list.dropped);
        self.count(catalog::LIST_PACKETS, catalog::LIST_BYTES, &[name, monitored], list.monitored);
        self.add(catalog::LIST_ENTRIES, &[name], number(list.entries));
        self.add(catalog::LIST_SKIPPED, &[name], number(list.skipped));
        self.add(catalog::LIST_LOADED, &[name], seconds(list.loaded));
    }

    fn feed(&mut self, status: &ListStatus) {
        let name = status.name.as_str();
        self.add(catalog::LIST_SIZE, &[name], number(status.bytes));
        self.add(catalog::LIST_LEFT_OUT, &[name], number(status.left_out));
        self.add(catalog::LIST_FAILURES, &[name], number(status.failures.into()));
        if let Some(attempt) = status.last_attempt {
            self.add(catalog::LIST_ATTEMPT, &[name], seconds(attempt));
        }
        if let Some(success) = status.last_success {
            self.add(catalog::LIST_SUCCESS, &[name], seconds(success));
        }
        let updates = &status.updates;
        let results =
            [("changed", updates.changed), ("unchanged", updates.unchanged), ("failed", updates.failed)];
        for (result, count) in results {
            self.add(catalog::LIST_UPDATES, &[name, result], number(count));
        }
        for (kind, count) in &updates.errors {
            self.add(catalog::LIST_ERRORS, &[name, kind], number(*count));
        }
        self.add(catalog::LIST_UPDATE_SECONDS, &[name], number(updates.milliseconds) / 1000.0);
    }

    fn crowdsec(&mut self, crowdsec: &CrowdsecStatus) {
        for of in &crowdsec.decisions {
            self.add(catalog::CROWDSEC_DECISIONS, &[&of.origin], number(of.decisions));
        }
        self.add(catalog::CROWDSEC_REACHABLE, &[], truth(crowdsec.reachable));
        if let Some(answer) = crowdsec.last_answer {
            self.add(catalog::CROWDSEC_ANSWERED, &[], seconds(answer));
        }
        self.add(catalog::CROWDSEC_ERRORS, &[], number(crowdsec.errors));
    }

    fn limit(&mut self, limit: &LimitStats) {
        let plan = limit.of.plan.as_ref().map_or("", Name::as_str);
        let (service, name) = (limit.of.service.as_str(), limit.of.limit.as_str());
        let counts = [("charged", limit.charged), ("dropped", limit.dropped), ("monitored", limit.monitored)];
        for (verdict, count) in counts {
            self.count(catalog::LIMIT_PACKETS, catalog::LIMIT_BYTES, &[service, plan, name, verdict], count);
        }
    }

    fn checks(&mut self, checks: &ChecksStatus) {
        if let Some(last) = &checks.last {
            for drift in &last.tables {
                self.add(catalog::DRIFT_ENTRIES, &[&drift.table], number(drift.entries));
            }
            self.add(catalog::CHECK_TIME, &[], seconds(last.time));
        }
        self.add(catalog::DRIFT_MENDED, &[], number(checks.mended));
        self.add(catalog::CHECK_SUCCESSFUL, &[], truth(checks.failed.is_none()));
    }

    fn country(&mut self, counted: &CountryStats) {
        let country = counted.country.map_or_else(|| "unknown".to_owned(), |country| country.to_string());
        self.count(
            catalog::COUNTRY_DROPPED_PACKETS,
            catalog::COUNTRY_DROPPED_BYTES,
            &[&country],
            counted.dropped,
        );
        self.count(
            catalog::COUNTRY_MONITORED_PACKETS,
            catalog::COUNTRY_MONITORED_BYTES,
            &[&country],
            counted.monitored,
        );
    }

    fn database(&mut self, kind: &str, name: &str, built: Option<Timestamp>, loaded: Timestamp, ranges: u64) {
        self.add(catalog::GEO_INFO, &[kind, name], 1.0);
        if let Some(built) = built {
            self.add(catalog::GEO_BUILT, &[kind], seconds(built));
        }
        self.add(catalog::GEO_LOADED, &[kind], seconds(loaded));
        self.add(catalog::GEO_RANGES, &[kind], number(ranges));
    }

    fn count(&mut self, packets: Metric, bytes: Metric, labels: &[&str], count: Count) {
        self.add(packets, labels, number(count.packets));
        self.add(bytes, labels, number(count.bytes));
    }

    fn add(&mut self, metric: Metric, labels: &[&str], value: f64) {
        let mut sample = proto::Metric::from_label(metric.labels.iter().zip(labels).map(pair).collect());
        match metric.kind {
            Kind::Counter => {
                let mut counter = proto::Counter::default();
                counter.set_value(value);
                sample.set_counter(counter);
            }
            Kind::Gauge => {
                let mut gauge = proto::Gauge::default();
                gauge.set_value(value);
                sample.set_gauge(gauge);
            }
        }
        if let Some(family) = self.done.iter_mut().find(|family| family.name() == metric.name) {
            family.mut_metric().push(sample);
            return;
        }
        let mut family = proto::MetricFamily::default();
        family.set_name(metric.name.to_owned());
        family.set_help(metric.help.to_owned());
        family.set_field_type(match metric.kind {
            Kind::Counter => proto::MetricType::COUNTER,
            Kind::Gauge => proto::MetricType::GAUGE,
        });
        family.set_metric(vec![sample]);
        self.done.push(family);
    }
}

fn pair((name, value): (&&str, &&str)) -> proto::LabelPair {
    let mut pair = proto::LabelPair::default();
    pair.set_name((*name).to_owned());
    pair.set_value((*value).to_owned());
    pair
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus has no other numbers; exact up to 2^53")]
const fn number(value: u64) -> f64 {
    value as f64
}

const fn truth(value: bool) -> f64 {
    if value { 1.0 } else { 0.0 }
}

fn seconds(time: Timestamp) -> f64 {
    time.as_duration().as_secs_f64()
}
