//! What Prometheus reads.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use xdpgate_tests::counters::Counters;
use xdpgate_tests::kernel_or_skip;
use xdpgate_tests::veth::GUARDED;

use crate::stage::{BURST, Stage, hosts};

const PATIENCE: Duration = Duration::from_secs(10);

/// Where a daemon serves its metrics, inside its namespace.
pub(crate) struct Endpoint(SocketAddr);

impl Default for Endpoint {
    fn default() -> Self {
        Self((Ipv4Addr::LOCALHOST, 9919).into())
    }
}

/// An answer over HTTP.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Endpoint {
    pub(crate) fn address(&self) -> String {
        self.0.to_string()
    }

    pub(crate) fn get(&self, stage: &Stage, path: &str) -> Result<Answer> {
        let text = stage.wire.guarded.within(|| {
            let mut stream = TcpStream::connect(self.0)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            write!(stream, "GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.0)?;
            let mut text = String::new();
            stream.read_to_string(&mut text)?;
            Ok(text)
        })?;
        let (head, body) = text.split_once("\r\n\r\n").context("no HTTP answer")?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Ok(Answer { status: status.context("no HTTP status")?, body: body.to_owned() })
    }

    pub(crate) fn metrics(&self, stage: &Stage) -> Result<Page> {
        let answer = self.get(stage, "/metrics")?;
        ensure!(answer.status == 200, "{answer:?}");
        Page::parse(&answer.body)
    }
}

/// One scrape.
#[derive(Clone, Debug)]
pub(crate) struct Page(Vec<Sample>);

#[derive(Clone, Debug)]
struct Sample {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
}

impl Page {
    /// Reads the text format; every family must have its HELP and TYPE before its samples.
    fn parse(text: &str) -> Result<Self> {
        let (mut helped, mut typed) = (String::new(), String::new());
        let mut samples = Vec::new();
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                help.split(' ').next().unwrap_or_default().clone_into(&mut helped);
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').with_context(|| format!("bad line: {line}"))?;
                ensure!(matches!(kind, "counter" | "gauge"), "bad type: {line}");
                name.clone_into(&mut typed);
            } else {
                let sample = Sample::parse(line).with_context(|| format!("bad line: {line}"))?;
                ensure!(sample.name == helped && sample.name == typed, "no HELP or TYPE before: {line}");
                samples.push(sample);
            }
        }
        Ok(Self(samples))
    }

    /// The one sample with these labels.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Result<f64> {
        let matches = |sample: &&Sample| {
            sample.name == name && labels.iter().all(|(key, value)| sample.label(key) == Some(value))
        };
        let found: Vec<_> = self.0.iter().filter(matches).collect();
        ensure!(found.len() == 1, "{} samples of {name} with {labels:?}", found.len());
        Ok(found[0].value)
    }

    /// The sum of all samples of this name.
    fn sum(&self, name: &str) -> f64 {
        self.0.iter().filter(|sample| sample.name == name).map(|sample| sample.value).sum()
    }
}

impl Sample {
    fn parse(line: &str) -> Option<Self> {
        let (series, value) = line.rsplit_once(' ')?;
        let (name, labels) = series.split_once('{').map_or((series, ""), |(name, rest)| (name, rest));
        let labels = labels.strip_suffix('}').unwrap_or(labels);
        let pairs = labels.split(',').filter(|pair| !pair.is_empty()).map(|pair| {
            let (key, value) = pair.split_once('=')?;
            Some((key.to_owned(), value.strip_prefix('"')?.strip_suffix('"')?.to_owned()))
        });
        Some(Self {
            name: name.to_owned(),
            labels: pairs.collect::<Option<_>>()?,
            value: value.parse().ok()?,
        })
    }

