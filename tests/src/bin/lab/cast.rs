//! Who is on the wire, and what the policy owes each.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{Context, Result};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use xdpgate::config::{Config, Rate};
use xdpgate::feeds::GeoDatabase;
use xdpgate_tests::flood::Sources;
use xdpgate_tests::geo::{self, Country};
use xdpgate_tests::veth::{GUARDED_IPV4, GUARDED_IPV6};

/// Where the web server listens.
pub(crate) const WEB: u16 = 80;
/// Where datagrams are counted.
pub(crate) const SINK: u16 = 9000;
/// What the flood is for: a UDP service of the default policy, so that the country rule judges it.
pub(crate) const FLOODED: u16 = 443;
/// Datagrams of a blocklisted host in a second.
pub(crate) const BLOCKLISTED_RATE: u32 = 200;
/// How many times its limit the loud host sends.
pub(crate) const LOUDNESS: u32 = 10;

/// Small, so that little of the world is denied; the first that the database has in both families is taken.
const DENIED: [&str; 5] = ["AQ", "LI", "SM", "MC", "AD"];
/// Networks of one kind that the flood uses at most.
const MOST_NETS: u32 = 32;
/// Prefixes on the blocklist besides those that send: a list of a usual size.
const FILLER: u32 = 20_000;

/// The same role in both address families.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Host {
    pub(crate) ipv4: IpAddr,
    pub(crate) ipv6: IpAddr,
}

impl Host {
    const fn new(ipv4: Ipv4Addr, ipv6: Ipv6Addr) -> Self {
        Self { ipv4: IpAddr::V4(ipv4), ipv6: IpAddr::V6(ipv6) }
    }

    pub(crate) const fn both(self) -> [IpAddr; 2] {
        [self.ipv4, self.ipv6]
    }
}

/// The guarded host.
pub(crate) const GUARDED: [IpAddr; 2] = [IpAddr::V4(GUARDED_IPV4), IpAddr::V6(GUARDED_IPV6)];
/// Fetches pages, some a second.
pub(crate) const CLIENT: Host =
    Host::new(Ipv4Addr::new(203, 0, 113, 10), Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x10));
/// Sends far more than one source may.
pub(crate) const LOUD: Host =
    Host::new(Ipv4Addr::new(198, 51, 100, 20), Ipv6Addr::new(0x2001, 0xdb8, 0xb, 0, 0, 0, 0, 0x20));
/// Is on the blocklist.
pub(crate) const BLOCKLISTED: Host =
    Host::new(Ipv4Addr::new(203, 0, 113, 66), Ipv6Addr::new(0x2001, 0xdb8, 0xbad, 0, 0, 0, 0, 0x66));

/// On the blocklist; the flood uses them too. 198.18.0.0/15 is for benchmarks (RFC 2544).
const BLOCKLISTED_NETS: [IpNet; 2] = [
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(198, 18, 0, 0), 15)),
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(0x2001, 0xdb8, 0xbad, 0, 0, 0, 0, 0), 48)),
];

/// All who send.
#[derive(Debug)]
pub(crate) struct Cast {
    /// The country that is denied.
    pub(crate) denied: Country,
    /// The limit of each source, of the embedded default policy.
    pub(crate) limit: Rate,
}

impl Cast {
    pub(crate) fn choose() -> Result<Self> {
        let path = geo::database()?;
        let database = GeoDatabase::open(&path)?;
        let mut countries = DENIED.iter().filter_map(|code| code.parse().ok());
        let denied = countries.find_map(|code| Country::find(&database, code));
        let denied = denied.with_context(|| {
            format!("{} has none of {DENIED:?} in both address families; use another", path.display())
        })?;
        let limit = Config::embedded_default().source_limits.packets;
        Ok(Self { denied, limit: limit.context("the embedded policy has no limit in packets")? })
    }

    /// Packets that one source may send in a second.
    pub(crate) fn limit_per_second(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a limit of the default policy is far below 2^52")]
        let units = self.limit.units as f64;
        units / self.limit.per.as_secs_f64()
    }

    /// Datagrams that the loud host sends in a second.
    pub(crate) fn loud_rate(&self) -> u32 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "thousands")]
        let limit = self.limit_per_second() as u32;
        limit * LOUDNESS
    }

    /// Hosts that need an address of their own outside.
    pub(crate) fn hosts(&self) -> Vec<IpAddr> {
        let own = [CLIENT, LOUD, BLOCKLISTED].into_iter().flat_map(Host::both);
        own.chain(self.denied.hosts()).collect()
    }

    /// The flood over IPv4: half from the denied country, half from blocklisted networks, and a little from anywhere.
    pub(crate) fn flood4(&self) -> Result<Sources> {
        let [blocklisted, _] = BLOCKLISTED_NETS;
        let anywhere = "0.0.0.0/0".parse()?;
        Sources::new(shared(504, &self.denied.ipv4).chain([(blocklisted, 504), (anywhere, 16)]))
    }

    /// The flood over IPv6: a third each from the denied country, from a blocklisted network, and from a few /64s whose
    /// every packet has another address; and a little from anywhere.
    pub(crate) fn flood6(&self) -> Result<Sources> {
        let [_, blocklisted] = BLOCKLISTED_NETS;
        let anywhere = "::/0".parse()?;
        let rotating = rotating();
        let floods = shared(336, &self.denied.ipv6).chain(shared(336, &rotating));
        Sources::new(floods.chain([(blocklisted, 336), (anywhere, 16)]))
    }
}

/// The /64s inside which sources rotate.
fn rotating() -> Vec<IpNet> {
    let net = |n| Ipv6Net::new_assert(Ipv6Addr::new(0x2001, 0xdb8, 0xf100, n, 0, 0, 0, 0), 64);
    (0..4).map(|n| net(n).into()).collect()
}

/// Up to [`MOST_NETS`] of the networks, with `slots` of the generator's slots shared out among them.
fn shared(slots: u32, nets: &[IpNet]) -> impl Iterator<Item = (IpNet, u32)> {
    let count = u32::try_from(nets.len()).unwrap_or(MOST_NETS).clamp(1, MOST_NETS);
    nets.iter().zip(0..count).map(move |(net, _)| (*net, slots / count))
}

/// The blocklist, as an operator would have it from somewhere.
pub(crate) fn blocklist() -> String {
    let [ipv4, ipv6] = BLOCKLISTED_NETS;
    let mut text = format!(
        "# Blocklist of the lab\n{ipv4} ; benchmark networks\n203.0.113.64-203.0.113.71\n{ipv6}\n{}\n",
        BLOCKLISTED.ipv6
    );
    for n in 0..FILLER {
        // Every other /24 of 100.64.0.0 and above; nobody sends from there.
        let address = Ipv4Addr::from_bits(u32::from_be_bytes([100, 64, 0, 0]) + (n << 7 & !0xff));
        // Writing to a String does not fail.
        let _ = writeln!(text, "{}", Ipv4Addr::from_bits(address.to_bits() | n & 0xff));
    }
    text
}

/// The guarded host's sockets of one port, IPv4 and IPv6.
pub(crate) fn sockets(port: u16) -> [SocketAddr; 2] {
    GUARDED.map(|address| SocketAddr::new(address, port))
}
