//! What a policy says, once it is checked. The defaults here are those of a key that a policy leaves out.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::list::ListConfig;
use super::service::{LimitConfig, PlanConfig, ServiceConfig};
use super::{AttachMode, CountryScope, DefaultAction, FragmentAction, InterfaceName, Mode, Rate};
use crate::country::CountryCode;
use crate::http::Url;

/// A checked policy. [`Config::default`] is that of an empty file: it limits and blocks nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// The interfaces to guard. May be empty: the command line can name them.
    pub interfaces: Vec<InterfaceName>,
    /// What happens to a packet of which nothing else spoke.
    pub default_action: DefaultAction,
    /// The daemon itself.
    pub daemon: DaemonConfig,
    /// Sizes of the kernel's tables.
    pub tables: TableSizes,
    /// Sources that always pass.
    pub allow: Vec<Located<IpNet>>,
    /// What keeps the operator from being locked out.
    pub safety: Safety,
    /// Blocklists, in the order of the policy.
    pub lists: Vec<ListConfig>,
    /// Where countries come from.
    pub geo: GeoConfig,
    /// The rule on countries, where a service has none of its own.
    pub country: CountryRule,
    /// UDP ports on which the host serves, beside those of services with a country rule.
    pub udp_services: UdpServices,
    /// The rule on later fragments.
    pub fragments: Fragments,
    /// The limits of each source, for what belongs to no service.
    pub source_limits: SourceLimitConfig,
    /// What the host serves, in the order of the policy.
    pub services: Vec<ServiceConfig>,
    /// Sources that services treat alike, in the order of the policy.
    pub plans: Vec<PlanConfig>,
    /// What services and plans may name, in the order of the policy.
    pub limits: Vec<LimitConfig>,
    /// How bans grow.
    pub bans: BanConfig,
    /// Whose decisions are enforced.
    pub crowdsec: Option<CrowdsecConfig>,
    /// The budget of sampled events.
    pub events: EventConfig,
}

/// A value, and the line of the policy that says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// The line, from 1. Zero: a default that no line says.
    pub line: u32,
}

/// Settings of the daemon, read once at its start.
#[derive(Clone, Debug, PartialEq)]
pub struct DaemonConfig {
    /// The socket of the command line.
    pub socket: PathBuf,
    /// The folder of what must survive a restart.
    pub state_dir: PathBuf,
    /// The folder of the pins, on a bpf filesystem.
    pub bpffs: PathBuf,
    /// Where `/metrics` is served.
    pub metrics: Option<SocketAddr>,
    /// Where the program is attached.
    pub attach: AttachMode,
    /// How often the kernel's tables are compared with what they should hold.
    pub verify: Duration,
}

impl Default for DaemonConfig {
    fn default() -> Self {
        Self {
            socket: "/run/xdpgate/xdpgate.sock".into(),
            state_dir: "/var/lib/xdpgate".into(),
            bpffs: "/sys/fs/bpf/xdpgate".into(),
            metrics: None,
            attach: AttachMode::Auto,
            verify: Duration::from_mins(5),
        }
    }
}

/// Entries of the kernel's tables, set when they are created.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TableSizes {
    /// Bans, per address family.
    pub bans: u32,
    /// Sources with rate state.
    pub sources: u32,
    /// Prefixes of one generation, per address family.
    pub prefixes: u32,
}

impl Default for TableSizes {
    fn default() -> Self {
        Self { bans: 1 << 18, sources: 1 << 18, prefixes: 1 << 24 }
    }
}

/// Traffic that is never dropped, whatever else the policy says.
#[derive(Clone, Debug, PartialEq)]
pub struct Safety {
    /// TCP and UDP ports of the host.
    pub management_ports: Vec<u16>,
    /// Sources that always reach them.
    pub management_prefixes: Vec<Located<IpNet>>,
}

impl Default for Safety {
    fn default() -> Self {
        const PRIVATE: [IpNet; 5] = [
            IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8)),
            IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12)),
            IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16)),
            IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7)),
            IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10)),
        ];
        Self {
            management_ports: vec![22],
            management_prefixes: PRIVATE.map(|value| Located { value, line: 0 }).to_vec(),
        }
    }
}

/// Where countries and autonomous systems come from.
#[derive(Clone, Debug, PartialEq)]
pub struct GeoConfig {
    /// The database of countries, an MMDB or a CSV file.
    pub database: Option<PathBuf>,
    /// The database of autonomous systems, likewise.
    pub asn_database: Option<PathBuf>,
    /// How often the daemon looks whether their files have changed.
    pub check_every: Duration,
}

impl Default for GeoConfig {
    fn default() -> Self {
        Self { database: None, asn_database: None, check_every: Duration::from_mins(1) }
    }
}

