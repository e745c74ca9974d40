//! xdpgate itself: its own loader, its own object, reached by the names of its programs.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use aya::Ebpf;
use aya::programs::{ProgramFd, Xdp};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use xdpgate::config::{self, AttachMode, Config, CountrySelection, Located, Mode};
use xdpgate::feeds::{AddressRanges, GeoDatabase, Range};
use xdpgate::kernel::{CounterSums, Kernel, Options};
use xdpgate::policy::{Image, LoadedList, OperatorChanges, Sources, compile};
use xdpgate_ebpf::reason::Reason;
use xdpgate_tests::program::{self, Folder, Program};

use super::{Counted, Policy, Role, Subject};
use crate::prefixes;

/// The country that a policy with countries denies: small, so that its sources do not decide the figures.
const DENIED: &str = "AQ";
/// The slot in which the program counts.
const SLOT: u32 = 0;

/// The program with tables of its own.
pub(crate) struct Ours {
    object: Ebpf,
    kernel: Kernel,
    generation: u64,
    // Dropped last: the pins go when nobody uses them any more.
    folder: Folder,
}

impl Ours {
    /// Loads it, with room for so many sources in its limiter, and enforces the policy.
    pub(crate) fn load(policy: &Policy, sources: u32) -> Result<Self> {
        let folder = Folder::new();
        let kernel = open(&folder, sources)?;
        kernel.install(&compiled(policy, 1)?)?;
        for ban in &policy.bans {
            kernel.ban(IpNet::from(std::net::IpAddr::from(*ban)), None)?;
        }
        let object = program::load(&folder.maps(), SLOT)?;
        Ok(Self { object, kernel, generation: 1, folder })
    }

    /// Enforces another policy. Its bans are those that are there.
    pub(crate) fn enforce(&mut self, policy: &Policy) -> Result<()> {
        self.generation += 1;
        self.kernel.install(&compiled(policy, self.generation)?)?;
        Ok(())
    }

    /// The kernel side, to attach it to an interface.
    pub(crate) fn kernel(&self) -> &Kernel {
        &self.kernel
    }
}

impl Ours {
    /// All that it has counted.
    pub(crate) fn sums(&self) -> Result<CounterSums> {
        program::counted(&self.folder.maps(), SLOT)
    }
}

impl Subject for Ours {
    fn program(&self) -> Result<ProgramFd> {
        let name = Program::OneBuffer.name();
        let program: &Xdp = self.object.program(name).context(name)?.try_into()?;
        Ok(program.fd()?.try_clone()?)
    }

    fn counted(&self) -> Result<Counted> {
        let sums = self.sums()?;
        let packets = |reason| sums.decided(reason).packets;
        Ok(Counted {
            seen: sums.seen.packets,
            admitted: packets(Reason::WithinLimit),
            limited: packets(Reason::PacketLimit) + packets(Reason::ByteLimit),
            full: packets(Reason::LimiterFull),
        })
    }
}

/// What a whole daemon would hold: a ban or a bucket more would not fit.
fn open(folder: &Folder, sources: u32) -> Result<Kernel> {
    Ok(Kernel::open(&Options {
        bpffs: folder.path().to_owned(),
        bans: 1 << 18,
        sources,
        prefixes: 1 << 24,
        attach: AttachMode::Native,
        force: false,
    })?)
}

/// The image of a policy, by the way of every policy.
pub(crate) fn compiled(policy: &Policy, generation: u64) -> Result<Image> {
    let (config, lists) = decisive(policy)?;
    let changes = OperatorChanges::default();
    let geo = if policy.countries { Some(prefixes::geo()?) } else { None };
    let sources = Sources { lists: &lists, geo: geo.as_ref(), ..Sources::of(&config, &changes) };
    Ok(compile(&sources, generation)?)
}

/// The image of a policy with a rule for every country of a database, so that all of it is compiled.
pub(crate) fn of_countries(database: &GeoDatabase) -> Result<Image> {
    let mut config = Config::default();
    // All but one: the compiler leaves out what no rule tells apart.
    let denied = database.countries().keys().copied().skip(1).collect();
    config.country.rule = CountrySelection::Deny(denied);
    let changes = OperatorChanges::default();
    let sources = Sources { geo: Some(database), ..Sources::of(&config, &changes) };
    Ok(compile(&sources, 1)?)
}

/// The policy as an operator would have written it, and its list.
fn decisive(policy: &Policy) -> Result<(Config, Vec<LoadedList>)> {
    let limit = policy.limit;
    let (rate, burst) = (limit.text(), limit.burst);
    let services = &policy.services;
    let text = format!("[limits.source]\npackets = \"{rate}\"\npackets_burst = {burst}\n{services}");
    let mut config = config::parse(&text, Path::new("bench.toml"))?;
    if policy.countries {
        config.country.rule = CountrySelection::Deny([DENIED.parse()?].into());
    }
    let mut lists = Vec::new();
    match policy.role {
        Role::Management => {
            let nets = nets(policy);
            config.safety.management_prefixes = nets.map(|value| Located { value, line: 0 }).collect();
        }
        Role::List => lists.push(LoadedList {
            name: "bench".parse()?,
            mode: Mode::Enforce,
            ranges: Arc::new(ranges(policy).into()),
            entries: policy.prefixes4.len() + policy.prefixes6.len(),
        }),
    }
    Ok((config, lists))
}

fn ranges(policy: &Policy) -> AddressRanges {
    AddressRanges {
        ipv4: policy.prefixes4.iter().map(|(at, length)| Range::prefix(*at, *length)).collect(),
        ipv6: policy.prefixes6.iter().map(|(at, length)| Range::prefix(*at, *length)).collect(),
    }
}

fn nets(policy: &Policy) -> impl Iterator<Item = IpNet> {
    let ipv4 = policy.prefixes4.iter().map(|(at, length)| Ipv4Net::new_assert((*at).into(), *length).into());
    ipv4.chain(policy.prefixes6.iter().map(|(at, length)| Ipv6Net::new_assert((*at).into(), *length).into()))
}
