//! Counters, summed over CPUs at the moment of reading.

use aya::maps::PerCpuValues;
use xdpgate_ebpf::abi::{
    Count, CountryCounters, EventCounters, InterfaceCounters, LimitCounters, ListCounters, MAX_LISTS,
    MAX_REASONS, country_row,
};
use xdpgate_ebpf::reason::Reason;

use super::attach::Attached;
use super::bans::table_name;
use super::error::KernelError;
use super::tables::Tables;
use super::{Kernel, lock};
use crate::bans::BanTableUse;
use crate::country::CountryCode;

/// One interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterSums {
    /// Counted at entry.
    pub seen: Count,
    /// By [`Reason::index`].
    pub decided: [Count; MAX_REASONS],
    /// By [`Reason::index`]: what rules in monitor mode would have dropped.
    pub monitored: [Count; MAX_REASONS],
}

impl CounterSums {
    /// Nothing counted.
    pub const ZERO: Self = Self {
        seen: Count::ZERO,
        decided: [Count::ZERO; MAX_REASONS],
        monitored: [Count::ZERO; MAX_REASONS],
    };

    /// How packets left with this reason.
    #[must_use]
    pub fn decided(&self, reason: Reason) -> Count {
        self.decided.get(reason.index()).copied().unwrap_or(Count::ZERO)
    }

    /// What rules in monitor mode would have dropped with this reason.
    #[must_use]
    pub fn monitored(&self, reason: Reason) -> Count {
        self.monitored.get(reason.index()).copied().unwrap_or(Count::ZERO)
    }
}

/// Sampled events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventSums {
    /// Handed to the ring.
    pub written: u64,
    /// Left out, because the CPU's budget was used up.
    pub skipped: u64,
    /// Lost, because the ring had no room.
    pub lost: u64,
}

/// How full a table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableUse {
    /// Its name.
    pub name: &'static str,
    /// Entries in use.
    pub used: u64,
    /// Room for entries.
    pub capacity: u64,
}

impl Kernel {
    /// The counters of every guarded interface.
    ///
    /// # Errors
    /// A table or the link layer can't be read.
    pub fn counters(&self) -> Result<Vec<(Attached, CounterSums)>, KernelError> {
        let interfaces = self.interfaces()?;
        let tables = self.tables();
        interfaces
            .into_iter()
            .map(|interface| {
                let rows = tables
                    .counters
                    .get(&interface.slot, 0)
                    .map_err(|error| KernelError::table("COUNTERS", error))?;
                Ok((interface, sum(&rows)))
            })
            .collect()
    }

    /// The counters of the lists, by bit.
    ///
    /// # Errors
    /// The table can't be read.
    pub fn list_counters(&self) -> Result<Vec<ListCounters>, KernelError> {
        let tables = self.tables();
        (0..MAX_LISTS)
            .map(|list| {
                let index = u32::try_from(list).unwrap_or(u32::MAX);
                let rows = tables
                    .list_counters
                    .get(&index, 0)
                    .map_err(|error| KernelError::table("LIST_COUNTERS", error))?;
                Ok(rows.iter().fold(
                    ListCounters { dropped: Count::ZERO, monitored: Count::ZERO },
                    |sum, row| ListCounters {
                        dropped: add(sum.dropped, row.dropped),
                        monitored: add(sum.monitored, row.monitored),
                    },
                ))
            })
            .collect()
    }

    /// The counters of every country that has counted something, and those of sources of no known country last.
    ///
    /// # Errors
    /// The table can't be read.
    pub fn country_counters(&self) -> Result<Vec<(Option<CountryCode>, CountryCounters)>, KernelError> {
        let tables = self.tables();
        let table = |error| KernelError::table("COUNTRY_COUNTERS", error);
        let countries = CountryCode::all().map(Some).chain([None]);
        let read = countries.map(|country| {
            let row = country_row(country.map_or([0; 2], |country| country.as_bytes()));
            let cpus = tables.country_counters.get(&row, 0).map_err(table)?;
            let sum = cpus.iter().fold(CountryCounters::ZERO, |sum, row| CountryCounters {
                dropped: add(sum.dropped, row.dropped),
                monitored: add(sum.monitored, row.monitored),
            });
            Ok((country, sum))
        });
        read.filter(|row| row.as_ref().map_or(true, |(_, counters)| *counters != CountryCounters::ZERO))
            .collect()
    }

    /// The counters of a limit, by the number of its row.
    ///
    /// # Errors
    /// The table can't be read.
    pub fn limit_counters(&self, number: u16) -> Result<LimitCounters, KernelError> {
        let rows = self.tables().limit_counters.get(&number.into(), 0);
        let rows = rows.map_err(|error| KernelError::table("LIMIT_COUNTERS", error))?;
        Ok(rows.iter().fold(LimitCounters::ZERO, |sum, row| LimitCounters {
            charged: add(sum.charged, row.charged),
            dropped: add(sum.dropped, row.dropped),
            monitored: add(sum.monitored, row.monitored),
        }))
    }

