//! The wire: a veth pair between the outside and the guarded host, each in a namespace of its own.

use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::{Context, Result};

use crate::namespace::Namespace;

/// The interface of the outside.
pub const OUTSIDE: &str = "outside0";
/// The interface that xdpgate guards.
pub const GUARDED: &str = "guarded0";
/// The hardware address of [`OUTSIDE`].
pub const OUTSIDE_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
/// The hardware address of [`GUARDED`].
pub const GUARDED_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
/// The router of the guarded host: everything outside is behind it.
pub const OUTSIDE_IPV4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// The guarded host.
pub const GUARDED_IPV4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
/// The router of the guarded host.
pub const OUTSIDE_IPV6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
/// The guarded host.
pub const GUARDED_IPV6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);

/// With one queue, generators on two CPUs would fight for the lock of one ring.
const QUEUES: u32 = 2;
/// Room for packets that wait because the ring of the other end is full.
const QUEUE_PACKETS: u32 = 10_000;

/// A veth pair with one end outside and one guarded.
#[derive(Debug)]
pub struct Wire {
    /// Where the clients and the attackers are.
    pub outside: Namespace,
    /// Where the servers and xdpgate are.
    pub guarded: Namespace,
}

impl Wire {
    /// Creates both namespaces and the pair. Neighbours are fixed and IPv6 finds nothing by itself, so nothing is on
    /// the wire that nobody sent on purpose, apart from a few multicast reports when the interfaces come up.
    ///
    /// # Errors
    ///
    /// When `ip`, `tc` or a sysctl fails.
    pub fn create() -> Result<Self> {
        Self::of_queues(QUEUES)
    }

    /// With one queue each way, so that packets of all flows stay in order.
    ///
    /// # Errors
    ///
    /// As [`Self::create`].
    pub fn of_one_queue() -> Result<Self> {
        Self::of_queues(1)
    }

    fn of_queues(queues: u32) -> Result<Self> {
        let wire = Self { outside: Namespace::create("outside")?, guarded: Namespace::create("guarded")? };
        quiet_ipv6(&wire.outside)?;
        quiet_ipv6(&wire.guarded)?;
        wire.outside.ip(&wire.pair(queues))?;
        // Before the interface is up, so that it counts every packet (see stats.rs); a queueing discipline is also
        // what makes veth hold back instead of dropping when the ring is full (veth.c, from 6.16).
        let limit = QUEUE_PACKETS.to_string();
        wire.outside.run("tc", &["qdisc", "add", "dev", OUTSIDE, "root", "pfifo", "limit", &limit])?;
        wire.guarded.ip(&end(
            GUARDED,
            GUARDED_IPV4,
            GUARDED_IPV6,
            OUTSIDE_IPV4,
            OUTSIDE_IPV6,
            OUTSIDE_MAC,
        ))?;
        wire.outside.ip(&end(
            OUTSIDE,
            OUTSIDE_IPV4,
            OUTSIDE_IPV6,
            GUARDED_IPV4,
            GUARDED_IPV6,
            GUARDED_MAC,
        ))?;
        wire.guarded.ip(&format!(
            "route add default via {OUTSIDE_IPV4} dev {GUARDED}\nroute add ::/0 via {OUTSIDE_IPV6} dev {GUARDED}\n"
        ))?;
        Ok(wire)
    }

    /// Gives hosts to the outside, so that sockets there can have these sources.
    ///
    /// # Errors
    ///
    /// When `ip` fails.
    pub fn add_outside_hosts(&self, hosts: &[IpAddr]) -> Result<()> {
        let lines = hosts.iter().fold(String::new(), |mut lines, host| {
            let length = if host.is_ipv4() { 32 } else { 128 };
            let flags = if host.is_ipv4() { "" } else { " nodad" };
            // Writing to a String does not fail.
            let _ = writeln!(lines, "address add {host}/{length} dev {OUTSIDE}{flags}");
            lines
        });
        self.outside.ip(&lines)
    }

    /// The kernel's index of [`OUTSIDE`].
    ///
    /// # Errors
    ///
    /// When `ip` fails.
    pub fn outside_index(&self) -> Result<u32> {
        let links: serde_json::Value =
            serde_json::from_str(&self.outside.run("ip", &["-j", "link", "show", "dev", OUTSIDE])?)?;
        let index = links.pointer("/0/ifindex").and_then(serde_json::Value::as_u64);
        index.and_then(|index| index.try_into().ok()).with_context(|| format!("{OUTSIDE} has no index"))
    }

    fn pair(&self, queues: u32) -> String {
        let [outside, guarded] = [OUTSIDE_MAC, GUARDED_MAC].map(mac);
        let queues = format!("numtxqueues {queues} numrxqueues {queues}");
        let guarded_namespace = self.guarded.name();
        format!(
            "link add {OUTSIDE} address {outside} {queues} type veth \
             peer name {GUARDED} address {guarded} {queues} netns {guarded_namespace}\n"
        )
    }
}

fn end(
    name: &str,
    ipv4: Ipv4Addr,
    ipv6: Ipv6Addr,
    peer4: Ipv4Addr,
    peer6: Ipv6Addr,
    peer: [u8; 6],
) -> String {
    let peer = mac(peer);
    format!(
        "address add {ipv4}/24 dev {name}\naddress add {ipv6}/64 dev {name} nodad\nlink set {name} up\n\
         neighbour replace {peer4} lladdr {peer} nud permanent dev {name}\n\
         neighbour replace {peer6} lladdr {peer} nud permanent dev {name}\n"
    )
}

fn mac(address: [u8; 6]) -> String {
    address.map(|byte| format!("{byte:02x}")).join(":")
}

/// No router solicitations, no autoconfiguration, no link-local address.
fn quiet_ipv6(namespace: &Namespace) -> Result<()> {
    namespace.within(|| {
        for scope in ["all", "default"] {
            let directory = format!("/proc/sys/net/ipv6/conf/{scope}");
            for (name, value) in
                [("accept_dad", "0"), ("accept_ra", "0"), ("autoconf", "0"), ("router_solicitations", "0")]
            {
                write_sysctl(&format!("{directory}/{name}"), value)?;
            }
        }
        // Multicast reports of new addresses go out at once, and are over before anything is counted.
        write_sysctl("/proc/sys/net/ipv6/conf/default/mldv2_unsolicited_report_interval", "1")?;
        // 1 is "none"; `all` does not accept it.
        write_sysctl("/proc/sys/net/ipv6/conf/default/addr_gen_mode", "1")
    })
}

fn write_sysctl(path: &str, value: &str) -> Result<()> {
    fs::write(path, value).with_context(|| format!("cannot write {value} to {path}"))
}
