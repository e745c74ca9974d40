use std::fs::File;
use std::net::IpAddr;

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

        let image = inputs.compile_for(live.settings.generation, address)?;
        let mut tables = Model::new(image);
        tables.pause(self.kernel.paused());
        for ban in &bans {
            // A source is in no more prefixes than there are lengths, so they all fit.
            let _ = tables.add_ban(ban.prefix.net(), deadline.monotonic(ban.expires));
        }
        let buckets = Buckets::read(&self.kernel, &live, address);
        buckets.copy_to(&tables);
        let verdict = probe::judge(&tables, address, probe, now_ns);

        let list = verdict.list.and_then(|list| inputs.lists.get(usize::from(list.bit())));
        let list = list.map(|list| list.name.clone());
        Ok(Explanation {
            address,
            probe,
            action: if verdict.action() == Action::Pass { "pass" } else { "drop" }.to_owned(),
            reason: verdict.reason.label().to_owned(),
            help: verdict.reason.help().to_owned(),
            list,
            monitored: labels(verdict.monitored),
            paused: self.kernel.paused(),
            generation: live.settings.generation,
            allow: known.allowed.iter().map(|entry| allowed(inputs, entry)).collect(),
            management: known.management.iter().map(management).collect(),
            bans,
            lists: list_matches(inputs, &known, address),
            country: country(inputs, &known),
            limits: buckets.states(&live, now_ns),
            modes: inputs.modes_set(),
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
        let file = source.and_then(|source| File::open(&source.path).ok());
        let lines = file.and_then(|file| lines_covering(file, address).ok()).unwrap_or_default();
        let lines = lines.into_iter().map(|(line, text)| ListLine { line, text });
        ListMatch { name: name.clone(), mode: *mode, lines: lines.collect() }
    });
    matches.collect()
}

fn country(inputs: &Inputs, known: &Known) -> Option<CountryMatch> {
    let info = inputs.geo.as_ref()?.info();
    let rule = crate::api::types::GeoRule::from(&inputs.country_rule()).summary();
    Some(CountryMatch { country: known.country, database: info.name, built: info.built, rule })
}

/// The buckets of one source, as the kernel has them: times in ticks.
struct Buckets {
    key: BucketKey,
    packets: u64,
    bytes: u64,
    fragments: u64,
}

impl Buckets {
    fn read(kernel: &Kernel, live: &Live, address: IpAddr) -> Self {
        let key = probe::bucket_key(&live.settings, address);
        // A bucket of which the kernel knows nothing is full.
        let state = |class| kernel.bucket(&key, class).unwrap_or(0);
        Self {
            key,
            packets: state(bucket_class::PACKETS),
            bytes: state(bucket_class::BYTES),
            fragments: state(bucket_class::FRAGMENTS),
        }
    }

    fn copy_to(&self, tables: &Model) {
        for (class, state) in [
            (bucket_class::PACKETS, self.packets),
            (bucket_class::BYTES, self.bytes),
            (bucket_class::FRAGMENTS, self.fragments),
        ] {
            if state != 0 {
                tables.set_bucket(&self.key, class, state);
            }
        }
    }

    fn states(&self, live: &Live, now_ns: u64) -> Vec<BucketState> {
        let settings = &live.settings;
        let config = live.inputs.config_in_force();
        let limits = &config.source_limits;
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
    word: u64,
    mode: Mode,
    now_ns: u64,
) -> Option<BucketState> {
    let (rate, limit) = rate.zip(limit.filter(Limit::is_set))?;
    let (left, burst) = probe::units_left(limit, word, now_ns);
    let per_second = u128::from(rate.units) * 1_000_000_000 / rate.per.as_nanos().max(1);
    let per_second = u64::try_from(per_second).unwrap_or(u64::MAX);
    Some(BucketState { limit: name.to_owned(), per_second, burst, left, mode })
}
