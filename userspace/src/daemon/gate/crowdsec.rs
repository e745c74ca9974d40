//! Decisions of a CrowdSec local API become bans of the source `crowdsec`.
//!
//! While the server is away its last decisions go on to hold until they end. When it is back, everything is asked for again.

mod enforce;
mod listed;
mod talk;
mod usage;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ipnet::IpNet;
use jiff::Timestamp;

use self::talk::Talk;
use super::Gate;
use crate::api::Failure;
use crate::api::types::{CrowdsecStatus, OriginDecisions};
use crate::bouncer::crowdsec::{Ask, Book, LapiError, SOURCE, Schedule, Unenforced, Usage};
use crate::config::CrowdsecConfig;
use crate::daemon::clock::now;
use crate::kernel::monotonic_ns;

/// How often it is looked whether a policy names a server.
const IDLE: Duration = Duration::from_secs(1);

/// What the daemon knows of the server.
#[derive(Debug, Default)]
pub(super) struct Crowdsec {
    talk: Mutex<Option<Talk>>,
    status: Mutex<Option<CrowdsecStatus>>,
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
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves what was known before.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
