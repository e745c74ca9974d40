//! The account of packets: what was sent, what the wire refused, what xdpgate saw.

use std::thread;
use std::time::{Duration, Instant};

use crate::counters::Counters;
use crate::daemon::Daemon;
use crate::flood::SentFrames;
use crate::stats::WireCounters;
use crate::veth::{GUARDED, Wire};
use anyhow::Result;

/// How long the account may take to come to rest after the last packet.
const REST_WITHIN: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(100);

/// All counters at one moment, since the account was opened.
#[derive(Clone, Debug, Default)]
pub struct Balance {
    /// Frames of the generators, and packets that the outside's stack handed to the interface.
    pub sent: u64,
    /// Frames of the generators alone.
    pub flooded: u64,
    /// What the wire refused before XDP saw it.
    pub lost: u64,
    /// What xdpgate counted.
    pub counters: Counters,
    waiting: u64,
}

/// Reads both sides, from the moment it was opened.
pub struct Account {
    wire: WireCounters,
    counters: Counters,
    generators: Vec<SentFrames>,
}

impl Account {
    /// Opens the account, as soon as nothing moves on the wire. `generators` may start only afterwards.
    ///
    /// # Errors
    ///
    /// When a counter cannot be read.
    pub fn open(wire: &Wire, daemon: &Daemon, generators: Vec<SentFrames>) -> Result<Self> {
        let zero = Self { wire: WireCounters::default(), counters: Counters::default(), generators };
        zero.at_rest(wire, daemon)?;
        Ok(Self {
            wire: WireCounters::read(wire)?,
            counters: Counters::read(daemon, GUARDED)?,
            generators: zero.generators,
        })
    }

    /// Reads everything now. While packets move, the parts are of slightly different moments.
    ///
    /// # Errors
    ///
    /// When a counter cannot be read.
    pub fn balance(&self, wire: &Wire, daemon: &Daemon) -> Result<Balance> {
        let flooded = self.generators.iter().map(SentFrames::total).sum::<Result<u64>>()?;
        let moved = WireCounters::read(wire)?.since(self.wire);
        let counters = Counters::read(daemon, GUARDED)?.since(&self.counters);
        Ok(Balance {
            sent: flooded + moved.handed_over,
            flooded,
            lost: moved.refused,
            counters,
            waiting: moved.waiting,
        })
    }

    /// Waits until nothing changes any more, and reads. It does not wait for the sums to agree: that is for a check.
    ///
    /// # Errors
    ///
    /// When a counter cannot be read.
    pub fn at_rest(&self, wire: &Wire, daemon: &Daemon) -> Result<Balance> {
        let start = Instant::now();
        let mut last = self.balance(wire, daemon)?;
        loop {
            thread::sleep(POLL);
            let now = self.balance(wire, daemon)?;
            let rests = now.waiting == 0 && now.sent == last.sent && now.counters == last.counters;
            if rests || start.elapsed() > REST_WITHIN {
                return Ok(now);
            }
            last = now;
        }
    }
}
