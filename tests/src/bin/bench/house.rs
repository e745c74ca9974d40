//! A running daemon that guards a wire, with a policy file, a list, and a probe that asks the kernel.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use aya::Ebpf;
use aya::programs::{TestRun, TestRunOptions, Xdp};
use xdpgate_tests::daemon::Daemon;
use xdpgate_tests::prerequisites;
use xdpgate_tests::program::{self, Program};
use xdpgate_tests::veth::{GUARDED, Wire};

use crate::frames;
use crate::prefixes::{Prefixes4, lines4};
use crate::socket::Socket;

/// A slot that no interface of the daemon has: what the probe asks is counted apart.
const SLOT: u32 = 63;
/// The answer of an XDP program that drops (`enum xdp_action`).
const XDP_DROP: u32 = 1;

/// The daemon on its wire.
pub(crate) struct House {
    daemon: Daemon,
    _wire: Wire,
}

impl House {
    /// Starts a daemon with room for so many prefixes and bans, and an empty list.
    pub(crate) fn start(prefixes: usize, bans: u32) -> Result<Self> {
        let wire = Wire::create()?;
        let mut daemon = Daemon::prepare(&prerequisites::xdpgate_binary()?, &wire.guarded)?;
        let prefixes = prefixes.next_power_of_two().max(1 << 21);
        let policy = daemon.directory().join("policy.toml");
        // Nobody is locked out here, so nothing has to be held against the bans.
        fs::write(
            &policy,
            format!(
                "[tables]\nprefixes = {prefixes}\nbans = {bans}\n\
                 [limits.source]\npackets = \"2000/s\"\npackets_burst = 4000\n\
                 [[list]]\nname = \"bench\"\npath = \"list\"\n"
            ),
        )?;
        fs::write(daemon.directory().join("list"), "")?;
        let policy = policy.to_str().context("a path that is no text")?;
        daemon.start_with(&["--config", policy, "--interface", GUARDED])?;
        Ok(Self { daemon, _wire: wire })
    }

    /// Puts another list in the place of the present one, as a feed would.
    pub(crate) fn replace_list(&self, prefixes: &Prefixes4) -> Result<()> {
        let (list, fresh) = (self.list(), self.daemon.directory().join("fresh"));
        fs::write(&fresh, lines4(prefixes))?;
        Ok(fs::rename(fresh, list)?)
    }

    /// A connection to the daemon.
    pub(crate) fn socket(&self) -> Result<Socket> {
        Socket::connect(Path::new(&self.daemon.socket()))
    }

    /// Asks the kernel itself, over the daemon's tables.
    pub(crate) fn probe(&self) -> Result<Probe> {
        Ok(Probe { object: program::load(&self.daemon.pins().join("maps"), SLOT)?, frame: frames::ipv4()? })
    }

    /// A line of the daemon's `/proc/PID/status`, in MiB.
    pub(crate) fn memory(&self, line: &str) -> Result<f64> {
        let path = format!("/proc/{}/status", self.daemon.process()?);
        let text = fs::read_to_string(&path)?;
        let value = text.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'));
        let kib = value.and_then(|value| value.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
        Ok(kib.with_context(|| format!("no {line} in {path}"))? / 1024.0)
    }

    /// The daemon's command line.
    pub(crate) fn cli(&self, arguments: &[&str]) -> Result<String> {
        self.daemon.cli(arguments)
    }

    fn list(&self) -> PathBuf {
        self.daemon.directory().join("list")
    }
}

/// The program over the daemon's tables.
pub(crate) struct Probe {
    object: Ebpf,
    frame: Vec<u8>,
}

impl Probe {
    /// Whether a packet of this source would be dropped at this moment.
    pub(crate) fn drops(&mut self, source: Ipv4Addr) -> Result<bool> {
        let place = self.frame.iter_mut().skip(frames::SOURCE_AT);
        place.zip(source.octets()).for_each(|(to, from)| *to = from);
        let name = Program::OneBuffer.name();
        let xdp: &Xdp = self.object.program(name).context(name)?.try_into()?;
        let options = TestRunOptions { data_in: Some(&self.frame), repeat: 1, ..TestRunOptions::new() };
        Ok(xdp.test_run(options)?.return_value == XDP_DROP)
    }
}