    fn label(&self, key: &str) -> Option<&str> {
        self.labels.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

#[test]
#[expect(clippy::float_cmp, reason = "counters are whole numbers, and small")]
fn a_scrape_adds_up_and_names_nobody() -> Result<()> {
    if !kernel_or_skip("a_scrape_adds_up_and_names_nobody") {
        return Ok(());
    }
    let endpoint = Endpoint::default();
    let [[banned, banned6], [listed, listed6], [clean, _]] = [1, 2, 3].map(hosts);
    let mut stage = Stage::prepare()?;
    stage.write("bad.txt", format!("{listed}\n{listed6}\nnonsense\n"))?;
    let file = stage.write_policy("[[list]]\nname = \"bad\"\npath = \"bad.txt\"\nskip_bad = true\n")?;
    let file = file.display().to_string();
    stage.daemon.start_with(&[
        "--config",
        &file,
        "--interface",
        GUARDED,
        "--metrics",
        &endpoint.address(),
    ])?;
    stage.cli(&format!("ban add {banned} {banned6}"))?;
    for source in [banned, banned6] {
        stage.assert_dropped(source, "banned")?;
    }
    for source in [listed, listed6] {
        stage.assert_dropped(source, "blocklisted")?;
    }
    stage.assert_passed(clean, "default-pass")?;

    let page = endpoint.metrics(&stage)?;
    assert_eq!(page.sum("xdpgate_packets_total"), page.sum("xdpgate_packets_seen_total"));
    assert_eq!(page.sum("xdpgate_bytes_total"), page.sum("xdpgate_bytes_seen_total"));
    let by_reason =
        |reason| page.value("xdpgate_packets_total", &[("interface", GUARDED), ("reason", reason)]);
    let counters = Counters::read(&stage.daemon, GUARDED)?;
    for (reason, count) in counters.passed.iter().chain(&counters.dropped) {
        assert_eq!(by_reason(reason)?, f64::from(u32::try_from(*count)?), "{reason}");
    }
    assert_eq!(by_reason("banned")?, f64::from(u32::try_from(2 * BURST)?));
    let list = [("list", "bad"), ("mode", "enforce")];
    assert_eq!(page.value("xdpgate_list_packets_total", &list)?, f64::from(u32::try_from(2 * BURST)?));
    for (name, labels, value) in [
        ("xdpgate_bans", &[][..], 2.0),
        ("xdpgate_list_entries", &[("list", "bad")], 2.0),
        ("xdpgate_list_skipped_lines", &[("list", "bad")], 1.0),
        ("xdpgate_enforcing", &[("interface", GUARDED)], 1.0),
        ("xdpgate_paused", &[], 0.0),
        ("xdpgate_scrape_successful", &[], 1.0),
        ("xdpgate_table_entries", &[("table", "bans-ipv4")], 1.0),
    ] {
        assert_eq!(page.value(name, labels)?, value, "{name}");
    }
    let addresses = ["198.51.100.", "2001:db8"];
    for (_, value) in page.0.iter().flat_map(|sample| &sample.labels) {
        assert!(addresses.iter().all(|address| !value.contains(address)), "an address in a label: {value}");
    }

    let healthy = endpoint.get(&stage, "/-/healthy")?;
    assert_eq!((healthy.status, healthy.body.as_str()), (200, "healthy\n"));
    assert_eq!(endpoint.get(&stage, "/-/ready")?.status, 200);
    stage.cli("detach")?;
    let ready = endpoint.get(&stage, "/-/ready")?;
    assert_eq!(ready.status, 503, "{ready:?}");
    assert!(ready.body.contains(GUARDED), "{ready:?}");
    stage.cli("reload")?;
    assert_eq!(endpoint.get(&stage, "/-/ready")?.status, 200);
    Ok(())
}

#[test]
fn an_address_in_use_is_named() -> Result<()> {
    if !kernel_or_skip("an_address_in_use_is_named") {
        return Ok(());
    }
    let stage = Stage::prepare()?;
    let endpoint = Endpoint::default();
    let _taken = stage.wire.guarded.within(|| Ok(TcpListener::bind(endpoint.0)?))?;
    let refused =
        stage.daemon.refused_start(&[], &["--interface", GUARDED, "--metrics", &endpoint.address()])?;
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.message.contains(&endpoint.address()), "{refused:?}");
    Ok(())
}
