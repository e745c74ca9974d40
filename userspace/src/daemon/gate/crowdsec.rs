//! Decisions of a CrowdSec local API become bans of the source `crowdsec`.
//!
//! While the server is away its last decisions go on to hold until they end. When it is back, everything is asked for again.

mod listed;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};

use self::listed::Listed;
use super::bans::NewBans;
use super::{Gate, lockout};
use crate::api::types::{CrowdsecStatus, OriginDecisions};
use crate::api::{Failure, FailureKind, Prefix};
use crate::bouncer::crowdsec::{
    Ask, Banned, Book, Changes, Lapi, LapiError, SOURCE, Schedule, Seen, Unenforced, Unused, Usage,
};
use crate::config::{CrowdsecConfig, Mode};
use crate::daemon::clock::now;
use crate::kernel::monotonic_ns;
use crate::store::BanNote;

/// How often it is looked whether a policy names a server.
const IDLE: Duration = Duration::from_secs(1);
/// Where the table has no room for all, so many have none at once.
const AT_ONCE: usize = 4_096;
/// How often the server is told what was done, as `CrowdSec` wants it.
const TELL_EVERY: SignedDuration = SignedDuration::from_mins(15);
/// The note of a ban has the origin of its decision.
const ORIGIN: &str = "origin ";
/// More are not named one by one.
const NAMED: usize = 5;

/// What the daemon knows of the server.
#[derive(Debug, Default)]
pub(super) struct Crowdsec {
    talk: Mutex<Option<Talk>>,
    status: Mutex<Option<CrowdsecStatus>>,
}

/// All that belongs to one server and one set of wishes.
#[derive(Debug)]
struct Talk {
    config: CrowdsecConfig,
    /// Made again after a failure: a key or a certificate may be new.
    lapi: Option<Lapi>,
    book: Book,
    schedule: Schedule,
    usage: Usage,
    takes_usage: bool,
    refused: HashSet<IpNet>,
    no_room: HashSet<IpNet>,
    /// What the list of countries was made of.
    listed_countries: Option<Listed>,
    /// What that of autonomous systems was made of.
    listed_systems: Option<Listed>,
    /// Why decisions about countries are not enforced.
    no_countries: Option<String>,
    /// Why those about autonomous systems are not.
    no_systems: Option<String>,
}

impl Gate {
    /// Asks the server that the policy names, and enforces what it says. Returns when to do so again, from the beginning of
    /// this call.
    pub fn ask_crowdsec(&self) -> Duration {
        let config = self.live().inputs.config.crowdsec.clone();
        let mut talk = lock(&self.crowdsec.talk);
        let Some(config) = config else {
            if talk.take().is_some() {
                self.end_talk();
            }
            return IDLE;
        };
        if talk.as_ref().is_none_or(|talk| talk.config != config) {
            *talk = self.begin_talk(config).map_or_else(
                |error| {
                    tracing::error!(%error, "the bans of CrowdSec cannot be read; trying again");
                    None
                },
                Some,
            );
        }
        talk.as_mut().map_or(IDLE, |talk| self.ask(talk))
    }

    /// Whether the policy names another server than the one that was asked the last time, or has other wishes.
    #[must_use]
    pub fn crowdsec_is_another(&self) -> bool {
        let live = self.live();
        let wanted = live.inputs.config.crowdsec.as_ref();
        lock(&self.crowdsec.talk).as_ref().map(|talk| &talk.config) != wanted
    }

    /// How the daemon stands with the server; `None` without one.
    pub(super) fn crowdsec_status(&self) -> Option<CrowdsecStatus> {
        lock(&self.crowdsec.status).clone()
    }

