use std::sync::PoisonError;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};

use super::{Gate, lockout};
use crate::api::types::{Ban, BanAnswer, BanRequest, Bans, NewBan, PrefixesRequest, Removed};
use crate::api::{Failure, Prefix, SshPeer};
use crate::daemon::clock::{Deadline, now};
use crate::kernel::{KernelError, monotonic_ns};
use crate::store::BanRecord;

impl Gate {
    /// Bans, in the store first: a crash in between leaves bans that the next start puts in force.
    ///
    /// # Errors
    /// When a ban would lock out an operator, the table is full, or the disk refuses.
    pub fn ban(&self, request: &BanRequest, peer: Option<SshPeer>) -> Result<BanAnswer, Failure> {
        if !request.force {
            let live = self.live();
            for ban in &request.bans {
                lockout::check_ban(&live.inputs, ban.prefix.net(), peer)?;
            }
        }
        let now = now();
        let records = request
            .bans
            .iter()
            .map(|ban| record(ban, &request.source, now))
            .collect::<Result<Vec<_>, _>>()?;
        let _only = self.bans.lock().unwrap_or_else(PoisonError::into_inner);
        let before = records.iter().map(|ban| self.store.ban(ban.prefix)).collect::<Result<Vec<_>, _>>()?;
        self.store.put_bans(&records)?;
        let deadline = Deadline::now();
        for (done, ban) in records.iter().enumerate() {
            if let Err(error) = self.kernel.ban(ban.prefix, deadline.monotonic(ban.expires)) {
                self.take_back(
                    records.get(done..).unwrap_or_default(),
                    before.get(done..).unwrap_or_default(),
                );
                return Err(partly_done(done, records.len(), error));
            }
        }
        tracing::info!(bans = records.len(), source = request.source, "banned");
        Ok(BanAnswer { bans: records.iter().map(|ban| shown(ban, now)).collect() })
    }

    /// Lifts bans of exactly these prefixes.
    ///
    /// # Errors
    /// When the kernel or the disk refuses.
    pub fn unban(&self, request: &PrefixesRequest) -> Result<Removed, Failure> {
        let prefixes: Vec<IpNet> = request.prefixes.iter().map(|prefix| prefix.net()).collect();
        let _only = self.bans.lock().unwrap_or_else(PoisonError::into_inner);
        let removed = self.store.delete_bans(&prefixes)?;
        for prefix in &prefixes {
            self.kernel.unban(*prefix);
        }
        tracing::info!(bans = removed.len(), "bans lifted");
        let (removed, missing) = request.prefixes.iter().partition(|prefix| removed.contains(&prefix.net()));
        Ok(Removed { removed, missing })
    }

    /// The bans in force, those that end first first.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn bans(&self) -> Result<Bans, Failure> {
        let now = now();
        let mut records = self.store.bans()?;
        records.retain(|ban| ban.expires.is_none_or(|expires| expires > now));
        records.sort_by_key(|ban| (ban.expires.is_none(), ban.expires, ban.prefix));
        Ok(Bans { bans: records.iter().map(|ban| shown(ban, now)).collect() })
    }

    /// Clears away the bans that have ended; the data path stopped honouring them by itself.
    ///
    /// # Errors
    /// When the kernel or the disk refuses.
    pub fn sweep_bans(&self) -> Result<usize, Failure> {
        self.kernel.clean_bans();
        // Without the lock: most seconds nothing has ended.
        if self.store.expired_bans(now())?.is_empty() {
            return Ok(0);
        }
        let _only = self.bans.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut ended, mut still_held) = (Vec::new(), Vec::new());
        let monotonic_now = monotonic_ns();
        let deadline = Deadline::at(now(), monotonic_now);
        for ban in self.store.expired_bans(now())? {
            // The kernel's clock decides: a wall clock that was set forward must not end a ban early.
            match self.kernel.ban_end(ban.prefix) {
                Some(Some(end)) if end > monotonic_now => {
                    still_held.push(BanRecord { expires: Some(deadline.wall(end)), ..ban });
                }
                _ => ended.push(ban.prefix),
            }
        }
        for prefix in &ended {
            self.kernel.unban(*prefix);
        }
        self.store.delete_bans(&ended)?;
        self.store.put_bans(&still_held)?;
        Ok(ended.len())
    }

    /// The bans that cover a prefix, as the API shows them.
    pub(super) fn bans_covering(&self, prefix: IpNet) -> Result<Vec<Ban>, Failure> {
        let mut bans = self.bans()?.bans;
        bans.retain(|ban| ban.prefix.net().contains(&prefix));
        Ok(bans)
    }

    /// Puts the store back to what the kernel still enforces.
    fn take_back(&self, records: &[BanRecord], before: &[Option<BanRecord>]) {
        let prefixes: Vec<IpNet> = records.iter().map(|ban| ban.prefix).collect();
        let before: Vec<BanRecord> = before.iter().flatten().cloned().collect();
        let done = self.store.delete_bans(&prefixes).and_then(|_| self.store.put_bans(&before));
        if let Err(error) = done {
            tracing::warn!(%error, "the store holds bans that are not in force; the next start tries them again");
        }
    }
}

fn record(ban: &NewBan, source: &str, now: Timestamp) -> Result<BanRecord, Failure> {
    let expires = ban.ttl_seconds.map(|seconds| expiry(now, seconds)).transpose()?;
    Ok(BanRecord {
        prefix: ban.prefix.net(),
        expires,
        reason: ban.reason.clone(),
        source: source.to_owned(),
        created: now,
    })
}

/// Longer than anyone means; beyond it an operator wants `permanent`.
const LONGEST_TTL_SECONDS: u64 = 10 * 365 * 86_400;

fn expiry(now: Timestamp, seconds: u64) -> Result<Timestamp, Failure> {
    if !(1..=LONGEST_TTL_SECONDS).contains(&seconds) {
        return Err(Failure::usage(format!(
            "a ban of {seconds} s is not possible; allowed is 1 s to ten years, or `permanent`"
        )));
    }
    let duration = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    now.checked_add(duration).map_err(Failure::usage)
}

fn partly_done(done: usize, asked: usize, error: KernelError) -> Failure {
    let mut failure = Failure::from(error);
    if done > 0 {
        failure.message =
            format!("{done} of {asked} bans are in force, the others are not: {}", failure.message);
    }
    failure
}

fn shown(ban: &BanRecord, now: Timestamp) -> Ban {
    let remaining = ban.expires.map(|expires| expires.duration_since(now).as_secs());
    Ban {
        prefix: Prefix::from(ban.prefix),
        expires: ban.expires,
        remaining_seconds: remaining.map(|seconds| u64::try_from(seconds).unwrap_or(0)),
        reason: ban.reason.clone(),
        source: ban.source.clone(),
        created: ban.created,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_without_sense_is_refused() {
        let now = now();
        assert!(expiry(now, 0).is_err());
        assert!(expiry(now, u64::MAX).is_err());
        assert_eq!(expiry(now, 60).unwrap().duration_since(now).as_secs(), 60);
    }
}
