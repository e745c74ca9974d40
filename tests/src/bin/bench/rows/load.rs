//! A list of prefixes, from its file to the moment it is enforced.

use std::fs;
use std::net::Ipv4Addr;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use xdpgate_tests::namespace::Namespace;

use crate::effort::Effort;
use crate::house::House;
use crate::peers::{ipset_file, nft_file};
use crate::prefixes::{self, Prefixes4};
use crate::rounds::{Summary, interleave};
use crate::row::{Better, Measured};

const PREFIXES: usize = 1_000_000;

/// 1 million: the running daemon against `nft -f` and `ipset restore`.
pub(crate) fn one_million(effort: &Effort) -> Result<Vec<Measured>> {
    const NFT: usize = 0;
    const IPSET: usize = 1;
    const OURS: usize = 2;
    let house = House::start(PREFIXES, 1 << 18)?;
    let lists = [list(PREFIXES, 0), list(PREFIXES, 1)];
    let peers = Peers::write(&list(effort.peer_prefixes, 0))?;
    let samples = interleave(effort.loads, 3, |who, round| match who {
        NFT => peers.load(&["nft", "-f", "nft"]),
        IPSET => peers.load(&["ipset", "restore", "-file", "ipset"]),
        _ => enforce(&house, &lists[round % 2]),
    })?;
    let (ours, nft, ipset) = (samples.of(OURS), samples.of(NFT), samples.of(IPSET));
    #[expect(clippy::cast_precision_loss, reason = "millions")]
    let scale = PREFIXES as f64 / effort.peer_prefixes as f64;
    let row = |name, peer, figure: Summary| {
        Measured::new(name, ours.median, "s")
            .against(peer, figure.median * scale, Better::Lower)
            .spread(ours.middle, ours.count)
            .with("peer_prefixes", effort.peer_prefixes)
            .with("peer_seconds", figure.median)
    };
    Ok(vec![row("load-1m-nftables", "nft -f", nft), row("load-1m-ipset", "ipset restore", ipset)])
}

/// 10 million, ours only.
pub(crate) fn many(effort: &Effort) -> Result<Vec<Measured>> {
    let house = House::start(effort.many, 1 << 18)?;
    let lists = [list(effort.many, 0), list(effort.many, 1)];
    let mut seconds = Vec::new();
    for round in 0..effort.loads {
        seconds.push(enforce(&house, &lists[round % 2])?);
    }
    let summary = Summary::of(seconds);
    let row = Measured::new("load-10m", summary.median, "s")
        .spread(summary.middle, summary.count)
        .with("prefixes", effort.many)
        .with("daemon_peak_mib", house.memory("VmHWM")?);
    Ok(vec![row])
}

/// A list of its own, and one address that only it holds.
struct List {
    prefixes: Prefixes4,
    only: Ipv4Addr,
}

/// Random prefixes, and an address outside of all of them that tells this list from the next.
fn list(count: usize, number: u8) -> List {
    let mut prefixes = prefixes::random4(count.saturating_sub(1));
    let free = |address: u32| {
        prefixes.iter().all(|(at, length)| (at ^ address).checked_shr(32 - u32::from(*length)) != Some(0))
    };
    let start = u32::from_be_bytes([203, 0, 113, 0]);
    let only = (start + u32::from(number)..).step_by(2).find(|address| free(*address)).unwrap_or(start);
    prefixes.push((only, 32));
    List { prefixes, only: only.into() }
}

/// Seconds from the request to reload until it is answered. By then the kernel drops what the list names.
pub(super) fn enforce_list(house: &House, prefixes: &Prefixes4) -> Result<f64> {
    house.replace_list(prefixes)?;
    let mut socket = house.socket()?;
    let start = Instant::now();
    socket.post("/v1/reload?force=true", b"")?;
    Ok(start.elapsed().as_secs_f64())
}

fn enforce(house: &House, list: &List) -> Result<f64> {
    let mut probe = house.probe()?;
    ensure!(!probe.drops(list.only)?, "{} is dropped before its list is there", list.only);
    let seconds = enforce_list(house, &list.prefixes)?;
    ensure!(probe.drops(list.only)?, "{} is not dropped though its list is there", list.only);
    Ok(seconds)
}

/// The peers' files, and a namespace where they are loaded.
struct Peers {
    folder: TempDir,
    namespace: Namespace,
}

impl Peers {
    fn write(list: &List) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("nft"), nft_file(&list.prefixes))?;
        fs::write(folder.path().join("ipset"), ipset_file("bench", "hash:net", &list.prefixes))?;
        Ok(Self { folder, namespace: Namespace::create("peers")? })
    }

    /// Seconds that a command takes that loads its file; then everything is gone again.
    fn load(&self, words: &[&str]) -> Result<f64> {
        let (program, arguments) = words.split_first().context("no command")?;
        let mut command = self.namespace.command(program);
        command.args(arguments).current_dir(self.folder.path());
        let start = Instant::now();
        let output = command.output()?;
        let seconds = start.elapsed().as_secs_f64();
        ensure!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        let clear: &[&str] = if *program == "nft" { &["flush", "ruleset"] } else { &["destroy"] };
        self.namespace.run(program, clear)?;
        Ok(seconds)
    }
}
