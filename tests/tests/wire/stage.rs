//! A wire with a daemon on it, hosts outside, and sinks that say what arrived.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use xdpgate_tests::counters::Counters;
use xdpgate_tests::daemon::Daemon;
use xdpgate_tests::prerequisites;
use xdpgate_tests::refusal::Refusal;
use xdpgate_tests::senders::{self, UdpSink};
use xdpgate_tests::veth::{GUARDED, GUARDED_IPV4, GUARDED_IPV6, Wire};

/// Where the sinks listen: one of the UDP services of the country rule's default.
pub(crate) const PORT: u16 = 443;
/// What one host sends in one go.
pub(crate) const BURST: u64 = 20;
/// Hosts outside: [`hosts`] of 1 to this.
const HOSTS: u8 = 4;
/// Time for packets that were sent to be counted and to arrive, on a busy machine.
pub(crate) const COUNTED_WITHIN: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(20);
/// Time for a packet that passed to reach its sink.
const ARRIVAL: Duration = Duration::from_millis(60);

/// The outside host of this number, in both address families; each IPv6 host is in a /64 of its own.
pub(crate) fn hosts(number: u8) -> [IpAddr; 2] {
    let ipv6 = Ipv6Addr::new(0x2001, 0xdb8, 0x100, number.into(), 0, 0, 0, 1);
    [Ipv4Addr::new(198, 51, 100, number).into(), ipv6.into()]
}

/// The guarded host, in the family of `source`.
pub(crate) fn guarded(source: IpAddr) -> SocketAddr {
    let address: IpAddr = if source.is_ipv4() { GUARDED_IPV4.into() } else { GUARDED_IPV6.into() };
    (address, PORT).into()
}

/// Counters with exactly these packets.
pub(crate) fn counted(passed: &[(&str, u64)], dropped: &[(&str, u64)]) -> Counters {
    let owned = |counts: &[(&str, u64)]| -> BTreeMap<String, u64> {
        counts.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect()
    };
    let seen = passed.iter().chain(dropped).map(|(_, count)| count).sum();
    Counters { seen, passed: owned(passed), dropped: owned(dropped) }
}

/// Waits until `done`, for so long at most. Returns after how long.
pub(crate) fn wait(what: &str, within: Duration, mut done: impl FnMut() -> Result<bool>) -> Result<Duration> {
    let start = Instant::now();
    while !done()? {
        ensure!(start.elapsed() < within, "not within {within:?}: {what}");
        thread::sleep(POLL);
    }
    Ok(start.elapsed())
}

/// The daemon guards one end of the wire.
pub(crate) struct Stage {
    // Dropped in this order: the daemon detaches before its namespace is deleted.
    pub(crate) daemon: Daemon,
    pub(crate) sinks: [UdpSink; 2],
    pub(crate) wire: Wire,
}

impl Stage {
    /// With the daemon's embedded policy.
    pub(crate) fn set() -> Result<Self> {
        let mut stage = Self::prepare()?;
        stage.daemon.start_with(&["--interface", GUARDED])?;
        stage.at_rest()?;
        Ok(stage)
    }

    /// With this policy, whose file can be changed with [`Self::write_policy`].
    pub(crate) fn under(policy: &str) -> Result<Self> {
        let mut stage = Self::prepare()?;
        stage.start_under(policy)?;
        Ok(stage)
    }

    /// Everything but the daemon's start.
    pub(crate) fn prepare() -> Result<Self> {
        Self::on(Wire::create()?)
    }

    /// Likewise, on this wire.
    pub(crate) fn on(wire: Wire) -> Result<Self> {
        let outside: Vec<_> = (1..=HOSTS).flat_map(hosts).collect();
        wire.add_outside_hosts(&outside)?;
        let sink = |address: IpAddr| UdpSink::start(&wire.guarded, (address, PORT).into());
        let sinks = [sink(GUARDED_IPV4.into())?, sink(GUARDED_IPV6.into())?];
        let daemon = Daemon::prepare(&prerequisites::xdpgate_binary()?, &wire.guarded)?;
        Ok(Self { daemon, sinks, wire })
    }

