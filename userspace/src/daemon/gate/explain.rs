use std::fs;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use xdpgate_ebpf::abi::{Limit, bucket_class, fragments};
use xdpgate_ebpf::buckets::BucketKey;
use xdpgate_ebpf::verdict::Action;

use super::{Gate, Live, probe};
use crate::api::types::{
    BucketState, CountryMatch, Explanation, ListLine, ListMatch, Origin, Origined, Probe,
};
use crate::api::{Failure, Prefix};
use crate::config::{Mode, Rate};
use crate::daemon::Inputs;
use crate::daemon::clock::Deadline;
use crate::daemon::events::labels;
use crate::feeds::lines_covering;
use crate::kernel::{Kernel, monotonic_ns};
use crate::policy::{self, AllowedBy, Known, Model};

impl Gate {
    /// What would happen to a packet from this address now, and why.
    ///
    /// # Errors
    /// When the kernel or the store cannot be read.
    pub fn explain(&self, address: IpAddr, probe: Probe) -> Result<Explanation, Failure> {
        let live = self.live();
        let inputs = &live.inputs;
        let known = inputs.with_sources(|sources| policy::known(sources, address));
        let bans = self.bans_covering(IpNet::from(address))?;
        let now_ns = monotonic_ns();
        let deadline = Deadline::now();

        let mut tables = Model::new(Arc::clone(&live.image));
        tables.pause(self.kernel.paused()?);
        for ban in &bans {
            tables.add_ban(ban.prefix.net(), deadline.monotonic(ban.expires));
        }
        let buckets = Buckets::read(&self.kernel, &live, address)?;
        buckets.put_into(&tables, &probe::bucket_key(&live.image.settings, address));
        let verdict = probe::judge(&tables, address, probe, now_ns);

        let list = verdict.list.and_then(|list| live.image.lists.get(usize::from(list.bit())).cloned());
        Ok(Explanation {
            address,
            probe,
            action: if verdict.action() == Action::Pass { "pass" } else { "drop" }.to_owned(),
            reason: verdict.reason.label().to_owned(),
            help: verdict.reason.help().to_owned(),
            list,
            monitored: labels(verdict.monitored),
            paused: self.kernel.paused()?,
            generation: live.image.settings.generation,
            allow: known.allowed.iter().map(|entry| allowed(inputs, entry)).collect(),
            management: known.management.iter().map(management).collect(),
            bans,
            lists: list_matches(inputs, &known, address),
            country: country(inputs, &known),
            limits: buckets.states(&live, now_ns),
        })
    }
}

fn allowed(inputs: &Inputs, entry: &AllowedBy) -> Origined {
    match entry {
        AllowedBy::Policy(entry) => Origined {
            prefix: Prefix::from(entry.value).to_string(),
            origin: Origin::Policy,
            line: Some(entry.line),
            note: String::new(),
        },
        AllowedBy::Operator(prefix) => {
            let record = inputs.allow.iter().find(|record| record.prefix == *prefix);
            let note = record.map(|record| record.note.clone()).unwrap_or_default();
            Origined { prefix: Prefix::from(*prefix).to_string(), origin: Origin::Operator, line: None, note }
        }
    }
}

fn management(entry: &crate::config::Located<IpNet>) -> Origined {
    Origined {
        prefix: Prefix::from(entry.value).to_string(),
        origin: Origin::Policy,
        line: Some(entry.line).filter(|line| *line > 0),
        note: String::new(),
    }
}

fn list_matches(inputs: &Inputs, known: &Known, address: IpAddr) -> Vec<ListMatch> {
    let matches = known.lists.iter().map(|(name, mode)| {
        let source = inputs.list_sources.iter().find(|source| source.name == *name);
        // The file may have gone or changed since it was loaded: then the list is named without its lines.
        let text = source.and_then(|source| fs::read(&source.path).ok()).unwrap_or_default();
        let lines = lines_covering(&text, address).into_iter().map(|(line, text)| ListLine { line, text });
        ListMatch { name: name.clone(), mode: *mode, lines: lines.collect() }
    });
    matches.collect()
}

fn country(inputs: &Inputs, known: &Known) -> Option<CountryMatch> {
    let info = inputs.geo.as_ref()?.info();
    let rule = crate::api::types::GeoRule::from(&inputs.country_rule()).summary();
    Some(CountryMatch { country: known.country, database: info.name, built: info.built, rule })
}

/// The states of one source's buckets, in ticks, as the kernel has them. One that it does not have is full.
struct Buckets {
    packets: Option<u64>,
    bytes: Option<u64>,
    fragments: Option<u64>,
}

impl Buckets {
    fn read(kernel: &Kernel, live: &Live, address: IpAddr) -> Result<Self, Failure> {
        let key = probe::bucket_key(&live.image.settings, address);
        Ok(Self {
            packets: kernel.bucket(&key, bucket_class::PACKETS)?,
            bytes: kernel.bucket(&key, bucket_class::BYTES)?,
            fragments: kernel.bucket(&key, bucket_class::FRAGMENTS)?,
        })
    }

    /// For a model that has no other buckets.
    fn put_into(&self, tables: &Model, key: &BucketKey) {
        let limits = [(bucket_class::PACKETS, self.packets), (bucket_class::BYTES, self.bytes)];
        for (class, state) in limits {
            let put = state.is_none_or(|state| tables.set_bucket(key, class, state));
            debug_assert!(put, "a model without other buckets has room for these");
        }
    }

    fn states(&self, live: &Live, now_ns: u64) -> Vec<BucketState> {
        let settings = &live.image.settings;
        let config = &live.inputs.config;
        let limits = &config.limits;
        let (packets, bytes) = (settings.source.packets, settings.source.bytes);
        let by_fragments = (settings.fragments == fragments::LIMIT).then_some(settings.fragment_limit);
        let rate_of_fragments = match config.fragments.rule {
            crate::config::FragmentRule::Limit(rate) => Some(rate),
            crate::config::FragmentRule::Pass | crate::config::FragmentRule::Drop => None,
        };
        [
            state("packets", limits.packets, Some(packets), self.packets, limits.mode, now_ns),
            state("bytes", limits.bytes, Some(bytes), self.bytes, limits.mode, now_ns),
            state(
                "fragments",
                rate_of_fragments,
                by_fragments,
                self.fragments,
                config.fragments.mode,
                now_ns,
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn state(
    name: &str,
    rate: Option<Rate>,
    limit: Option<Limit>,
    bucket: Option<u64>,
    mode: Mode,
    now_ns: u64,
) -> Option<BucketState> {
    let (rate, limit) = rate.zip(limit.filter(Limit::is_set))?;
    let (left, burst) = probe::units_left(limit, bucket, now_ns);
    let per_second = u128::from(rate.units) * 1_000_000_000 / rate.per.as_nanos().max(1);
    let per_second = u64::try_from(per_second).unwrap_or(u64::MAX);
    Some(BucketState { limit: name.to_owned(), per_second, burst, left, mode })
}
