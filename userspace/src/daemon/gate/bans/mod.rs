//! Bans: every way to change them, and to see them.

mod check;
mod holdings;
mod import;
mod journal;
mod lengthen;
mod register;
mod request;
mod restore;

use std::collections::HashSet;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};

pub(super) use self::lengthen::{doubled, later};
pub(super) use self::register::{BanRegister, NewBans};
pub use self::request::BanLines;
pub(super) use self::restore::restore;

use self::request::Grouped;
use super::allow::in_short;
use super::replace::Change;
use super::{Gate, lockout};
use crate::api::types::{Ban, BanAnswer, BanFilter, BanLinesAnswer, BanRequest, Bans, Removed, UnbanRequest};
use crate::api::{Failure, Prefix, SshPeer};
use crate::daemon::Caller;
use crate::daemon::clock::now;
use crate::kernel::monotonic_ns;
use crate::store::BanRecord;

impl Gate {
    /// Bans all of them, or none. They are in force when this returns, and survive the end of the process; the database has
    /// them within seconds.
    ///
    /// # Errors
    /// When a ban would lock out an operator or the table is full, then none is made; or when the disk refuses, then all
    /// are in force.
    pub fn ban(&self, request: &BanRequest, caller: &Caller) -> Result<BanAnswer, Failure> {
        let prefixes = request.bans.iter().map(|ban| ban.prefix.net());
        self.refuse_lockout(prefixes, request.force, caller.ssh)?;
        let now = now();
        let config = self.live().inputs.config.bans;
        let longer = if request.lengthen.unwrap_or(config.lengthen) {
            Some(self.lengthened(request, &config, now)?)
        } else {
            None
        };
        let request = longer.as_ref().map_or(request, |(request, _)| request);
        let mut grouped = Grouped::of(request, now)?;
        self.bans.ban(&self.kernel, &self.store, std::mem::take(&mut grouped.new))?;
        if let Some((_, offenders)) = &longer {
            self.store.remember_offenders(offenders, now)?;
        }
        tracing::info!(bans = request.bans.len(), source = request.source, "banned");
        self.audit(&Change { to: audited(request), ..Change::new(caller, "ban", what(request)) }, None);
        Ok(BanAnswer { bans: grouped.shown(request, now) })
    }

    /// Whether nobody is about a change of bans that would have to be waited for: then a few are made at once.
    #[must_use]
    pub fn bans_at_once(&self) -> bool {
        self.bans.is_at_rest()
    }

    /// Bans what is on the lines of a text, as [`Gate::ban`] does.
    ///
    /// # Errors
    /// As there, and when a line is no address, prefix or range.
    pub fn ban_lines(&self, lines: &BanLines<'_>, caller: &Caller) -> Result<BanLinesAnswer, Failure> {
        let now = now();
        let (new, skipped) = lines.read(now)?;
        self.refuse_lockout(new.prefixes.iter().copied(), lines.force, caller.ssh)?;
        let (expires, bans) = (new.note.expires, new.prefixes.len());
        let new = self.bans.ban(&self.kernel, &self.store, vec![new])?;
        tracing::info!(bans, new, source = lines.source, "banned");
        let to = in_words(lines.ttl_seconds, &lines.reason, &lines.source, &lines.note);
        self.audit(
            &Change { to: Some(to), ..Change::new(caller, "ban", format!("{bans} prefixes from lines")) },
            None,
        );
        Ok(BanLinesAnswer { bans: bans as u64, new: new as u64, expires, skipped })
    }

    /// Lifts bans of exactly these prefixes, or all bans of a source: everybody's, or those of one source.
    ///
    /// # Errors
    /// When the kernel or the disk refuses, or when all bans of nobody are to be lifted.
    pub fn unban(&self, request: &UnbanRequest, caller: &Caller) -> Result<Removed, Failure> {
        let prefixes: Vec<IpNet> = match (&request.source, request.all) {
            (_, false) => request.prefixes.iter().map(|prefix| prefix.net()).collect(),
            (Some(source), true) if request.prefixes.is_empty() => {
                self.bans_by(source)?.into_iter().map(|ban| ban.prefix).collect()
            }
            (_, true) => return Err(Failure::usage("`all` is for one source, and without prefixes")),
        };
        let removed = match &request.source {
            Some(source) => self.bans.unban_of(&self.kernel, &self.store, source, &prefixes)?,
            None => self.bans.unban(&self.kernel, &self.store, &prefixes)?,
        };
        let removed: HashSet<IpNet> = removed.into_iter().collect();
        tracing::info!(bans = removed.len(), source = request.source, "bans lifted");
        if !removed.is_empty() {
            let to = request.source.as_ref().map(|source| format!("those of source {source}"));
            self.audit(&Change { to, ..Change::new(caller, "unban", in_short(&removed)) }, None);
        }
        let asked = prefixes.into_iter().map(Prefix::from);
        let (removed, missing) = asked.partition(|prefix| removed.contains(&prefix.net()));
        Ok(Removed { removed, missing })
    }

