use std::collections::BTreeMap;
use std::ops::{Add, AddAssign};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{CountryStats, XdpMode};
use crate::config::{InterfaceName, Mode, Name};
use crate::policy::LimitUse;

/// Packets and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Packets.
    pub packets: u64,
    /// Bytes of the frames, without preamble and checksum.
    pub bytes: u64,
}

impl Count {
    /// What was counted since `earlier`. A counter that was set back counts from zero.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        if self.packets < earlier.packets {
            return self;
        }
        Self { packets: self.packets - earlier.packets, bytes: self.bytes.saturating_sub(earlier.bytes) }
    }
}

impl Add for Count {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            packets: self.packets.saturating_add(other.packets),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl std::iter::Sum for Count {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), Add::add)
    }
}

/// What one interface counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceStats {
    /// Which.
    pub name: InterfaceName,
    /// How the program is attached.
    pub mode: XdpMode,
    /// Whether the kernel runs the program there now.
    pub enforcing: bool,
    /// Counted at entry: the sum of `passed` and `dropped`.
    pub seen: Count,
    /// By reason.
    pub passed: BTreeMap<String, Count>,
    /// By reason.
    pub dropped: BTreeMap<String, Count>,
    /// By reason: what rules in monitor mode would have dropped. These packets are also in `passed` or `dropped`.
    pub monitored: BTreeMap<String, Count>,
}

/// What one list counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListStats {
    /// Which.
    pub name: Name,
    /// Whether it drops or only counts.
    pub mode: Mode,
    /// Entries in it.
    pub entries: u64,
    /// Dropped because of it.
    pub dropped: Count,
    /// What it would have dropped, were it not in monitor mode.
    pub monitored: Count,
}

/// What one limit of a service counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitStats {
    /// Which, and where it is in use.
    #[serde(flatten)]
    pub of: LimitUse,
    /// Whether it drops or only counts.
    pub mode: Mode,
    /// Charged to it.
    pub charged: Count,
    /// Dropped because of it.
    pub dropped: Count,
    /// What it would have dropped, were it not in monitor mode.
    pub monitored: Count,
}

/// Sampled events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventCounts {
    /// Handed to the daemon.
    pub written: u64,
    /// Left out because the budget was used up.
    pub skipped: u64,
    /// Left out because the daemon did not read fast enough.
    pub lost: u64,
}

/// `GET /v1/stats`. Counters live in the kernel and go on over restarts of the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// When they were read.
    pub time: Timestamp,
    /// Whether an operator's pause is in force.
    pub paused: bool,
    /// The live generation.
    pub generation: u64,
    /// Bans in force.
    pub bans: u64,
    /// By interface.
    pub interfaces: Vec<InterfaceStats>,
    /// By list.
    pub lists: Vec<ListStats>,
    /// By service, plan and limit.
    #[serde(default)]
    pub limits: Vec<LimitStats>,
    /// By country: what country rules have counted. Countries of which they have not counted anything are left out.
    #[serde(default)]
    pub countries: Vec<CountryStats>,
    /// Sampled events.
    pub events: EventCounts,
}
