//! How much is measured: a whole run, or a quick one.

use std::time::Duration;

/// The sizes of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Effort {
    /// Rounds of test runs that count.
    pub(crate) rounds: usize,
    /// Frames of one test run.
    pub(crate) frames: u32,
    /// Rounds on the wire that count.
    pub(crate) wire_rounds: usize,
    /// How long each peer is under the flood in a round.
    pub(crate) wire_time: Duration,
    /// Frames with which most sources of a flood have used up their limit before they are measured.
    pub(crate) warm_up: u32,
    /// Whether figures are measured that only stand beside others.
    pub(crate) asides: bool,
    /// Sources of the flood that the limiter has to survive.
    pub(crate) spoofed: u32,
    /// Sources that are limited meanwhile.
    pub(crate) offenders: u32,
    /// Loads of a list of a million prefixes.
    pub(crate) loads: usize,
    /// Prefixes that the slow peers load: `nft` takes minutes for more.
    pub(crate) peer_prefixes: usize,
    /// Prefixes of the large list.
    pub(crate) many: usize,
    /// Single bans.
    pub(crate) bans: usize,
    /// Reloads of the daemon.
    pub(crate) reloads: usize,
}

impl Effort {
    /// What is kept.
    pub(crate) const WHOLE: Self = Self {
        rounds: 11,
        frames: 1_000_000,
        wire_rounds: 11,
        wire_time: Duration::from_secs(2),
        warm_up: 1 << 20,
        asides: true,
        spoofed: 10_000_000,
        offenders: 5_000,
        loads: 3,
        peer_prefixes: 1_000_000,
        many: 10_000_000,
        bans: 20_000,
        reloads: 1_000,
    };
    /// For what only stands beside another figure.
    pub(crate) const fn fewer_rounds(self) -> Self {
        Self { rounds: self.rounds.div_ceil(3), wire_rounds: self.wire_rounds.div_ceil(3), ..self }
    }

    /// In under two minutes.
    pub(crate) const QUICK: Self = Self {
        rounds: 3,
        frames: 300_000,
        wire_rounds: 2,
        wire_time: Duration::from_millis(400),
        warm_up: 1 << 18,
        asides: false,
        spoofed: 2_000_000,
        offenders: 1_000,
        loads: 1,
        peer_prefixes: 100_000,
        many: 2_000_000,
        bans: 2_000,
        reloads: 5,
    };
}
