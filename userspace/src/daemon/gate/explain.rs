use std::fs::File;
use std::net::IpAddr;

use ipnet::IpNet;
use xdpgate_ebpf::verdict::Action;

use super::limits::Limits;
use super::{Gate, probe};
use crate::api::types::{CountryMatch, Explanation, ListLine, ListMatch, Origin, Origined, Probe};
use crate::api::{Failure, Prefix};
use crate::daemon::Inputs;
use crate::daemon::clock::Deadline;
use crate::daemon::events::labels;
use crate::feeds::lines_covering;
use crate::kernel::monotonic_ns;
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
        let limits = Limits::of(&tables, &live, &probe::packet(address, probe));
        let buckets = limits.read(&self.kernel);
        for bucket in &buckets {
            bucket.copy_to(&tables);
        }
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
            service: limits.service(),
            plan: limits.plan(),
            limits: buckets.iter().map(|bucket| bucket.state(now_ns)).collect(),
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
