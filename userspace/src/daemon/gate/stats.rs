use std::collections::{BTreeMap, HashMap};

use xdpgate_ebpf::abi::{self, LimitCounters};
use xdpgate_ebpf::reason::Reason;
use xdpgate_ebpf::verdict::Action;

use super::Gate;
use crate::api::Failure;
use crate::api::types::{
    Count, CountryStats, EventCounts, InterfaceStats, LimitStats, ListStats, Stats, XdpMode,
};
use crate::daemon::clock;
use crate::kernel::{Attached, AttachedMode, CounterSums};

impl Gate {
    /// What was counted, read from the kernel now.
    ///
    /// # Errors
    /// When the kernel's tables cannot be read.
    pub fn stats(&self) -> Result<Stats, Failure> {
        let lists = self.lists()?.lists.into_iter().map(|list| ListStats {
            name: list.name,
            mode: list.mode,
            entries: list.entries,
            dropped: list.dropped,
            monitored: list.monitored,
        });
        let events = self.kernel.event_counters()?;
        Ok(Stats {
            time: clock::now(),
            paused: self.kernel.paused(),
            generation: self.kernel.live_generation(),
            bans: self.kernel.count_bans(),
            interfaces: self.kernel.counters()?.iter().map(|(row, sums)| interface(row, sums)).collect(),
            lists: lists.collect(),
            limits: self.limit_stats()?,
            countries: self.country_stats()?,
            events: EventCounts { written: events.written, skipped: events.skipped, lost: events.lost },
        })
    }
}

impl Gate {
    /// What country rules have counted, by country.
    pub(super) fn country_stats(&self) -> Result<Vec<CountryStats>, Failure> {
        let counted = self.kernel.country_counters()?.into_iter();
        let stats = counted.map(|(country, counters)| CountryStats {
            country,
            dropped: count(counters.dropped),
            monitored: count(counters.monitored),
        });
        Ok(stats.collect())
    }

    fn limit_stats(&self) -> Result<Vec<LimitStats>, Failure> {
        let live = self.live();
        let config = live.inputs.config_in_force();
        let modes: HashMap<_, _> = config.limits.iter().map(|limit| (&limit.name, limit.mode())).collect();
        let stats = live.limits.iter().map(|(number, of)| {
            let LimitCounters { charged, dropped, monitored } = self.kernel.limit_counters(*number)?;
            Ok(LimitStats {
                of: of.clone(),
                mode: modes.get(&of.limit).copied().unwrap_or_default(),
                charged: count(charged),
                dropped: count(dropped),
                monitored: count(monitored),
            })
        });
        let mut stats = stats.collect::<Result<Vec<_>, Failure>>()?;
        stats.sort_by(|one, other| one.of.cmp(&other.of));
        Ok(stats)
    }
}

/// The kernel's count as the API shows it.
pub(super) const fn count(count: abi::Count) -> Count {
    Count { packets: count.packets, bytes: count.bytes }
}

impl From<AttachedMode> for XdpMode {
    fn from(mode: AttachedMode) -> Self {
        match mode {
            AttachedMode::Native => Self::Native,
            AttachedMode::Generic => Self::Generic,
        }
    }
}

fn interface(row: &Attached, sums: &CounterSums) -> InterfaceStats {
    let by_action = |action| -> BTreeMap<String, Count> {
        let reasons = Reason::ALL.iter().filter(|reason| reason.action() == action);
        reasons.map(|reason| (reason.label().to_owned(), count(sums.decided(*reason)))).collect()
    };
    InterfaceStats {
        name: row.name.clone(),
        mode: row.mode.into(),
        enforcing: row.enforcing,
        seen: count(sums.seen),
        passed: by_action(Action::Pass),
        dropped: by_action(Action::Drop),
        monitored: Reason::MONITORABLE
            .iter()
            .map(|reason| (reason.label().to_owned(), count(sums.monitored(*reason))))
            .collect(),
    }
}
