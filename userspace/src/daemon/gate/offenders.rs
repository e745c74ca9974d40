//! Bans of sources that went over a limit with `on_exceed = "ban"`: the kernel tells of them, and drops what is over anyhow.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use ipnet::IpNet;
use jiff::Timestamp;
use xdpgate_ebpf::abi::{Excess, family};

use super::bans::{NewBans, doubled, later};
use super::replace::Change;
use super::{Gate, Live, lockout};
use crate::api::{Failure, Prefix};
use crate::config::{LimitConfig, LimitKey, OnExceed, SourceLimitConfig};
use crate::daemon::Caller;
use crate::daemon::clock::now;
use crate::policy::LimitUse;
use crate::store::{BanNote, Offender};

/// Whom bans of a limit come from.
const SOURCE: &str = "limit";
/// More bans at once than this are one line of the log.
const TOLD_EACH: usize = 20;

/// A source to ban.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    of: LimitUse,
    first: Duration,
    longest: Duration,
}

impl Gate {
    /// Bans the sources that the kernel has told of. Returns how many it told of.
    pub fn ban_offenders(&self) -> usize {
        let mut told = Vec::new();
        let taken = self.kernel.next_excesses(&mut told);
        if told.is_empty() {
            return taken;
        }
        let live = self.live();
        let wanted: BTreeMap<IpNet, Wanted> =
            told.iter().filter_map(|excess| wanted(&live, excess)).collect();
        if let Err(error) = self.ban_wanted(&live, wanted) {
            tracing::error!(%error, "sources over a limit could not be banned; what is over is dropped all the same");
        }
        taken
    }

    /// A descriptor that is readable when the kernel has told of a source.
    ///
    /// # Errors
    /// When there are no descriptors left.
    pub fn offenders_fd(&self) -> std::io::Result<std::os::fd::OwnedFd> {
        self.kernel.excesses_fd()
    }

    fn ban_wanted(&self, live: &Live, mut wanted: BTreeMap<IpNet, Wanted>) -> Result<(), Failure> {
        wanted.retain(|prefix, wanted| match lockout::check_ban(&live.inputs, *prefix, None) {
            Ok(()) => true,
            Err(why) => {
                tracing::warn!(
                    "{} is over the limit {} and is not banned: {why}",
                    Prefix::from(*prefix),
                    name(&wanted.of)
                );
                false
            }
        });
        let now = now();
        // What was dropped before the ban was in force tells once more.
        for prefix in wanted.keys().copied().collect::<Vec<_>>() {
            if !self.bans_covering(prefix)?.is_empty() {
                wanted.remove(&prefix);
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let prefixes: Vec<IpNet> = wanted.keys().copied().collect();
        let before = self.store.bans_so_far(&prefixes, now)?;
        let mut groups: BTreeMap<(String, Option<Timestamp>), Vec<IpNet>> = BTreeMap::new();
        let mut offenders = Vec::with_capacity(prefixes.len());
        for ((prefix, wanted), before) in wanted.iter().zip(before) {
            let length = doubled(wanted.first, before, wanted.longest);
            let bans = before.saturating_add(1);
            let expires = later(now, length);
            offenders.push(Offender { prefix: *prefix, bans, forget: later(expires, wanted.longest) });
            let reason = match bans {
                1 => format!("over the limit {}", name(&wanted.of)),
                bans => format!("over the limit {}, {bans} times", name(&wanted.of)),
            };
            groups.entry((reason, Some(expires))).or_default().push(*prefix);
        }
        let new = groups.into_iter().map(|((reason, expires), prefixes)| NewBans {
            note: BanNote { expires, reason, source: SOURCE.to_owned(), note: String::new(), created: now },
            prefixes,
        });
        let new: Vec<NewBans> = new.collect();
        self.tell(&new);
        self.bans.ban(&self.kernel, &self.store, new)?;
        Ok(self.store.remember_offenders(&offenders, now)?)
    }

    fn tell(&self, new: &[NewBans]) {
        let caller = Caller::daemon();
        let count: usize = new.iter().map(|bans| bans.prefixes.len()).sum();
        if count > TOLD_EACH {
            tracing::warn!(bans = count, "banned sources over a limit");
            let to = Some("over limits".to_owned());
            self.audit(&Change { to, ..Change::new(&caller, "ban", format!("{count} prefixes")) }, None);
            return;
        }
        for bans in new {
            for prefix in &bans.prefixes {
                let (prefix, reason) = (Prefix::from(*prefix).to_string(), bans.note.reason.clone());
                tracing::warn!(%prefix, %reason, "banned");
                self.audit(&Change { to: Some(reason), ..Change::new(&caller, "ban", prefix) }, None);
            }
        }
    }
}

/// Whom a limit bans, if it is still there and still bans.
fn wanted(live: &Live, excess: &Excess) -> Option<(IpNet, Wanted)> {
    let of = live.limits.get(&excess.limit)?;
    let config = &live.inputs.config;
    let limit = config.limits.iter().find(|limit| limit.name == of.limit)?;
    let OnExceed::Ban { first, longest } = limit.on_exceed else { return None };
    Some((banned_prefix(excess, limit, &config.source_limits)?, Wanted { of: of.clone(), first, longest }))
}

/// All whom the limit counts together.
fn banned_prefix(excess: &Excess, limit: &LimitConfig, source: &SourceLimitConfig) -> Option<IpNet> {
    let (ipv4, ipv6) = match limit.key {
        LimitKey::Source => (source.ipv4_prefix, source.ipv6_prefix),
        LimitKey::Prefix { ipv4, ipv6 } => (ipv4, ipv6),
        LimitKey::Country | LimitKey::Service => return None,
    };
    let (address, length): (IpAddr, u8) = match excess.family {
        family::IPV4 => (Ipv4Addr::from_octets(*excess.source.first_chunk()?).into(), ipv4),
        family::IPV6 => (Ipv6Addr::from_octets(excess.source).into(), ipv6),
        _ => return None,
    };
    IpNet::new(address, length).ok().map(|net| net.trunc())
}

fn name(of: &LimitUse) -> String {
    format!("{} of {}", of.limit, of.service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_counts_together_is_banned_together() {
        let text = "[limits.source]\nipv6_prefix = 56\n[[limit]]\nname = \"a\"\nrate = \"1 packets/s\"\non_exceed = \"ban\"\n\
            [[limit]]\nname = \"b\"\nrate = \"1 packets/s\"\nkey = \"prefix\"\non_exceed = \"ban\"\n\
            [[service]]\nname = \"s\"\nports = [80]\nlimits = [\"a\", \"b\"]";
        let config = crate::config::parse(text, std::path::Path::new("policy.toml")).unwrap();
        let excess = |family, source| Excess { time_ns: 0, source, limit: 4, family, spare: [0; 5] };
        let ipv4 = excess(family::IPV4, xdpgate_ebpf::packet::widen([192, 0, 2, 7]));
        let ipv6 = excess(family::IPV6, "2001:db8:1:2345::9".parse::<Ipv6Addr>().unwrap().octets());
        let banned = |excess, limit: usize| {
            banned_prefix(excess, &config.limits[limit], &config.source_limits).unwrap().to_string()
        };
        assert_eq!([banned(&ipv4, 0), banned(&ipv6, 0)], ["192.0.2.7/32", "2001:db8:1:2300::/56"]);
        assert_eq!([banned(&ipv4, 1), banned(&ipv6, 1)], ["192.0.2.0/24", "2001:db8:1::/48"]);
    }
}
