//! The limits that count one packet, and the state of their buckets.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use xdpgate_ebpf::abi::{
    self, LimitCounters, LimitRow, Meter, bucket_class, family, fragments, limit_key, limit_number,
    limit_unit, service,
};
use xdpgate_ebpf::buckets::BucketKey;
use xdpgate_ebpf::limit::ticks;
use xdpgate_ebpf::packet::Packet;
use xdpgate_ebpf::rules::{self, RuleCase};
use xdpgate_ebpf::tables::Tables;

use super::stats::count;
use super::{Live, probe};
use crate::api::Failure;
use crate::api::types::{BucketState, LimitCounts};
use crate::config::{Algorithm, Mode, Name};
use crate::country::CountryCode;
use crate::kernel::Kernel;
use crate::policy::Model;
use crate::thousands::grouped;

/// The limits that count a packet.
pub(super) struct Limits<'a> {
    live: &'a Live,
    service: u8,
    plan: u8,
    watched: Vec<Watched>,
}

/// One limit, and whose bucket it charges.
struct Watched {
    name: String,
    algorithm: Algorithm,
    mode: Mode,
    row: LimitRow,
    /// Of the row; none: it has no row, and so no counters.
    number: Option<u16>,
    key: BucketKey,
}

/// A bucket as the kernel has it.
pub(super) struct Bucket<'a> {
    watched: &'a Watched,
    word: u64,
}

impl<'a> Limits<'a> {
    /// Those of the tables of one generation.
    pub(super) fn of(tables: &Model, live: &'a Live, packet: &Packet) -> Self {
        let settings = &tables.image().settings;
        let attributes = tables.attributes(settings.generation, &packet.source);
        let case = |service| RuleCase {
            service,
            packet,
            settings,
            plan: attributes.plan,
            country: attributes.country,
        };
        let mut number = service::NONE;
        if settings.rules & abi::rules::SERVICES != 0 {
            number = rules::service_of(tables, settings, packet);
        }
        let asked = case(number);
        let salt = tables.service_row(settings.generation, number).salt;
        let rule = tables.rule(settings.generation, number, attributes.plan);
        let mut watched: Vec<_> = rule
            .limits
            .iter()
            .filter_map(|number| {
                Some(Watched::of_row(
                    live,
                    *number,
                    tables.limit(settings.generation, *number)?,
                    salt,
                    &asked,
                ))
            })
            .collect();
        if watched.is_empty() && number == service::NONE {
            watched.extend(Watched::of_source(live, &asked));
        }
        if settings.fragments == fragments::LIMIT
            && let Some(row) = tables.limit(settings.generation, limit_number::FRAGMENTS)
        {
            watched.push(Watched::of_row(live, limit_number::FRAGMENTS, row, 0, &case(service::FRAGMENTS)));
        }
        Self { live, service: number, plan: attributes.plan, watched }
    }

    /// The service of the packet.
    pub(super) fn service(&self) -> Option<Name> {
        let position = usize::from(self.service).checked_sub(1)?;
        self.live.inputs.config.services.get(position).map(|service| service.name.clone())
    }

    /// The plan of its source.
    pub(super) fn plan(&self) -> Option<Name> {
        let position = usize::from(self.plan).checked_sub(1)?;
        self.live.inputs.plans.get(position).map(|plan| plan.name.clone())
    }

    /// The words of their buckets in the kernel. Zero: it has none, which is as good as a full one.
    pub(super) fn read(&self, kernel: &Kernel) -> Vec<u64> {
        let word = |watched: &Watched| kernel.bucket(&watched.key, watched.row.class.into()).unwrap_or(0);
        self.watched.iter().map(word).collect()
    }

    /// Their buckets with these words.
    pub(super) fn buckets(&self, words: &[u64]) -> impl Iterator<Item = Bucket<'_>> {
        self.watched.iter().zip(words.to_vec()).map(|(watched, word)| Bucket { watched, word })
    }
}

impl Watched {
    fn of_row(live: &Live, number: u16, row: &LimitRow, salt: u64, case: &RuleCase<'_>) -> Self {
        let named = live.limits.get(&number).map(|of| &of.limit);
        let config = live.inputs.config_in_force();
        let limit = named.and_then(|name| config.limits.iter().find(|limit| limit.name == *name));
        let (name, mode) = match (number, limit) {
            (_, Some(limit)) => (limit.name.to_string(), limit.mode()),
            (limit_number::FRAGMENTS, None) => ("fragments".to_owned(), config.fragments.mode),
            (limit_number::SOURCE_BYTES, None) => ("bytes".to_owned(), config.source_limits.mode),
            (_, None) => ("packets".to_owned(), config.source_limits.mode),
        };
        let algorithm = limit.map(|limit| limit.algorithm).unwrap_or_default();
        let key = rules::bucket_key(row, salt, case);
        Self { name, algorithm, mode, row: *row, number: Some(number), key }
    }

