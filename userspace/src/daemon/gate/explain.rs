use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use xdpgate_ebpf::verdict::{Action, Verdict};

use super::limits::Limits;
use super::{Gate, Live, probe};
use crate::api::types::{
    Ban, CountryMatch, ExplainRequest, ExplainedPackets, Explanation, GeoRule, ListLine, ListMatch, Origin,
    Origined, Probe, ProbeVerdict, SystemMatch,
};
use crate::api::{Failure, Prefix};
use crate::config::ServiceConfig;
use crate::daemon::Inputs;
use crate::daemon::clock::Deadline;
use crate::daemon::events::labels;
use crate::daemon::inputs::FoundLine;
use crate::kernel::{Kernel, monotonic_ns};
use crate::policy::{self, AllowedBy, Known, Model};

/// The most packets that are explained at once.
const MOST_PROBES: usize = 1_000;

/// What the kernel has of one address now.
struct Scene {
    live: Arc<Live>,
    bans: Vec<Ban>,
    tables: Model,
    now_ns: u64,
}

impl Gate {
    /// What would happen to a packet from this address now, and why.
    ///
    /// # Errors
    /// When the kernel or the store cannot be read.
    pub fn explain(&self, address: IpAddr, probe: Probe) -> Result<Explanation, Failure> {
        self.explain_in(&self.scene(address)?, address, probe)
    }

    /// What would happen to packets from this address, if each of them came now, and why to the first that would be
    /// dropped, or else to the first.
    ///
    /// # Errors
    /// When there are none or too many of them, and as [`Gate::explain`].
    pub fn explain_packets(
        &self,
        address: IpAddr,
        request: &ExplainRequest,
    ) -> Result<ExplainedPackets, Failure> {
        let probes = &request.probes;
        if probes.len() > MOST_PROBES {
            return Err(Failure::usage(format!("at most {MOST_PROBES} packets can be explained at once")));
        }
        let scene = self.scene(address)?;
        let judged = |probe: &Probe| {
            let verdict = scene.judge(&self.kernel, address, *probe).2;
            ProbeVerdict { action: word(&verdict).to_owned(), reason: verdict.reason.label().to_owned() }
        };
        let verdicts: Vec<_> = probes.iter().map(judged).collect();
        let explained = verdicts.iter().position(|verdict| verdict.action != "pass").unwrap_or(0);
        let probe = probes.get(explained).ok_or_else(|| Failure::usage("there is no packet to explain"))?;
        Ok(ExplainedPackets { explanation: self.explain_in(&scene, address, *probe)?, verdicts, explained })
    }

    fn scene(&self, address: IpAddr) -> Result<Scene, Failure> {
        let live = self.live();
        let bans = self.bans_covering(IpNet::from(address))?;
        let deadline = Deadline::now();
        let mut tables = Model::new(live.inputs.compile_for(live.settings.generation, address)?);
        tables.pause(self.kernel.paused());
        for ban in &bans {
            // A source is in no more prefixes than there are lengths, so they all fit.
            let _ = tables.add_ban(ban.prefix.net(), deadline.monotonic(ban.expires));
        }
        Ok(Scene { live, bans, tables, now_ns: monotonic_ns() })
    }

    fn explain_in(&self, scene: &Scene, address: IpAddr, probe: Probe) -> Result<Explanation, Failure> {
        let Scene { live, bans, now_ns, .. } = scene;
        let inputs = &live.inputs;
        let known = inputs.with_sources(|sources| policy::known(sources, address));
        let (limits, words, verdict) = scene.judge(&self.kernel, address, probe);

        let service = limits.service();
        let service = service.and_then(|name| inputs.config.services.iter().find(|one| one.name == name));
        let list = verdict.list.and_then(|list| inputs.lists.get(usize::from(list.bit())));
        let list = list.map(|list| list.name.clone());
        let buckets = limits.buckets(&words).map(|bucket| bucket.state(*now_ns, &self.kernel));
        Ok(Explanation {
            address,
            probe,
            action: word(&verdict).to_owned(),
            reason: verdict.reason.label().to_owned(),
            help: verdict.reason.help().to_owned(),
            list,
            monitored: labels(verdict.monitored),
            paused: self.kernel.paused(),
            generation: live.settings.generation,
            allow: known.allowed.iter().map(|entry| allowed(inputs, entry)).collect(),
            management: known.management.iter().map(management).collect(),
            bans: bans.clone(),
            lists: list_matches(inputs, &known, service, address),
            country: country(inputs, &known, service),
            system: system(inputs, address),
            service: limits.service(),
            plan: limits.plan(),
            limits: buckets.collect::<Result<_, _>>()?,
            modes: inputs.modes_set(),
        })
    }
}

impl Scene {
    /// The limits of a packet, the words of their buckets, and the verdict.
    fn judge(&self, kernel: &Kernel, address: IpAddr, probe: Probe) -> (Limits<'_>, Vec<u64>, Verdict) {
        let limits = Limits::of(&self.tables, &self.live, &probe::packet(address, probe));
        let words = limits.read(kernel);
        limits.buckets(&words).for_each(|bucket| bucket.copy_to(&self.tables));
        let verdict = probe::judge(&self.tables, address, probe, self.now_ns);
        (limits, words, verdict)
    }
}

fn word(verdict: &Verdict) -> &'static str {
    if verdict.action() == Action::Pass { "pass" } else { "drop" }
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

fn list_matches(
    inputs: &Inputs,
    known: &Known,
    service: Option<&ServiceConfig>,
    address: IpAddr,
) -> Vec<ListMatch> {
    let matches = known.lists.iter().map(|(name, _)| {
        let mode = inputs.with_sources(|sources| {
            let list = sources.lists.iter().find(|list| list.name == *name)?;
            policy::list_mode(sources, service, list)
        });
        let lines = inputs.lines_covering(name, address).into_iter();
        let lines = lines.map(|FoundLine { line, text, .. }| ListLine { line, text });
        ListMatch { name: name.clone(), mode, lines: lines.collect() }
    });
    matches.collect()
}

fn country(inputs: &Inputs, known: &Known, service: Option<&ServiceConfig>) -> Option<CountryMatch> {
    let info = inputs.geo.as_ref()?.info();
    let own = service.and_then(|service| inputs.service_country_rule(service));
    let rule = GeoRule::from(&own.clone().unwrap_or_else(|| inputs.country_rule())).summary();
    let service = service.filter(|_| own.is_some()).map(|service| service.name.clone());
    Some(CountryMatch { country: known.country, database: info.name, built: info.built, rule, service })
}

fn system(inputs: &Inputs, address: IpAddr) -> Option<SystemMatch> {
    let asn = inputs.asn.as_ref()?;
    let info = asn.info();
    Some(SystemMatch { system: asn.system(address), database: info.name, built: info.built })
}