/// A rule on countries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CountryRule {
    /// Which countries.
    pub rule: CountrySelection,
    /// What happens to a source of no known country while a rule is in force.
    pub unknown: DefaultAction,
    /// Which packets are judged.
    pub scope: CountryScope,
    /// Whether the rule drops or only counts.
    pub mode: Mode,
}

/// UDP ports on which the host serves: a packet to one of them starts something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdpServices(pub Vec<u16>);

impl Default for UdpServices {
    fn default() -> Self {
        Self(vec![53, 443])
    }
}

/// The countries that a rule names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CountrySelection {
    /// No rule.
    #[default]
    Off,
    /// These may not.
    Deny(BTreeSet<CountryCode>),
    /// Only these may. Never empty.
    AllowOnly(BTreeSet<CountryCode>),
}

impl CountrySelection {
    /// Whether sources of a country may not.
    #[must_use]
    pub fn denies(&self, country: CountryCode) -> bool {
        match self {
            Self::Off => false,
            Self::Deny(countries) => countries.contains(&country),
            Self::AllowOnly(countries) => !countries.contains(&country),
        }
    }

    /// The countries that it names.
    #[must_use]
    pub const fn named(&self) -> &BTreeSet<CountryCode> {
        const NONE: &BTreeSet<CountryCode> = &BTreeSet::new();
        match self {
            Self::Off => NONE,
            Self::Deny(countries) | Self::AllowOnly(countries) => countries,
        }
    }
}

/// The rule on fragments that are not the first of their packet.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Fragments {
    /// What happens to them.
    pub rule: FragmentRule,
    /// Whether the rule drops or only counts.
    pub mode: Mode,
}

/// What happens to later fragments.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum FragmentRule {
    /// They pass.
    #[default]
    Pass,
    /// They are dropped.
    Drop,
    /// Each source has this limit for them, in packets.
    Limit(Rate),
}

impl FragmentRule {
    /// The rule in a word.
    #[must_use]
    pub const fn action(&self) -> FragmentAction {
        match self {
            Self::Pass => FragmentAction::Pass,
            Self::Drop => FragmentAction::Drop,
            Self::Limit(_) => FragmentAction::Limit,
        }
    }
}

/// The limits of each source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SourceLimitConfig {
    /// In packets.
    pub packets: Option<Rate>,
    /// In bytes of the frame, without preamble and checksum.
    pub bytes: Option<Rate>,
    /// How many leading bits of an IPv4 address make a source.
    pub ipv4_prefix: u8,
    /// Likewise for IPv6.
    pub ipv6_prefix: u8,
    /// Whether the limits drop or only count.
    pub mode: Mode,
}

impl Default for SourceLimitConfig {
    fn default() -> Self {
        Self { packets: None, bytes: None, ipv4_prefix: 32, ipv6_prefix: 64, mode: Mode::Enforce }
    }
}

/// How bans that are asked for grow. Those of limits have times of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BanConfig {
    /// Whether they do where the request does not say.
    pub lengthen: bool,
    /// The longest that a ban grows to.
    pub longest: Duration,
    /// How long after its end a ban counts.
    pub forget: Duration,
}

impl Default for BanConfig {
    fn default() -> Self {
        let week = Duration::from_hours(7 * 24);
        Self { lengthen: false, longest: week, forget: week }
    }
}

/// A `CrowdSec` local API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrowdsecConfig {
    /// The server.
    pub url: Url,
    /// As whom to come.
    pub login: CrowdsecLogin,
    /// A PEM file of the only authorities whose certificates are good.
    pub ca: Option<PathBuf>,
    /// How often to ask.
    pub every: Duration,
    /// Only decisions about these kinds of values.
    pub scopes: Vec<String>,
    /// Only decisions of these origins; empty: of all.
    pub origins: Vec<String>,
    /// Only decisions whose scenario has one of these in it.
    pub scenarios_containing: Vec<String>,
    /// No decisions whose scenario has one of these in it.
    pub scenarios_not_containing: Vec<String>,
    /// Whether decisions are enforced or only counted.
    pub mode: Mode,
}

/// How a bouncer shows who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CrowdsecLogin {
    /// The file of a key.
    Key(PathBuf),
    /// The files of a certificate and its key.
    Certificate {
        /// The certificate.
        certificate: PathBuf,
        /// Its key.
        key: PathBuf,
    },
}

/// How many sampled events one CPU may write.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EventConfig {
    /// Each second. Zero: none.
    pub per_second: u32,
    /// At once. Zero only if `per_second` is.
    pub burst: u32,
}

impl Default for EventConfig {
    fn default() -> Self {
        Self { per_second: 100, burst: 100 }
    }
}