    /// The one limit of each source, which has no row.
    fn of_source(live: &Live, case: &RuleCase<'_>) -> Option<Self> {
        let settings = case.settings;
        let source = settings.source;
        let (name, limit, class, unit) = if source.bytes.is_set() {
            ("bytes", source.bytes, bucket_class::BYTES, limit_unit::BYTES)
        } else if source.packets.is_set() {
            ("packets", source.packets, bucket_class::PACKETS, limit_unit::PACKETS)
        } else {
            return None;
        };
        let row = LimitRow {
            meter: Meter::bucket(limit),
            ipv6_key: *settings.ipv6_key.first_chunk()?,
            ipv4_key: settings.ipv4_key,
            class: u16::try_from(class).ok()?,
            unit,
            key: limit_key::ADDRESS,
            flags: 0,
            spare: [0; 7],
        };
        Some(Self {
            name: name.to_owned(),
            algorithm: Algorithm::TokenBucket,
            mode: live.inputs.config_in_force().source_limits.mode,
            row,
            number: None,
            key: rules::bucket_key(&row, 0, case),
        })
    }

    /// Whose packets count together, in words.
    fn whose(&self) -> String {
        match self.row.key {
            limit_key::SERVICE => "service".to_owned(),
            limit_key::COUNTRY => {
                let [.., first, second] = self.key.high.to_be_bytes();
                CountryCode::from_bytes([first, second]).map_or("unknown".to_owned(), |code| code.to_string())
            }
            _ => prefix(&self.row, &self.key)
                .map_or_else(String::new, |prefix| crate::api::Prefix::from(prefix).to_string()),
        }
    }
}

impl Bucket<'_> {
    /// Puts the bucket into a model.
    pub(super) fn copy_to(&self, tables: &Model) {
        tables.set_bucket(&self.watched.key, self.watched.row.class.into(), self.word);
    }

    /// The bucket as the API shows it.
    pub(super) fn state(&self, now_ns: u64, kernel: &Kernel) -> Result<BucketState, Failure> {
        let Watched { name, algorithm, mode, row, number, .. } = self.watched;
        let (left, burst) = probe::units_left(&row.meter, self.word, now_ns);
        let counters = number.map(|number| kernel.limit_counters(number)).transpose()?;
        let counted = counters.map(|LimitCounters { charged, dropped, monitored }| LimitCounts {
            charged: count(charged),
            dropped: count(dropped),
            monitored: count(monitored),
        });
        Ok(BucketState {
            limit: name.clone(),
            algorithm: *algorithm,
            unit: match row.unit {
                limit_unit::BYTES => "bytes",
                limit_unit::CONNECTIONS => "connections",
                _ => "packets",
            }
            .to_owned(),
            key: self.watched.whose(),
            per_second: units_in(&row.meter, 1),
            rate: rate(&row.meter),
            burst,
            left,
            mode: *mode,
            counted,
        })
    }
}

/// Whole units in some seconds.
fn units_in(meter: &Meter, seconds: u64) -> u64 {
    let time = u128::from(ticks(1_000_000_000)) * u128::from(seconds);
    let units = match meter.window {
        // The cost is rounded to a fraction of a tick.
        0 => {
            let cost = u128::from(meter.limit.cost);
            ((time << xdpgate_ebpf::limit::COST_FRACTION_BITS) + cost / 2).checked_div(cost)
        }
        window => (time * u128::from(meter.limit.burst)).checked_div(window.into()),
    };
    units.and_then(|units| u64::try_from(units).ok()).unwrap_or(u64::MAX)
}

/// The rate in the shortest time that has whole units.
fn rate(meter: &Meter) -> String {
    let (second, minute, hour) = (units_in(meter, 1), units_in(meter, 60), units_in(meter, 3_600));
    if second.saturating_mul(60) == minute || second >= 100 {
        return format!("{}/s", grouped(second));
    }
    if minute.saturating_mul(60) == hour {
        format!("{}/min", grouped(minute))
    } else {
        format!("{}/h", grouped(hour))
    }
}

fn prefix(row: &abi::LimitRow, key: &BucketKey) -> Option<IpNet> {
    let ones = |mask: &[u8]| mask.iter().map(|byte| byte.count_ones()).sum::<u32>();
    let (address, length) = if key.family == family::IPV4 {
        (Ipv4Addr::from_bits(u32::try_from(key.high).ok()?).into(), ones(&row.ipv4_key))
    } else {
        (Ipv6Addr::from_bits(u128::from(key.high) << 64).into(), ones(&row.ipv6_key))
    };
    IpNet::new(address, u8::try_from(length).ok()?).ok()
}