    /// Forgets the counters of a row that from now on stands for another limit.
    ///
    /// # Errors
    /// The table can't be written.
    pub fn reset_limit_counters(&self, number: u16) -> Result<(), KernelError> {
        let mut tables = self.tables();
        let table = |error| KernelError::table("LIMIT_COUNTERS", error);
        let cpus = tables.limit_counters.get(&number.into(), 0).map_err(table)?.len();
        let zero =
            PerCpuValues::try_from(vec![LimitCounters::ZERO; cpus]).map_err(|error| table(error.into()))?;
        tables.limit_counters.set(u32::from(number), zero, 0).map_err(table)
    }

    /// Forgets the counters of a bit that from now on stands for another list.
    ///
    /// # Errors
    /// The table can't be written.
    pub fn reset_list_counters(&self, bit: u8) -> Result<(), KernelError> {
        let mut tables = self.tables();
        let index = u32::from(bit);
        let table = |error| KernelError::table("LIST_COUNTERS", error);
        let rows = tables.list_counters.get(&index, 0).map_err(table)?;
        let zero = vec![ListCounters { dropped: Count::ZERO, monitored: Count::ZERO }; rows.len()];
        let zero = PerCpuValues::try_from(zero).map_err(|error| table(error.into()))?;
        tables.list_counters.set(index, zero, 0).map_err(table)
    }

    /// The counters of sampled events.
    ///
    /// # Errors
    /// The table can't be read.
    pub fn event_counters(&self) -> Result<EventSums, KernelError> {
        let rows = self
            .tables()
            .event_counters
            .get(&0, 0)
            .map_err(|error| KernelError::table("EVENT_COUNTERS", error))?;
        Ok(rows.iter().fold(EventSums::default(), |sum, row| {
            let EventCounters { budget: _, written, skipped, lost } = *row;
            EventSums {
                written: sum.written.wrapping_add(written),
                skipped: sum.skipped.wrapping_add(skipped),
                lost: sum.lost.wrapping_add(lost),
            }
        }))
    }

    /// How full the tables are, as far as they can fill. The limiter is not among them: a slot is free as soon as its time has
    /// passed, so how many are in use would take a walk over all of it.
    ///
    /// # Errors
    /// A table can't be read.
    pub fn occupancy(&self) -> Result<Vec<TableUse>, KernelError> {
        let bans = lock(&self.bans).uses();
        let mut uses: Vec<_> = bans
            .into_iter()
            .map(|BanTableUse { table, used, capacity }| TableUse {
                name: table_name(table),
                used: u64::from(used),
                capacity: u64::from(capacity),
            })
            .collect();
        if let Some(report) = lock(&self.installed).clone() {
            let capacity = u64::from(self.options.prefixes);
            uses.push(TableUse {
                name: "prefixes-ipv4",
                used: report.prefixes.ipv4.segments as u64,
                capacity,
            });
            uses.push(TableUse {
                name: "prefixes-ipv6",
                used: report.prefixes.ipv6.segments as u64,
                capacity,
            });
            uses.push(TableUse {
                name: "attribute-sets",
                used: report.attribute_sets,
                capacity: u64::from(xdpgate_ebpf::abi::MAX_ATTRIBUTE_SETS),
            });
        }
        Ok(uses)
    }
}

impl Tables {
    /// Starts the counters of a slot from nothing.
    pub(super) fn clear_counters(&mut self, slot: u32) -> Result<(), KernelError> {
        let table = |error| KernelError::table("COUNTERS", error);
        let cpus = self.counters.get(&slot, 0).map_err(table)?.len();
        let zero = InterfaceCounters {
            seen: Count::ZERO,
            decided: [Count::ZERO; MAX_REASONS],
            monitored: [Count::ZERO; MAX_REASONS],
        };
        let zero = PerCpuValues::try_from(vec![zero; cpus]).map_err(|error| table(error.into()))?;
        self.counters.set(slot, zero, 0).map_err(table)
    }
}

fn sum(rows: &PerCpuValues<InterfaceCounters>) -> CounterSums {
    rows.iter().fold(CounterSums::ZERO, |mut sums, row| {
        sums.seen = add(sums.seen, row.seen);
        for (sum, count) in sums.decided.iter_mut().zip(&row.decided) {
            *sum = add(*sum, *count);
        }
        for (sum, count) in sums.monitored.iter_mut().zip(&row.monitored) {
            *sum = add(*sum, *count);
        }
        sums
    })
}

fn add(a: Count, b: Count) -> Count {
    Count { packets: a.packets.wrapping_add(b.packets), bytes: a.bytes.wrapping_add(b.bytes) }
}
