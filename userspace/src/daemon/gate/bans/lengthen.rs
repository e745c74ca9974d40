//! Bans of somebody who was banned before hold for longer.

use std::collections::HashSet;
use std::time::Duration;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};

use crate::api::Failure;
use crate::api::types::{BanRequest, NewBan};
use crate::config::BanConfig;
use crate::daemon::gate::Gate;
use crate::store::Offender;

impl Gate {
    /// The request with the times that it gets because of bans before, and what is to be remembered of it.
    ///
    /// The same ban once more while it holds is no repetition: programs send their bans again when they start.
    pub(super) fn lengthened(
        &self,
        request: &BanRequest,
        config: &BanConfig,
        now: Timestamp,
    ) -> Result<(BanRequest, Vec<Offender>), Failure> {
        let prefixes: Vec<IpNet> = request.bans.iter().map(|ban| ban.prefix.net()).collect();
        let counts = self.store.bans_so_far(&prefixes, now)?;
        let asked: HashSet<IpNet> = prefixes.iter().copied().collect();
        let held = self
            .bans
            .with_waiting(|| Ok(self.store.bans_of(&prefixes)?), |prefix| asked.contains(&prefix))?;
        let held = held.iter().filter(|ban| {
            ban.note.source == request.source && ban.note.expires.is_none_or(|expires| expires > now)
        });
        let held: HashSet<IpNet> = held.map(|ban| ban.prefix).collect();

        let mut offenders = Vec::new();
        let one = |(ban, count): (&NewBan, u32)| {
            let prefix = ban.prefix.net();
            let Some(seconds) = ban.ttl_seconds else { return ban.clone() };
            let before = if held.contains(&prefix) { count.saturating_sub(1) } else { count };
            let first = Duration::from_secs(seconds);
            let time = doubled(first, before, config.longest.max(first));
            if !held.contains(&prefix) {
                let forget = later(later(now, time), config.forget);
                offenders.push(Offender { prefix, bans: count.saturating_add(1), forget });
            }
            NewBan { ttl_seconds: Some(time.as_secs()), ..ban.clone() }
        };
        let bans = request.bans.iter().zip(counts).map(one).collect();
        Ok((BanRequest { bans, ..request.clone() }, offenders))
    }
}

/// Twice as long each time, up to the longest.
pub(in crate::daemon::gate) fn doubled(first: Duration, bans_before: u32, longest: Duration) -> Duration {
    let doubled = 1_u32.checked_shl(bans_before).and_then(|times| first.checked_mul(times));
    doubled.map_or(longest, |time| time.min(longest))
}

pub(in crate::daemon::gate) fn later(time: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bans_double_up_to_the_longest() {
        let seconds = |before| doubled(Duration::from_mins(1), before, Duration::from_secs(500)).as_secs();
        assert_eq!([0, 1, 2, 3, 4, 31, 32, u32::MAX].map(seconds), [60, 120, 240, 480, 500, 500, 500, 500]);
    }
}