    /// The first start, with a policy file.
    pub(crate) fn start_under(&mut self, policy: &str) -> Result<()> {
        let file = self.write_policy(policy)?;
        let file = file.to_str().context("a path that is no text")?;
        self.daemon.start_with(&["--config", file, "--interface", GUARDED])?;
        self.at_rest()
    }

    pub(crate) fn write_policy(&self, policy: &str) -> Result<PathBuf> {
        self.write("policy.toml", policy)
    }

    /// A file in the directory of the policy.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.daemon.directory().join(name);
        fs::write(&path, text)?;
        Ok(path)
    }

    /// Runs a command of the command line; its standard output.
    pub(crate) fn cli(&self, line: &str) -> Result<String> {
        self.daemon.cli(&words(line))
    }

    /// Runs a command with `--json`.
    pub(crate) fn json(&self, line: &str) -> Result<Value> {
        self.daemon.json(&words(line))
    }

    /// Runs a command that must fail.
    pub(crate) fn refused(&self, line: &str) -> Result<Refusal> {
        self.daemon.refused(&words(line))
    }

    /// The daemon's counters of the guarded interface.
    pub(crate) fn counters(&self) -> Result<Counters> {
        Counters::read(&self.daemon, GUARDED)
    }

    /// Everything that is counted from before `work` until all packets that it sent are counted.
    pub(crate) fn change(&self, packets: u64, work: impl FnOnce() -> Result<()>) -> Result<Counters> {
        let before = self.counters()?;
        work()?;
        let start = Instant::now();
        loop {
            let change = self.counters()?.since(&before);
            if change.decided() >= packets || start.elapsed() > COUNTED_WITHIN {
                return Ok(change);
            }
            thread::sleep(POLL);
        }
    }

    /// Sends [`BURST`] datagrams from a host outside to the guarded one. Does not ask the daemon.
    pub(crate) fn send(&self, source: IpAddr) -> Result<()> {
        senders::send_datagrams(&self.wire.outside, source, guarded(source), BURST)
    }

    /// How many datagrams of `source` the guarded host has received.
    pub(crate) fn arrived(&self, source: IpAddr) -> u64 {
        self.sinks.iter().map(|sink| sink.received_from(source)).sum()
    }

    /// Sends a burst from `source`; how many of it arrive. Does not ask the daemon, which may be dead.
    pub(crate) fn arrive(&self, source: IpAddr) -> Result<u64> {
        let before = self.arrived(source);
        self.send(source)?;
        thread::sleep(ARRIVAL);
        Ok(self.arrived(source) - before)
    }

    /// Sends a burst from `source`, all of which must be dropped for `reason`, and nothing else be counted.
    #[track_caller]
    pub(crate) fn assert_dropped(&self, source: IpAddr, reason: &str) -> Result<()> {
        let arrived = self.arrived(source);
        let change = self.change(BURST, || self.send(source))?;
        assert_eq!(change, counted(&[], &[(reason, BURST)]), "from {source}");
        thread::sleep(ARRIVAL);
        assert_eq!(self.arrived(source), arrived, "{source} got through");
        Ok(())
    }

    /// Sends a burst from `source`, all of which must pass for `reason`, and nothing else be counted.
    #[track_caller]
    pub(crate) fn assert_passed(&self, source: IpAddr, reason: &str) -> Result<()> {
        let arrived = self.arrived(source);
        let change = self.change(BURST, || self.send(source))?;
        assert_eq!(change, counted(&[(reason, BURST)], &[]), "from {source}");
        let all = || Ok(self.arrived(source) == arrived + BURST);
        wait("what passed arrives", COUNTED_WITHIN, all)?;
        Ok(())
    }

    /// Waits until nothing is counted any more: interfaces that come up send a few packets by themselves.
    pub(crate) fn at_rest(&self) -> Result<()> {
        let mut last = None;
        wait("nothing is on the wire", COUNTED_WITHIN, || {
            let now = Some(self.counters()?);
            Ok(std::mem::replace(&mut last, now.clone()) == now)
        })?;
        Ok(())
    }
}

/// The words of a command line; none of them has a space in it.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}
