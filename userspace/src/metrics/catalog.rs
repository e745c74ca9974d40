//! Every metric: one table that the collector and the reference share.

use std::fmt::Write;

/// What kind of number it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only rises; goes on over restarts of the daemon, because it lives in the kernel.
    Counter,
    /// Rises and falls.
    Gauge,
}

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What kind of number it is.
    pub kind: Kind,
    /// Its labels, in order.
    pub labels: &'static [&'static str],
    /// What it tells.
    pub help: &'static str,
}

/// Declares the metrics, and the table of all of them.
macro_rules! metrics {
    ($($constant:ident = $name:literal, $kind:ident, [$($label:literal),*], $help:literal;)+) => {
        $(
            #[doc = concat!("`", $name, "`")]
            pub(super) const $constant: Metric =
                Metric { name: $name, kind: Kind::$kind, labels: &[$($label),*], help: $help };
        )+

        /// Every metric, in the order of the reference.
        pub const METRICS: &[Metric] = &[$($constant,)+];
    };
}

metrics! {
    PACKETS_SEEN = "xdpgate_packets_seen_total", Counter, ["interface"],
        "Packets counted at entry. Equals the sum of xdpgate_packets_total over reasons.";
    BYTES_SEEN = "xdpgate_bytes_seen_total", Counter, ["interface"],
        "Bytes of frames counted at entry, without preamble and checksum.";
    PACKETS = "xdpgate_packets_total", Counter, ["interface", "reason", "action"],
        "Packets by the reason with which they left. Each packet has exactly one.";
    BYTES = "xdpgate_bytes_total", Counter, ["interface", "reason", "action"],
        "Bytes of frames by the reason with which they left.";
    MONITORED_PACKETS = "xdpgate_monitored_packets_total", Counter, ["interface", "reason"],
        "Packets that a rule in monitor mode would have dropped. They are also in xdpgate_packets_total.";
    MONITORED_BYTES = "xdpgate_monitored_bytes_total", Counter, ["interface", "reason"],
        "Bytes of frames that a rule in monitor mode would have dropped.";
    LIST_PACKETS = "xdpgate_list_packets_total", Counter, ["list", "mode"],
        "Packets dropped because of a list (mode enforce), or that it would have dropped (mode monitor). Starts from \
         zero when a list is removed or an earlier one is.";
    LIST_BYTES = "xdpgate_list_bytes_total", Counter, ["list", "mode"],
        "Bytes of frames, likewise.";
    LIST_ENTRIES = "xdpgate_list_entries", Gauge, ["list"],
        "Entries of a list.";
    LIST_SKIPPED = "xdpgate_list_skipped_lines", Gauge, ["list"],
        "Lines of a list that were left out because they are no entries.";
    LIST_LOADED = "xdpgate_list_loaded_timestamp_seconds", Gauge, ["list"],
        "When a list was read, or fetched.";
    LIST_SIZE = "xdpgate_list_size_bytes", Gauge, ["list"],
        "The size of a list's text, unpacked.";
    LIST_LEFT_OUT = "xdpgate_list_left_out_entries", Gauge, ["list"],
        "Entries of a list that were left out because they are dangerous, as its key `dangerous` says.";
    LIST_ATTEMPT = "xdpgate_list_last_attempt_timestamp_seconds", Gauge, ["list"],
        "When the source of a list was last looked at. Absent where it has none, or was never looked at.";
    LIST_SUCCESS = "xdpgate_list_last_success_timestamp_seconds", Gauge, ["list"],
        "When what is in force of a list was last known to be the newest. Absent where that never was.";
    LIST_FAILURES = "xdpgate_list_failures", Gauge, ["list"],
        "How often in a row the source of a list was looked at without success. At 0 what is in force is the newest.";
    LIST_UPDATES = "xdpgate_list_updates_total", Counter, ["list", "result"],
        "Looks at the source of a list since the daemon started: something new was put in force (changed), there was nothing \
         new (unchanged), or there was no success (failed).";
    LIST_ERRORS = "xdpgate_list_errors_total", Counter, ["list", "kind"],
        "Looks without success since the daemon started, by what was wrong. Of the server: name, connect, tls, timeout, status, \
         redirect, too-large, broken. Of what came: no-list, blank, dangerous, size, lock-out, policy. Of this host: unreadable, \
         header-file, disk.";
    LIST_UPDATE_SECONDS = "xdpgate_list_update_seconds_total", Counter, ["list"],
        "How long all looks at the source of a list took together, since the daemon started.";
    LIMIT_PACKETS = "xdpgate_limit_packets_total", Counter, ["service", "plan", "limit", "verdict"],
        "Packets that a limit of a service has charged, dropped, or would have dropped (verdict monitored). The plan is empty \
         for sources of no plan that the service names.";
    LIMIT_BYTES = "xdpgate_limit_bytes_total", Counter, ["service", "plan", "limit", "verdict"],
        "Bytes of frames, likewise.";
    BANS = "xdpgate_bans", Gauge, [],
        "Bans in force.";
    CROWDSEC_DECISIONS = "xdpgate_crowdsec_decisions", Gauge, ["origin"],
        "Decisions of the CrowdSec local API to ban addresses and ranges that hold, by who decided. Absent without [crowdsec].";
    CROWDSEC_REACHABLE = "xdpgate_crowdsec_reachable", Gauge, [],
        "1 if the CrowdSec local API answered the last question. At 0 what it decided before goes on to hold.";
    CROWDSEC_ANSWERED = "xdpgate_crowdsec_last_poll_timestamp_seconds", Gauge, [],
        "When the CrowdSec local API last answered.";
    CROWDSEC_ERRORS = "xdpgate_crowdsec_errors_total", Counter, [],
        "Questions that the CrowdSec local API did not answer. Starts from zero with the daemon.";
    ALLOW_ENTRIES = "xdpgate_allow_entries", Gauge, [],
        "Entries of the allowlist.";
    TABLE_ENTRIES = "xdpgate_table_entries", Gauge, ["table"],
        "Entries in a table of the kernel.";
    TABLE_CAPACITY = "xdpgate_table_capacity", Gauge, ["table"],
        "Entries that fit into a table of the kernel.";
    XDP_MODE = "xdpgate_xdp_mode", Gauge, ["interface", "mode"],
        "1 for how the program is attached: native (in the driver), generic (slower) or none.";
    ENFORCING = "xdpgate_enforcing", Gauge, ["interface"],
        "1 while the kernel runs the program on the interface.";
    PAUSED = "xdpgate_paused", Gauge, [],
        "1 while an operator's pause lets everything pass.";
    CONFIRM_PENDING = "xdpgate_confirm_pending", Gauge, [],
        "Seconds until the policy before comes back, unless `xdpgate confirm` comes first. 0 when nothing waits for that.";
    POLICY_DIFFERS = "xdpgate_policy_differs_from_file", Gauge, [],
        "1 while something else than the policy file is in force: another file was applied, or an operator went back.";
    AUDIT_FAILURES = "xdpgate_audit_write_failures_total", Counter, [],
        "Lines that could not be written to the audit log. The changes themselves were made.";
    GENERATION = "xdpgate_generation", Gauge, [],
        "The number of the live policy. It rises by one with each change.";
    POLICY_PREFIXES = "xdpgate_policy_prefixes", Gauge, ["family"],
        "Prefixes that the live policy takes in the kernel's tables.";
    RELOAD_SUCCESSFUL = "xdpgate_config_last_reload_successful", Gauge, [],
        "1 if the last attempt to read the policy took effect. At 0 the policy before it is in force.";
    RELOAD_SUCCESS_TIME = "xdpgate_config_last_reload_success_timestamp_seconds", Gauge, [],
        "When the policy in force was read.";
    COUNTRY_DROPPED_PACKETS = "xdpgate_country_dropped_packets_total", Counter, ["country"],
        "Packets that country rules dropped, by the country of the source; unknown: of no known one. Countries without any are \
         left out.";
    COUNTRY_DROPPED_BYTES = "xdpgate_country_dropped_bytes_total", Counter, ["country"],
        "Bytes of frames, likewise.";
    COUNTRY_MONITORED_PACKETS = "xdpgate_country_monitored_packets_total", Counter, ["country"],
        "Packets that country rules in monitor mode would have dropped, likewise.";
    COUNTRY_MONITORED_BYTES = "xdpgate_country_monitored_bytes_total", Counter, ["country"],
        "Bytes of frames, likewise.";
    GEO_INFO = "xdpgate_geo_database_info", Gauge, ["database", "name"],
        "1 for a database in use: geo (countries) or asn (autonomous systems), and what it calls itself.";
    GEO_BUILT = "xdpgate_geo_database_build_timestamp_seconds", Gauge, ["database"],
        "When the database was built. Absent where it does not say.";
    GEO_LOADED = "xdpgate_geo_database_loaded_timestamp_seconds", Gauge, ["database"],
        "When the file of the database was read.";
    GEO_RANGES = "xdpgate_geo_database_ranges", Gauge, ["database"],
        "Ranges of addresses in the database.";
    EVENTS_WRITTEN = "xdpgate_events_written_total", Counter, [],
        "Sampled events handed to the daemon.";
    EVENTS_SKIPPED = "xdpgate_events_skipped_total", Counter, [],
        "Events left out because the budget was used up.";
    EVENTS_LOST = "xdpgate_events_lost_total", Counter, [],
        "Events left out because the daemon did not read fast enough.";
    DRIFT_ENTRIES = "xdpgate_drift_entries", Gauge, ["table"],
        "Entries of the kernel's tables that did not hold what the policy, the lists and the bans say when they were last \
         compared. They were mended then.";
    DRIFT_MENDED = "xdpgate_drift_mended_entries_total", Counter, [],
        "Entries that were mended since the daemon started.";
    CHECK_TIME = "xdpgate_check_timestamp_seconds", Gauge, [],
        "When the kernel's tables were last compared, all of them. Absent before the first time.";
    CHECK_SUCCESSFUL = "xdpgate_check_successful", Gauge, [],
        "0 while the kernel's tables can't be compared with what they should hold.";
    SCRAPE_SUCCESSFUL = "xdpgate_scrape_successful", Gauge, [],
        "1 if the kernel's tables could be read for this scrape. At 0 most other metrics are absent.";
    BUILD_INFO = "xdpgate_build_info", Gauge, ["version"],
        "1, with the version of the daemon.";
    START_TIME = "xdpgate_start_time_seconds", Gauge, [],
        "When the daemon started.";
}

