//! The machine and the versions that the figures belong to.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use jiff::Timestamp;
use rustix::system::uname;
use serde::Serialize;

/// What a reader has to know to judge a figure.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) date: String,
    pub(crate) kernel: String,
    pub(crate) processor: String,
    pub(crate) cpus: usize,
    pub(crate) memory_mib: u64,
    /// What the kernel does about each vulnerability that the processor has.
    pub(crate) mitigations: BTreeMap<String, String>,
    /// Of the kernel: its BPF compiler, and the statistics that slow programs down.
    pub(crate) settings: BTreeMap<String, String>,
    /// Of xdpgate and of the peers.
    pub(crate) versions: BTreeMap<String, String>,
    /// Programs that wanted a CPU before the run began, on average over the last minute.
    pub(crate) load: f64,
}

impl Machine {
    /// This one, now.
    pub(crate) fn describe() -> Self {
        let kernel = uname();
        let [release, machine] = [kernel.release(), kernel.machine()].map(|text| text.to_string_lossy());
        Self {
            date: Timestamp::now().strftime("%Y-%m-%d").to_string(),
            kernel: format!("{release} {machine}"),
            processor: processor(),
            cpus: std::thread::available_parallelism().map_or(1, Into::into),
            memory_mib: memory_mib(),
            mitigations: mitigations(),
            settings: settings(),
            versions: versions(),
            load: load(),
        }
    }
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = text.lines().find(|line| line.split(':').next().map(str::trim) == Some(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let [model, family, number] =
        ["model name", "cpu family", "model"].map(|name| field(name).unwrap_or_default());
    if family.is_empty() { model } else { format!("{model} (family {family}, model {number})") }
}

fn memory_mib() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = total.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0.0)
}

fn mitigations() -> BTreeMap<String, String> {
    let Ok(folder) = fs::read_dir("/sys/devices/system/cpu/vulnerabilities") else { return BTreeMap::new() };
    let read = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path()).ok()?;
        Some((entry.file_name().to_string_lossy().into_owned(), text.trim().to_owned()))
    };
    let all = folder.flatten().filter_map(read);
    all.filter(|(_, state)| state != "Not affected").collect()
}

fn settings() -> BTreeMap<String, String> {
    let names = ["net/core/bpf_jit_enable", "net/core/bpf_jit_harden", "kernel/bpf_stats_enabled"];
    let read = |name: &str| {
        let text = fs::read_to_string(Path::new("/proc/sys").join(name)).ok()?;
        Some((name.rsplit('/').next()?.to_owned(), text.trim().to_owned()))
    };
    names.into_iter().filter_map(read).collect()
}

fn versions() -> BTreeMap<String, String> {
    let peers = ["nft", "ipset", "iptables", "xdp-filter"];
    let version = |name: &str| {
        let output = Command::new(name).arg("--version").output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout);
        Some((name.to_owned(), text.lines().next()?.trim().to_owned()))
    };
    let own = ("xdpgate".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    peers.into_iter().filter_map(version).chain([own]).collect()
}
