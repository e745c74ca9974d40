//! Bans: one through the socket while a million others are there, and a million in one request.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use xdpgate_tests::namespace::Namespace;

use crate::effort::Effort;
use crate::house::House;
use crate::peers::{ipset_file, nft_file};
use crate::prefixes;
use crate::rounds::quantile;
use crate::row::{Better, Measured};

/// Bans that are there.
const ENTRIES: usize = 1_000_000;
/// Room for twice as many.
const ROOM: u32 = 1 << 21;
/// Processes of a peer that add one element each.
const PROCESSES: usize = 200;

/// Both rows share the daemon: the request with a million bans makes the entries.
pub(crate) fn measure(effort: &Effort) -> Result<Vec<Measured>> {
    let entries = prefixes::addresses(ENTRIES, 3);
    let house = House::start(1, ROOM)?;
    let bulk = in_one_request(&house, &entries)?;
    let single = one_by_one(&house, effort, &entries)?;
    Ok(vec![single, bulk])
}

fn in_one_request(house: &House, entries: &[Ipv4Addr]) -> Result<Measured> {
    let mut socket = house.socket()?;
    let lines = lines(entries);
    let start = Instant::now();
    socket.post("/v1/bans/lines?source=bench&reason=bench", lines.as_bytes())?;
    let seconds = start.elapsed().as_secs_f64();
    let mut probe = house.probe()?;
    for at in [0, entries.len() / 2, entries.len() - 1] {
        ensure!(probe.drops(entries[at])?, "{} is not dropped though it is banned", entries[at]);
    }
    let row = Measured::new("bans-bulk", each_second(entries.len(), seconds), "bans/s");
    Ok(row.with("seconds", seconds).with("request_mib", lines.len() >> 20))
}

#[expect(clippy::cast_precision_loss, reason = "a million")]
fn each_second(count: usize, seconds: f64) -> f64 {
    count as f64 / seconds
}

fn one_by_one(house: &House, effort: &Effort, entries: &[Ipv4Addr]) -> Result<Measured> {
    let fresh = prefixes::addresses(ENTRIES + effort.bans + PROCESSES, 3);
    let fresh = fresh.get(entries.len()..).context("no addresses are left")?;
    let (ours, for_processes) = fresh.split_at(effort.bans);
    let mut socket = house.socket()?;
    let mut probe = house.probe()?;
    let mut micros = Vec::with_capacity(ours.len());
    for source in ours {
        let body = format!("{{\"bans\":[{{\"prefix\":\"{source}\"}}],\"source\":\"bench\"}}");
        let start = Instant::now();
        socket.post("/v1/bans", body.as_bytes())?;
        micros.push(start.elapsed().as_secs_f64() * 1e6);
    }
    for source in ours.iter().step_by(ours.len() / 20 + 1) {
        ensure!(probe.drops(*source)?, "{source} is not dropped though it is banned");
    }
    micros.sort_by(f64::total_cmp);

    let cli = processes(for_processes, |source| {
        house.cli(&["ban", "add", source, "--ttl", "permanent"]).map(drop)
    })?;
    let peers = Peers::fill(entries)?;
    let ipset = processes(for_processes, |source| peers.run("ipset", &["add", "bench", source]))?;
    let hash = processes(for_processes, |source| {
        peers.run("nft", &["add", "element", "netdev", "bench", "exact", &format!("{{ {source} }}")])
    })?;
    let mut row = Measured::new("ban-p99", quantile(&micros, 0.99), "µs")
        .against("ipset add, its process included", quantile(&ipset, 0.99), Better::Lower)
        .spread([quantile(&micros, 0.25), quantile(&micros, 0.75)], micros.len())
        .with("median", quantile(&micros, 0.5))
        .with("p99_9", quantile(&micros, 0.999))
        .with("our_command_line_p99", quantile(&cli, 0.99))
        .with("nft_add_element_hash_p99", quantile(&hash, 0.99));
    if effort.asides {
        row = row.with("nft_add_element_interval_seconds", interval()?);
    }
    Ok(row)
}

/// Seconds of one `nft add element` to an interval set of a million prefixes that nft merges by itself: what a list that
/// also takes prefixes needs.
fn interval() -> Result<f64> {
    let namespace = Namespace::create("peers")?;
    namespace.feed("nft", &["-f", "-"], &nft_file(&prefixes::random4(ENTRIES)))?;
    let start = Instant::now();
    namespace.run("nft", &["add", "element", "netdev", "bench", "blocked", "{ 203.0.113.7 }"])?;
    Ok(start.elapsed().as_secs_f64())
}

/// Microseconds of each process, sorted.
fn processes(sources: &[Ipv4Addr], mut add: impl FnMut(&str) -> Result<()>) -> Result<Vec<f64>> {
    let mut micros = Vec::new();
    for source in sources.iter().take(PROCESSES) {
        let start = Instant::now();
        add(&source.to_string())?;
        micros.push(start.elapsed().as_secs_f64() * 1e6);
    }
    micros.sort_by(f64::total_cmp);
    Ok(micros)
}

/// As a file of addresses has them.
fn lines(sources: &[Ipv4Addr]) -> String {
    sources.iter().fold(String::with_capacity(16 * sources.len()), |mut lines, source| {
        // Writing to a String does not fail.
        let _ = writeln!(lines, "{source}");
        lines
    })
}

/// The peers' sets with a million elements.
struct Peers {
    namespace: Namespace,
}

impl Peers {
    fn fill(entries: &[Ipv4Addr]) -> Result<Self> {
        let namespace = Namespace::create("peers")?;
        let prefixes = entries.iter().map(|source| (source.to_bits(), 32)).collect();
        namespace.feed("ipset", &["restore"], &ipset_file("bench", "hash:ip", &prefixes))?;
        let elements: Vec<String> = entries.iter().map(ToString::to_string).collect();
        let set = format!("set exact {{ type ipv4_addr; elements = {{ {} }} }}", elements.join(", "));
        namespace.feed("nft", &["-f", "-"], &format!("table netdev bench {{\n{set}\n}}\n"))?;
        Ok(Self { namespace })
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<()> {
        self.namespace.run(program, arguments).map(drop)
    }
}