    fn begin_talk(&self, config: CrowdsecConfig) -> Result<Talk, Failure> {
        let earlier = self.bans_of_crowdsec()?;
        let errors = self.crowdsec_status().map_or(0, |status| status.errors);
        *lock(&self.crowdsec.status) = Some(CrowdsecStatus {
            url: config.url.to_string(),
            mode: config.mode,
            reachable: false,
            last_answer: None,
            decisions: Vec::new(),
            errors,
            error: None,
            unenforced: Vec::new(),
        });
        tracing::info!(url = %config.url, bans = earlier.len(), "following the decisions of CrowdSec");
        Ok(Talk {
            book: Book::starting_with(earlier),
            lapi: None,
            schedule: Schedule::default(),
            usage: Usage::since(now(), self.seen_by_data_path()),
            takes_usage: true,
            refused: HashSet::new(),
            no_room: HashSet::new(),
            listed_countries: None,
            listed_systems: None,
            no_countries: None,
            no_systems: None,
            config,
        })
    }

    /// The policy names no server any more: what was banned because of one is no longer wanted.
    fn end_talk(&self) {
        *lock(&self.crowdsec.status) = None;
        let lifted = self.bans_of_crowdsec().and_then(|bans| {
            let prefixes: Vec<IpNet> = bans.into_iter().map(|(prefix, _)| prefix).collect();
            self.bans.unban_of(&self.kernel, &self.store, SOURCE, &prefixes)
        });
        let unlisted = self.unlist();
        match lifted.and_then(|lifted| unlisted.map(|()| lifted)) {
            Ok(lifted) => {
                tracing::info!(
                    bans = lifted.len(),
                    "the policy names no CrowdSec server any more; its bans are lifted"
                );
            }
            Err(error) => tracing::error!(%error, "the bans of CrowdSec could not all be lifted"),
        }
    }

