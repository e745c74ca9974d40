//! Decisions about addresses and ranges: bans.

use std::collections::BTreeMap;

use ipnet::IpNet;
use jiff::Timestamp;

use super::Talk;
use crate::api::{Failure, FailureKind, Prefix};
use crate::bouncer::crowdsec::{Ask, Banned, Changes, SOURCE};
use crate::config::Mode;
use crate::daemon::clock::now;
use crate::daemon::gate::bans::NewBans;
use crate::daemon::gate::{Gate, lockout};
use crate::store::BanNote;

/// Where the table has no room for all, so many have none at once.
const AT_ONCE: usize = 4_096;
/// The note of a ban has the origin of its decision.
const ORIGIN: &str = "origin ";
/// More are not named one by one.
const NAMED: usize = 5;

impl Gate {
    pub(super) fn enforce_decisions(
        &self,
        talk: &mut Talk,
        ask: Ask,
        changes: Changes,
    ) -> Result<(), Failure> {
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

    pub(super) fn bans_of_crowdsec(&self) -> Result<Vec<(IpNet, Banned)>, Failure> {
        let banned = self.bans_by(SOURCE)?.into_iter().map(|ban| {
            let origin = ban.note.note.strip_prefix(ORIGIN).unwrap_or_default().to_owned();
            let ends = ban.note.expires.unwrap_or(Timestamp::MAX);
            (ban.prefix, Banned { ends, scenario: ban.note.reason.clone(), origin })
        });
        Ok(banned.collect())
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