    /// The bans in force that a filter leaves, those that end first first.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn bans(&self, filter: &BanFilter) -> Result<Bans, Failure> {
        let mut bans = match filter.covering {
            Some(prefix) => self.bans_covering(prefix.net())?,
            None => in_force(self.bans.with_waiting(|| Ok(self.store.bans()?), |_| true)?),
        };
        if let Some(source) = &filter.source {
            bans.retain(|ban| ban.source == *source);
        }
        if let Some(seconds) = filter.ending_within_seconds {
            let within = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
            let until = now().saturating_add(within).unwrap_or(Timestamp::MAX);
            bans.retain(|ban| ban.expires.is_some_and(|expires| expires <= until));
        }
        Ok(Bans { bans })
    }

    /// Clears away the bans that have ended; the data path stopped honouring them by itself. Does what else is to be done
    /// about once a second for the tables and for the store.
    ///
    /// # Errors
    /// When the kernel or the disk refuses.
    pub fn sweep_bans(&self) -> Result<usize, Failure> {
        let gone = self.bans.sweep(&self.kernel, &self.store, now(), monotonic_ns())?;
        self.kernel.clean_bans();
        self.store.keep_up()?;
        if let Err(error) = self.audit.keep_up() {
            tracing::warn!(%error, "the audit log is not on the disk yet");
        }
        Ok(gone)
    }

    /// Brings to the disk whatever of the bans is not there yet. For the end of the daemon.
    ///
    /// # Errors
    /// When the disk refuses; then the next start finds what this process has left.
    pub fn finish_bans(&self) -> Result<(), Failure> {
        self.bans.finish(&self.store);
        let _ = self
            .audit
            .keep_up()
            .inspect_err(|error| tracing::warn!(%error, "the audit log is not on the disk"));
        Ok(self.store.keep_up()?)
    }

    /// The bans of one source, those that ended a moment ago among them.
    pub(super) fn bans_by(&self, source: &str) -> Result<Vec<BanRecord>, Failure> {
        let mut records = self.bans.with_waiting(|| Ok(self.store.bans()?), |_| true)?;
        records.retain(|ban| ban.note.source == source);
        Ok(records)
    }

    /// The bans that cover a prefix, as the API shows them.
    pub(super) fn bans_covering(&self, prefix: IpNet) -> Result<Vec<Ban>, Failure> {
        let covers = |ban: IpNet| ban.contains(&prefix);
        let records = self.bans.with_waiting(|| Ok(self.store.bans_around(prefix)?), covers)?;
        Ok(in_force(records))
    }

    fn refuse_lockout(
        &self,
        mut prefixes: impl Iterator<Item = IpNet>,
        force: bool,
        peer: Option<SshPeer>,
    ) -> Result<(), Failure> {
        if force {
            return Ok(());
        }
        let live = self.live();
        prefixes.try_for_each(|prefix| lockout::check_ban(&live.inputs, prefix, peer))
    }
}

fn what(request: &BanRequest) -> String {
    let prefixes: Vec<IpNet> = request.bans.iter().take(4).map(|ban| ban.prefix.net()).collect();
    match request.bans.len() {
        many if many > prefixes.len() => format!("{many} prefixes"),
        _ => in_short(&prefixes),
    }
}

/// Of the first ban: those of one command are alike.
fn audited(request: &BanRequest) -> Option<String> {
    request.bans.first().map(|ban| in_words(ban.ttl_seconds, &ban.reason, &request.source, &ban.note))
}

fn in_words(ttl_seconds: Option<u64>, reason: &str, source: &str, note: &str) -> String {
    let ttl = ttl_seconds.map_or_else(|| "for good".to_owned(), |seconds| format!("for {seconds} s"));
    let told = [("reason", reason), ("source", source), ("note", note)]
        .into_iter()
        .filter(|(_, text)| !text.is_empty());
    told.fold(ttl, |words, (name, text)| format!("{words}, {name} {text}"))
}

fn in_force(mut records: Vec<BanRecord>) -> Vec<Ban> {
    let now = now();
    records.retain(|ban| ban.note.expires.is_none_or(|expires| expires > now));
    records.sort_by(|one, other| {
        let key = |ban: &BanRecord| (ban.note.expires.is_none(), ban.note.expires, ban.prefix);
        key(one).cmp(&key(other)).then_with(|| one.note.source.cmp(&other.note.source))
    });
    records.iter().map(|ban| request::shown(ban.prefix, &ban.note, now)).collect()
}