    fn ask(&self, talk: &mut Talk) -> Duration {
        let every = talk.config.every;
        let ask = talk.schedule.ask(Duration::from_nanos(monotonic_ns()));
        let answer = talk.lapi().and_then(|lapi| lapi.ask(ask));
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                talk.lapi = None;
                self.unanswered(&error);
                return talk.schedule.failed(every);
            }
        };
        let now = now();
        let changes = match ask {
            Ask::All => talk.book.replace(&answer, now),
            Ask::Changes => talk.book.update(&answer, now),
        };
        if ask == Ask::All {
            talk.refused.clear();
            talk.no_room.clear();
        }
        talk.schedule.answered(ask, Duration::from_nanos(monotonic_ns()));
        if let Err(error) = self.enforce_decisions(talk, ask, changes) {
            tracing::error!(%error, "decisions of CrowdSec are not all in force; trying again");
            talk.schedule.in_doubt();
        }
        let Unenforced { countries, systems, .. } = talk.book.unenforced();
        talk.no_countries = self.list_countries(talk, &countries);
        talk.no_systems = self.list_systems(talk, &systems);
        self.answered(talk, now);
        self.tell_usage(talk, now);
        every
    }

    fn enforce_decisions(&self, talk: &mut Talk, ask: Ask, changes: Changes) -> Result<(), Failure> {
        let Changes { ban, lift } = match (talk.config.mode, ask) {
            (Mode::Enforce, _) => changes,
            // Of an earlier time, in which they were enforced.
            (Mode::Monitor, Ask::All) => {
                let earlier = self.bans_of_crowdsec()?.into_iter();
                Changes { lift: earlier.map(|(prefix, _)| prefix).collect(), ban: Vec::new() }
            }
            (Mode::Monitor, Ask::Changes) => Changes::default(),
        };
        if ban.is_empty() && lift.is_empty() {
            return Ok(());
        }
        let lifted = self.bans.unban_of(&self.kernel, &self.store, SOURCE, &lift).inspect_err(|_| {
            talk.book.not_done(&ban.iter().map(|(prefix, _)| *prefix).collect::<Vec<_>>());
        })?;
        let live = self.live();
        let (mut wanted, mut refused) = (Vec::new(), Vec::new());
        for (prefix, banned) in ban {
            match lockout::why_not(&live.inputs, prefix, None) {
                None => wanted.push((prefix, banned)),
                Some(why) => refused.push((prefix, why)),
            }
        }
        for (prefix, why) in refused.iter().take(NAMED) {
            tracing::warn!("a decision of CrowdSec about {} is not enforced: {why}", Prefix::from(*prefix));
        }
        talk.refused.extend(refused.iter().map(|(prefix, _)| *prefix));
        let mut banned = 0;
        for some in wanted.chunks(AT_ONCE) {
            banned += self.ban_because_of(talk, some)?;
        }
        tracing::info!(banned, lifted = lifted.len(), "decisions of CrowdSec");
        Ok(())
    }

    /// Returns how many are banned. Those that have no room are left to the next time.
    fn ban_because_of(&self, talk: &mut Talk, wanted: &[(IpNet, Banned)]) -> Result<usize, Failure> {
        let Err(failure) = self.bans.ban(&self.kernel, &self.store, grouped(wanted)) else {
            for (prefix, _) in wanted {
                talk.no_room.remove(prefix);
            }
            return Ok(wanted.len());
        };
        if failure.kind == FailureKind::TableFull
            && let Some((half, rest)) =
                wanted.split_at_checked(wanted.len() / 2).filter(|(half, _)| !half.is_empty())
        {
            return Ok(self.ban_because_of(talk, half)? + self.ban_because_of(talk, rest)?);
        }
        let prefixes: Vec<IpNet> = wanted.iter().map(|(prefix, _)| *prefix).collect();
        talk.book.not_done(&prefixes);
        if failure.kind == FailureKind::TableFull {
            talk.no_room.extend(prefixes);
            return Ok(0);
        }
        Err(failure)
    }

    fn bans_of_crowdsec(&self) -> Result<Vec<(IpNet, Banned)>, Failure> {
        let banned = self.bans_by(SOURCE)?.into_iter().map(|ban| {
            let origin = ban.note.note.strip_prefix(ORIGIN).unwrap_or_default().to_owned();
            let ends = ban.note.expires.unwrap_or(Timestamp::MAX);
            (ban.prefix, Banned { ends, scenario: ban.note.reason.clone(), origin })
        });
        Ok(banned.collect())
    }

    fn unanswered(&self, error: &LapiError) {
        let mut status = lock(&self.crowdsec.status);
        let Some(status) = status.as_mut() else { return };
        if status.error.is_none() {
            tracing::error!(%error, "CrowdSec does not answer; what it decided before holds until it ends; trying again");
        }
        status.reachable = false;
        status.errors += 1;
        status.error = Some(error.to_string());
    }

    fn answered(&self, talk: &Talk, now: Timestamp) {
        let mut decisions: BTreeMap<String, u64> = BTreeMap::new();
        for ((origin, _), count) in talk.book.counts() {
            *decisions.entry(origin).or_default() += count;
        }
        let decisions =
            decisions.into_iter().map(|(origin, decisions)| OriginDecisions { origin, decisions });
        let mut status = lock(&self.crowdsec.status);
        let Some(status) = status.as_mut() else { return };
        if status.error.take().is_some() {
            tracing::info!("CrowdSec answers again");
        }
        status.reachable = true;
        status.last_answer = Some(now);
        status.decisions = decisions.collect();
        status.unenforced = talk.in_words();
    }

    /// That nobody hears of it is no reason to stop.
    fn tell_usage(&self, talk: &mut Talk, now: Timestamp) {
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

    fn seen_by_data_path(&self) -> Seen {
        let Ok(stats) = self.stats() else { return Seen::default() };
        let banned = stats.interfaces.iter().filter_map(|interface| interface.dropped.get(BANNED));
        let (dropped, dropped_bytes) =
            banned.fold((0, 0), |sum, count| (sum.0 + count.packets, sum.1 + count.bytes));
        let processed = stats.interfaces.iter().map(|interface| interface.seen.packets).sum();
        Seen { processed, dropped, dropped_bytes }
    }
}

