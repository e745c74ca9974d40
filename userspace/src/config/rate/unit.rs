//! What each unit of a limit may be.

use crate::config::LimitUnit;

impl LimitUnit {
    /// The least that may come at once: what a single packet may need. A frame with segmentation offload has up to
    /// 64 KiB.
    #[must_use]
    pub const fn least_burst(self) -> u64 {
        match self {
            Self::Packets | Self::Connections => 1,
            Self::Bytes => 65_536,
        }
    }

    /// The most that may come at once, whatever the rate.
    #[must_use]
    pub const fn most_burst(self) -> u64 {
        match self {
            Self::Packets | Self::Connections => 1_000_000_000,
            Self::Bytes => u64::MAX,
        }
    }

    /// The range of rates, in words.
    #[must_use]
    pub const fn allowed(self) -> &'static str {
        match self {
            Self::Packets => "1 packet/h to 100,000,000 packets/s",
            Self::Bytes => "1 kB/s to 100 Gbit/s",
            Self::Connections => "1 connection/h to 100,000,000 connections/s",
        }
    }

    /// The unit that a written word means. An empty one means packets.
    pub(in crate::config) fn named(word: &str) -> Option<Self> {
        match word {
            "" | "packet" | "packets" => Some(Self::Packets),
            "connection" | "connections" => Some(Self::Connections),
            _ => super::notation::is_of_bytes(word).then_some(Self::Bytes),
        }
    }

    pub(super) const fn example(self) -> &'static str {
        match self {
            Self::Packets => "`2000/s`, `2000 packets/s` or `120/min`",
            Self::Bytes => "`50 Mbit/s`, `10 MB/s` or `1 MiB/s`",
            Self::Connections => "`20 connections/s` or `120 connections/min`",
        }
    }

    /// The slowest rate: units, and the seconds they take.
    pub(super) const fn slowest(self) -> (u128, u128) {
        match self {
            Self::Packets | Self::Connections => (1, 3_600),
            Self::Bytes => (1_000, 1),
        }
    }

    /// The fastest, in units a second. Above it, one unit costs less than the kernel's clock can tell.
    pub(super) const fn fastest(self) -> u128 {
        match self {
            Self::Packets | Self::Connections => 100_000_000,
            Self::Bytes => 12_500_000_000,
        }
    }

    /// The fastest or the slowest rate, as a policy writes it.
    pub(super) const fn extreme(self, fast: bool) -> &'static str {
        match (self, fast) {
            (Self::Packets, true) => "100000000 packets/s",
            (Self::Packets, false) => "1 packet/h",
            (Self::Bytes, true) => "100 Gbit/s",
            (Self::Bytes, false) => "1 kB/s",
            (Self::Connections, true) => "100000000 connections/s",
            (Self::Connections, false) => "1 connection/h",
        }
    }
}
