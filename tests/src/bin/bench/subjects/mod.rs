//! The programs that are compared in test runs, each behind the same few questions.

mod baseline;
mod ours;
mod prefix;

use std::net::Ipv4Addr;

use anyhow::Result;
use aya::programs::ProgramFd;

pub(crate) use baseline::Baseline;
pub(crate) use ours::{Ours, compiled, of_countries};
pub(crate) use prefix::write_tables;

use crate::prefixes::{Prefixes4, Prefixes6};

/// What a program is given to decide by.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    pub(crate) prefixes4: Prefixes4,
    pub(crate) prefixes6: Prefixes6,
    pub(crate) role: Role,
    /// Whether the real geo data says which countries sources are of, and one of them is denied.
    pub(crate) countries: bool,
    /// Exact bans that hold, of addresses that nobody sends from.
    pub(crate) bans: Vec<Ipv4Addr>,
    /// The limit of each source.
    pub(crate) limit: SourceLimit,
    /// Services and their limits, as a policy writes them. What is for none of them has the limit of each source.
    pub(crate) services: String,
}

/// What the prefixes say about a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Role {
    /// That it may manage the host. Nothing follows for a packet to another port, so every packet goes all the way to
    /// the limits, whatever its source.
    #[default]
    Management,
    /// That it is on a list, and dropped.
    List,
}

/// Packets of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SourceLimit {
    pub(crate) packets: u32,
    pub(crate) per: Period,
    pub(crate) burst: u32,
}

/// The time of a [`SourceLimit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Period {
    Second,
    Hour,
}

impl SourceLimit {
    /// No source ever reaches it, and none is idle between two of its packets.
    pub(crate) const NEVER_REACHED: Self = Self { packets: 100, per: Period::Second, burst: 8_000_000 };
    /// Not even one source at full speed reaches it.
    pub(crate) const ABOVE_ALL_SPEED: Self =
        Self { packets: 100_000_000, per: Period::Second, burst: 1_000_000 };
    /// Of a public API.
    pub(crate) const USUAL: Self = Self { packets: 1_000, per: Period::Second, burst: 2_000 };
    /// The second packet of a source is over it.
    pub(crate) const ONE_PACKET: Self = Self { packets: 1, per: Period::Hour, burst: 1 };

    /// Nanoseconds that one packet costs.
    pub(crate) fn packet_ns(self) -> f64 {
        let period: f64 = match self.per {
            Period::Second => 1e9,
            Period::Hour => 3.6e12,
        };
        period / f64::from(self.packets)
    }

    fn text(self) -> String {
        let per = match self.per {
            Period::Second => "s",
            Period::Hour => "h",
        };
        format!("{}/{per}", self.packets)
    }
}

impl Default for SourceLimit {
    fn default() -> Self {
        Self::USUAL
    }
}

/// Packets that left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    /// For any reason.
    pub(crate) seen: u64,
    /// Within the limit of their source.
    pub(crate) admitted: u64,
    /// Over it.
    pub(crate) limited: u64,
    /// Passed because the limiter had no room.
    pub(crate) full: u64,
}

impl Counted {
    pub(crate) const fn since(self, earlier: Self) -> Self {
        Self {
            seen: self.seen - earlier.seen,
            admitted: self.admitted - earlier.admitted,
            limited: self.limited - earlier.limited,
            full: self.full - earlier.full,
        }
    }
}

/// A whole program with its tables.
pub(crate) trait Subject {
    /// For the driver.
    fn program(&self) -> Result<ProgramFd>;

    /// What it has counted.
    fn counted(&self) -> Result<Counted>;
}
