//! What is known of one server.

use std::collections::HashSet;

use ipnet::IpNet;

use super::listed::Listed;
use crate::bouncer::crowdsec::{Book, Lapi, LapiError, Schedule, Unenforced, Unused, Usage};
use crate::config::CrowdsecConfig;

/// All that belongs to one server and one set of wishes.
#[derive(Debug)]
pub(super) struct Talk {
    pub(super) config: CrowdsecConfig,
    /// Made again after a failure: a key or a certificate may be new.
    pub(super) lapi: Option<Lapi>,
    pub(super) book: Book,
    pub(super) schedule: Schedule,
    pub(super) usage: Usage,
    pub(super) takes_usage: bool,
    pub(super) refused: HashSet<IpNet>,
    pub(super) no_room: HashSet<IpNet>,
    /// What the list of countries was made of.
    pub(super) listed_countries: Option<Listed>,
    /// What that of autonomous systems was made of.
    pub(super) listed_systems: Option<Listed>,
    /// Why decisions about countries are not enforced.
    pub(super) no_countries: Option<String>,
    /// Why those about autonomous systems are not.
    pub(super) no_systems: Option<String>,
}

impl Talk {
    pub(super) fn lapi(&mut self) -> Result<&Lapi, LapiError> {
        let lapi = match self.lapi.take() {
            Some(lapi) => lapi,
            None => Lapi::new(&self.config)?,
        };
        Ok(self.lapi.insert(lapi))
    }

    /// What is not enforced, and why.
    pub(super) fn in_words(&self) -> Vec<String> {
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
