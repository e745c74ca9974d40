//! The distribution over sources.

use serde::Serialize;

use super::observe::{Observation, Source};

/// What sources of a service do at most, as percentiles over these sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Peaks {
    /// Packets in a second.
    pub packets_per_second: Percentiles,
    /// Bytes of frames in a second.
    pub bytes_per_second: Percentiles,
    /// TCP SYN without ACK in a minute.
    pub connections_per_minute: Percentiles,
}

/// The share of sources in percent that stay at or below a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Percentiles {
    /// Half of them.
    pub p50: u64,
    /// 90 %.
    pub p90: u64,
    /// 99 %.
    pub p99: u64,
    /// 99.9 %.
    pub p999: u64,
    /// All.
    pub max: u64,
}

impl Peaks {
    pub(super) fn of(observation: &Observation<'_>, service: usize) -> Self {
        let of = |most: fn(&Source) -> u64| {
            let sources = observation.sources.iter().filter(|source| usize::from(source.service) == service);
            Percentiles::of(sources.map(most).collect())
        };
        Self {
            packets_per_second: of(|source| source.packets.most),
            bytes_per_second: of(|source| source.bytes.most),
            connections_per_minute: of(|source| source.connections.most),
        }
    }
}

impl Percentiles {
    /// By nearest rank: every percentile is a value that a source had.
    pub(super) fn of(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        let at = |permille: usize| {
            let rank = (values.len() * permille).div_ceil(1_000).max(1);
            values.get(rank - 1).copied().unwrap_or_default()
        };
        Self { p50: at(500), p90: at(900), p99: at(990), p999: at(999), max: at(1_000) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_by_nearest_rank() {
        let expected = Percentiles { p50: 500, p90: 900, p99: 990, p999: 999, max: 1_000 };
        assert_eq!(Percentiles::of((1..=1_000).rev().collect()), expected);
        let one = Percentiles { p50: 7, p90: 7, p99: 7, p999: 7, max: 7 };
        assert_eq!(Percentiles::of(vec![7]), one);
        assert_eq!(Percentiles::of(Vec::new()), Percentiles::default());
    }
}