const BANNED: &str = xdpgate_ebpf::reason::Reason::Banned.label();

impl Talk {
    fn lapi(&mut self) -> Result<&Lapi, LapiError> {
        let lapi = match self.lapi.take() {
            Some(lapi) => lapi,
            None => Lapi::new(&self.config)?,
        };
        Ok(self.lapi.insert(lapi))
    }

    /// What is not enforced, and why.
    fn in_words(&self) -> Vec<String> {
        let Unenforced { unused, countries, systems } = self.book.unenforced();
        let mut words = Vec::new();
        let mut say = |count: u64, what: &str| {
            if count > 0 {
                words.push(format!("{count} {what}"));
            }
        };
        say(self.refused.len() as u64, "would lock out an operator");
        say(self.no_room.len() as u64, "have no room; raise tables.bans and restart after `xdpgate detach`");
        if let Some(why) = &self.no_countries {
            say(countries.len() as u64, &format!("of scope Country: {why}"));
        }
        if let Some(why) = &self.no_systems {
            say(systems.len() as u64, &format!("of scope AS: {why}"));
        }
        for (why, count) in unused {
            match why {
                Unused::Simulated => say(count, "simulated"),
                Unused::Kind(kind) => say(count, &format!("of type {kind}, which is no ban")),
                Unused::Scope(scope) => say(count, &format!("of scope {scope}")),
                Unused::Unreadable => say(count, "cannot be read"),
            }
        }
        words
    }
}

/// By what is the same for several: a thousand decisions of a list came together.
fn grouped(wanted: &[(IpNet, Banned)]) -> Vec<NewBans> {
    let created = now();
    let mut groups: BTreeMap<(Timestamp, &str, &str), Vec<IpNet>> = BTreeMap::new();
    for (prefix, banned) in wanted {
        let key = (whole_second(banned.ends), banned.scenario.as_str(), banned.origin.as_str());
        groups.entry(key).or_default().push(*prefix);
    }
    let group = |((ends, scenario, origin), prefixes): ((Timestamp, &str, &str), _)| NewBans {
        note: BanNote {
            expires: Some(ends),
            reason: scenario.to_owned(),
            source: SOURCE.to_owned(),
            note: format!("{ORIGIN}{origin}"),
            created,
        },
        prefixes,
    };
    groups.into_iter().map(group).collect()
}

/// The next one.
fn whole_second(time: Timestamp) -> Timestamp {
    let second = time.as_second() + i64::from(time.subsec_nanosecond() > 0);
    Timestamp::from_second(second).unwrap_or(time)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves what was known before.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_that_end_in_the_same_second_share_a_note() {
        let at = |milliseconds: i64| Timestamp::from_millisecond(1_700_000_000_000 + milliseconds).unwrap();
        let banned =
            |ends, origin: &str| Banned { ends, scenario: "ssh-bf".to_owned(), origin: origin.to_owned() };
        let wanted: Vec<(IpNet, Banned)> = [
            ("192.0.2.1/32", banned(at(1), "CAPI")),
            ("192.0.2.2/32", banned(at(1_000), "CAPI")),
            ("192.0.2.3/32", banned(at(1_001), "CAPI")),
            ("192.0.2.4/32", banned(at(1), "cscli")),
        ]
        .map(|(prefix, banned)| (prefix.parse().unwrap(), banned))
        .into();
        let groups: Vec<_> = grouped(&wanted)
            .into_iter()
            .map(|group| {
                (
                    group.note.expires.unwrap().as_millisecond() % 1_000_000,
                    group.note.note,
                    group.prefixes.len(),
                )
            })
            .collect();
        let expected = [(1_000, "origin CAPI", 2), (1_000, "origin cscli", 1), (2_000, "origin CAPI", 1)];
        assert_eq!(groups, expected.map(|(ends, note, count)| (ends, note.to_owned(), count)));
    }
}