/// The reference, as docs/metrics.md holds it.
#[must_use]
pub fn reference() -> String {
    let mut text = String::from(INTRODUCTION);
    for metric in METRICS {
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        let labels: Vec<_> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        row(&mut text, &[&format!("`{}`", metric.name), kind, &labels.join(", "), metric.help]);
    }
    text.push_str(REASONS);
    text
}

fn row(text: &mut String, cells: &[&str]) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

const INTRODUCTION: &str = "\
# Metrics

Generated from the table in `userspace/src/metrics/catalog.rs`; `XDPGATE_BLESS=1 cargo test -p xdpgate metrics` rewrites it.

The daemon serves them at `/metrics` of the address in `daemon.metrics`, with `/-/healthy` (the daemon answers) and
`/-/ready` (every interface enforces a live policy; 503 and the reason otherwise). Counters live in the kernel: they are
read at each scrape, and go on over a restart of the daemon. No label ever holds a client's address.

| name | kind | labels | tells |
|---|---|---|---|
";

const REASONS: &str = "
The values of the label `reason` are in [reasons.md](reasons.md). Every packet leaves with exactly one, so that this is
always zero, up to the packets that are counted while the tables are read:

```
xdpgate_packets_seen_total - sum without (reason, action) (xdpgate_packets_total)
```
";
