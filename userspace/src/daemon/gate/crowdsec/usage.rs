//! What the server hears of what was done.

use jiff::{SignedDuration, Timestamp};
use xdpgate_ebpf::reason::Reason;

use super::Talk;
use crate::bouncer::crowdsec::Seen;
use crate::daemon::gate::Gate;

/// How often it is told, as `CrowdSec` wants it.
const TELL_EVERY: SignedDuration = SignedDuration::from_mins(15);
const BANNED: &str = Reason::Banned.label();

impl Gate {
    /// That nobody hears of it is no reason to stop.
    pub(super) fn tell_usage(&self, talk: &mut Talk, now: Timestamp) {
        if !talk.takes_usage || now.duration_since(talk.usage.last()) < TELL_EVERY {
            return;
        }
        let seen = self.seen_by_data_path();
        let report = talk.usage.report(&talk.book.counts(), seen, now);
        match talk.lapi().and_then(|lapi| lapi.tell(&report)) {
            Ok(takes) => talk.takes_usage = takes,
            Err(error) => tracing::warn!(%error, "CrowdSec was not told what was done"),
        }
        talk.usage.told(seen, now);
    }

    pub(super) fn seen_by_data_path(&self) -> Seen {
        let Ok(stats) = self.stats() else { return Seen::default() };
        let banned = stats.interfaces.iter().filter_map(|interface| interface.dropped.get(BANNED));
        let (dropped, dropped_bytes) =
            banned.fold((0, 0), |sum, count| (sum.0 + count.packets, sum.1 + count.bytes));
        let processed = stats.interfaces.iter().map(|interface| interface.seen.packets).sum();
        Seen { processed, dropped, dropped_bytes }
    }
}
