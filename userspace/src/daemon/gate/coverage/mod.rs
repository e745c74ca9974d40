//! Who listens on this host, and whether packets can come to them past the gate.

mod ways;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use xdpgate_ebpf::abi::{self, Rule, action, service};
use xdpgate_ebpf::rules;
use xdpgate_ebpf::tables::Tables as _;

use self::ways::Ways;
use super::{Gate, Live, probe};
use crate::api::Failure;
use crate::api::types::{Cover, Coverage, Probe, Protocol, SocketCoverage};
use crate::config::{InterfaceName, Name};
use crate::daemon::host::{Listening, Transport, listening_sockets, socket_owners};
use crate::kernel::host_interfaces;
use crate::policy::Model;

impl Gate {
    /// Who listens on this host, and what stands before them.
    ///
    /// # Errors
    /// When the kernel does not answer.
    pub fn coverage(&self) -> Result<Coverage, Failure> {
        let rows = self.kernel.interfaces()?;
        let guarded: Vec<InterfaceName> =
            rows.into_iter().filter(|row| row.enforcing).map(|row| row.name).collect();
        let names: Vec<&str> = guarded.iter().map(InterfaceName::as_str).collect();
        let ways = Ways::of(&host_interfaces()?, &names);
        let mut listening = listening_sockets();
        // Workers that share a port are one way in.
        listening.dedup_by_key(|socket| (socket.transport, socket.address, socket.port));
        let inodes: Vec<u64> = listening.iter().map(|socket| socket.inode).collect();
        let mut owners = socket_owners(&inodes);

        let live = self.live();
        // The rules are the same for every source.
        let source = IpAddr::from(Ipv4Addr::UNSPECIFIED);
        let rules = Rules {
            tables: Model::new(live.inputs.compile_for(live.settings.generation, source)?),
            live: &live,
        };
        let sockets = listening.iter().map(|socket| {
            let process = owners.remove(&socket.inode);
            SocketCoverage { process, ..covered(socket, &ways, &rules) }
        });
        let sockets: Vec<_> = sockets.collect();
        let not_covered = sockets.iter().filter(|socket| !socket.covered).count() as u64;
        Ok(Coverage {
            paused: self.kernel.paused(),
            default_action: live.inputs.config.default_action,
            unguarded: ways.unguarded().to_vec(),
            guarded,
            sockets,
            not_covered,
        })
    }
}

/// The rules of the policy in force.
struct Rules<'a> {
    tables: Model,
    live: &'a Live,
}

/// What the rules say of packets to one address and port.
struct Found {
    cover: Cover,
    service: Option<Name>,
    limits: Vec<Name>,
}

fn covered(socket: &Listening, ways: &Ways, rules: &Rules<'_>) -> SocketCoverage {
    let Listening { transport, address, port, inode } = *socket;
    let protocol = match transport {
        Transport::Tcp => Protocol::Tcp,
        Transport::Udp => Protocol::Udp,
    };
    let mut answer = SocketCoverage {
        protocol,
        address,
        port,
        inode,
        process: None,
        loopback: address.is_loopback(),
        guarded: Vec::new(),
        unguarded: Vec::new(),
        cover: Cover::Loopback,
        services: Vec::new(),
        limits: Vec::new(),
        covered: true,
    };
    if answer.loopback {
        return answer;
    }
    let way = ways.to(address);
    for destination in way.addresses {
        let found = rules.of(protocol, destination, port);
        answer.cover = answer.cover.min(found.cover);
        answer.services.extend(found.service);
        answer.limits.extend(found.limits);
    }
    for names in [&mut answer.services, &mut answer.limits] {
        names.sort_unstable();
        names.dedup();
    }
    answer.covered = way.unguarded.is_empty() && answer.cover != Cover::Nothing;
    SocketCoverage { guarded: way.guarded, unguarded: way.unguarded, ..answer }
}

impl Rules<'_> {
    fn of(&self, protocol: Protocol, destination: IpAddr, port: u16) -> Found {
        let settings = self.live.settings;
        let nothing = |cover| Found { cover, service: None, limits: Vec::new() };
        if settings.default_action == action::DROP {
            return nothing(Cover::DefaultDrop);
        }
        let mut number = service::NONE;
        if settings.rules & abi::rules::SERVICES != 0 {
            let probe = Probe { destination: Some(destination), ..Probe::to(protocol, port) };
            number = rules::service_of(&self.tables, &settings, &probe::packet(anybody(destination), probe));
        }
        let Some(position) = usize::from(number).checked_sub(1) else {
            let limited = settings.source.packets.is_set() || settings.source.bytes.is_set();
            return nothing(if limited { Cover::SourceLimits } else { Cover::Nothing });
        };
        let rule = self.tables.rule(settings.generation, number, 0);
        let limits =
            rule.limits.iter().filter_map(|number| Some(self.live.limits.get(number)?.limit.clone()));
        Found {
            cover: if rule == Rule::UNLIMITED { Cover::ServiceUnlimited } else { Cover::Service },
            service: self.live.inputs.config.services.get(position).map(|service| service.name.clone()),
            limits: limits.collect(),
        }
    }
}

/// Some source of the family.
const fn anybody(destination: IpAddr) -> IpAddr {
    match destination {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}
