//! Whom this host must not lose: read from `/proc` in the daemon's own network namespace. The parsers are pure.

mod addresses;
mod processes;
mod routes;
mod sockets;

use std::fs;
use std::net::IpAddr;

use self::addresses::{own_ipv4, own_ipv6, resolvers};
use self::routes::{gateways_ipv4, gateways_ipv6};
use self::sockets::{connected, listening};

pub use self::processes::socket_owners;
pub(super) use self::sockets::{Listening, Transport};

/// The addresses that matter now. What cannot be read is left out: nobody is refused anything because of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Host {
    /// Who is connected to one of the ports that were asked for, and to which.
    pub(super) connected: Vec<(IpAddr, u16)>,
    /// The routers of the default routes.
    pub(super) gateways: Vec<IpAddr>,
    /// The name servers.
    pub(super) resolvers: Vec<IpAddr>,
    /// The host's own addresses.
    pub(super) own: Vec<IpAddr>,
}

impl Host {
    /// Looks at this host, and at connections to these ports.
    pub(super) fn now(ports: &[u16]) -> Self {
        let file = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let mut host = Self {
            connected: connected(&file("/proc/self/net/tcp"), ports),
            gateways: gateways_ipv4(&file("/proc/self/net/route")),
            resolvers: resolvers(&file("/etc/resolv.conf")),
            own: own_ipv4(&file("/proc/self/net/fib_trie")),
        };
        host.connected.extend(connected(&file("/proc/self/net/tcp6"), ports));
        host.gateways.extend(gateways_ipv6(&file("/proc/self/net/ipv6_route")));
        host.own.extend(own_ipv6(&file("/proc/self/net/if_inet6")));
        host.connected.sort_unstable();
        host.connected.dedup();
        for addresses in [&mut host.gateways, &mut host.resolvers, &mut host.own] {
            addresses.sort_unstable();
            addresses.dedup();
        }
        // Nothing of this comes over a guarded interface.
        host.connected.retain(|(address, _)| !address.is_loopback());
        host.resolvers.retain(|address| !address.is_loopback());
        host.own.retain(|address| !address.is_loopback());
        host
    }
}

/// Every socket that waits for whoever comes, in the daemon's own network namespace.
pub(super) fn listening_sockets() -> Vec<Listening> {
    const FILES: [(&str, Transport); 4] = [
        ("/proc/self/net/tcp", Transport::Tcp),
        ("/proc/self/net/tcp6", Transport::Tcp),
        ("/proc/self/net/udp", Transport::Udp),
        ("/proc/self/net/udp6", Transport::Udp),
    ];
    let read = |(path, transport)| listening(&fs::read_to_string(path).unwrap_or_default(), transport);
    let mut sockets: Vec<_> = FILES.into_iter().flat_map(read).collect();
    sockets.sort_unstable();
    sockets
}
