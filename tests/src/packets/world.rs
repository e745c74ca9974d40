//! The sources of the table, and everything that is known about them: lists, countries, bans.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use ipnet::IpNet;
use xdpgate::config::{self, Config};
use xdpgate::feeds::{GeoDatabase, Reading, parse_list};
use xdpgate::policy::{Image, LoadedList, LoadedPlan, Model, OperatorChanges, Sources, compile};

use super::scene::{Scene, State};

/// The host that is guarded.
pub(super) const GUARDED_IPV4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 200);
/// The host that is guarded.
pub(super) const GUARDED_IPV6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

/// A source, in both families.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// What it is.
    pub name: &'static str,
    /// Its IPv4 address.
    pub ipv4: Ipv4Addr,
    /// Its IPv6 address.
    pub ipv6: Ipv6Addr,
}

macro_rules! origins {
    ($($(#[doc = $doc:literal])+ $name:ident = $v4:expr, $v6:expr;)+) => {
        $($(#[doc = $doc])+ pub(super) const $name: Origin = Origin {
            name: stringify!($name),
            ipv4: ipv4($v4),
            ipv6: ipv6($v6),
        };)+

        /// Every source of the table.
        #[must_use]
        pub const fn origins() -> &'static [Origin] {
            &[$($name,)+]
        }
    };
}

const fn ipv4([a, b, c, d]: [u8; 4]) -> Ipv4Addr {
    Ipv4Addr::new(a, b, c, d)
}

/// Host 7 of a /64.
const fn ipv6([a, b, c, d]: [u16; 4]) -> Ipv6Addr {
    Ipv6Addr::new(a, b, c, d, 0, 0, 0, 7)
}

origins! {
    /// Of a known country that no rule names.
    PLAIN = [198, 51, 100, 10], [0x2001, 0xdb8, 1, 0];
    /// Of a denied country.
    DENIED = [198, 18, 0, 7], [0x2001, 0xdb8, 0xa, 0];
    /// Of no known country.
    UNKNOWN = [192, 88, 99, 1], [0x2001, 0xdb8, 0xb, 0];
    /// Banned itself.
    BANNED = [203, 0, 113, 66], [0x2001, 0xdb8, 2, 0];
    /// Banned with its prefix.
    PREFIX_BANNED = [203, 0, 113, 130], [0x2001, 0xdb8, 2, 0x8000];
    /// The ban of the source has ended, that of its prefix has not.
    BANNED_BY_OUTER = [203, 0, 113, 140], [0x2001, 0xdb8, 2, 0x9000];
    /// Banned until long ago.
    PARDONED = [203, 0, 113, 9], [0x2001, 0xdb8, 2, 9];
    /// On the first list.
    BLOCKED = [192, 0, 2, 1], [0x2001, 0xdb8, 3, 1];
    /// On the third list.
    ALSO_BLOCKED = [192, 0, 2, 33], [0x2001, 0xdb8, 3, 0x2001];
    /// On the first and the third list.
    BLOCKED_TWICE = [192, 0, 2, 5], [0x2001, 0xdb8, 3, 0x1001];
    /// On the second list, which only watches.
    WATCHED = [192, 0, 2, 17], [0x2001, 0xdb8, 4, 0];
    /// On the first and on the second list.
    BLOCKED_AND_WATCHED = [192, 0, 2, 9], [0x2001, 0xdb8, 3, 0x0801];
    /// On the second list, and of a denied country.
    WATCHED_AND_DENIED = [192, 0, 2, 25], [0x2001, 0xdb8, 4, 0x8000];
    /// On the first list, and of a denied country.
    BLOCKED_AND_DENIED = [192, 0, 2, 65], [0x2001, 0xdb8, 3, 0x4001];
    /// On the first list, and banned.
    BLOCKED_AND_BANNED = [192, 0, 2, 81], [0x2001, 0xdb8, 3, 0x0101];
    /// On the allowlist, whatever else speaks against it: banned, on a list, of a denied country.
    ALLOWED = [192, 0, 2, 70], [0x2001, 0xdb8, 3, 0x4801];
    /// In a management prefix.
    MANAGEMENT = [10, 1, 2, 3], [0xfd00, 1, 0, 3];
    /// In a management prefix, and banned.
    MANAGEMENT_BANNED = [10, 9, 9, 9], [0xfd00, 9, 0, 9];
    /// In a management prefix, of a denied country, and on the first list.
    MANAGEMENT_BLOCKED = [10, 7, 7, 7], [0xfd00, 7, 0, 7];
}

/// Bit 0 of the lists.
const BLOCKED_LIST: &str = "
192.0.2.0/28       # BLOCKED, BLOCKED_TWICE, BLOCKED_AND_WATCHED
192.0.2.64/27      ; BLOCKED_AND_DENIED, BLOCKED_AND_BANNED, ALLOWED
10.7.7.7
2001:db8:3::/51
2001:db8:3:4000::/50
fd00:7::/32
";
/// Bit 1.
const WATCHED_LIST: &str = "
192.0.2.8-192.0.2.31
2001:db8:3:800::/53
2001:db8:4::/48
";
/// Bit 2.
const ALSO_LIST: &str = "
192.0.2.4/30
192.0.2.32/28
192.0.2.70
2001:db8:3:1000::/52
2001:db8:3:2000::/51
";

const COUNTRIES: &str = "
10.0.0.0,10.6.255.255,FR
10.7.7.7,10.7.7.7,AQ
10.8.0.0,10.255.255.255,FR
192.0.2.0,192.0.2.23,FR
192.0.2.24,192.0.2.31,AQ
192.0.2.32,192.0.2.63,FR
192.0.2.64,192.0.2.79,AQ
192.0.2.80,192.0.2.255,FR
198.18.0.0,198.18.255.255,AQ
198.51.100.0,198.51.100.255,FR
203.0.113.0,203.0.113.255,FR
2001:db8:1::,2001:db8:3:3fff:ffff:ffff:ffff:ffff,FR
2001:db8:3:4000::,2001:db8:3:7fff:ffff:ffff:ffff:ffff,AQ
2001:db8:4::,2001:db8:4:7fff:ffff:ffff:ffff:ffff,FR
2001:db8:4:8000::,2001:db8:4:ffff:ffff:ffff:ffff:ffff,AQ
2001:db8:a::,2001:db8:a:ffff:ffff:ffff:ffff:ffff,AQ
fd00::,fd00:6:ffff:ffff:ffff:ffff:ffff:ffff,FR
fd00:7::,fd00:7:ffff:ffff:ffff:ffff:ffff:ffff,AQ
fd00:8::,fd00:ffff:ffff:ffff:ffff:ffff:ffff:ffff,FR
";

/// Bans: prefix, and whether it has ended.
const BANS: &[(&str, bool)] = &[
    ("203.0.113.66/32", false),
    ("203.0.113.128/25", false),
    ("203.0.113.140/32", true),
    ("203.0.113.9/32", true),
    ("203.0.113.8/30", true),
    ("192.0.2.81/32", false),
    ("192.0.2.70/32", false),
    ("10.9.9.9/32", false),
    ("2001:db8:2::7/128", false),
    ("2001:db8:2:8000::/49", false),
    ("2001:db8:2:9000::7/128", true),
    ("2001:db8:2:9::7/128", true),
    ("2001:db8:2:8::/63", true),
    ("2001:db8:3:101::7/128", false),
    ("2001:db8:3:4801::/64", false),
    ("fd00:9::/32", false),
];
/// A moment of `CLOCK_MONOTONIC` that is always past.
const LONG_AGO_NS: u64 = 1;

/// What is known about sources, ready to compile policies with.
#[derive(Debug)]
pub struct World {
    geo: GeoDatabase,
    bans: Vec<(IpNet, Option<u64>)>,
}

impl World {
    /// Reads the texts above.
    ///
    /// # Errors
    /// One of them does not parse.
    pub fn new() -> Result<Self> {
        let geo = GeoDatabase::parse(COUNTRIES.trim_start().into(), Path::new("countries.csv"))?;
        let bans = BANS.iter().map(|(prefix, ended)| Ok((prefix.parse()?, ended.then_some(LONG_AGO_NS))));
        Ok(Self { geo, bans: bans.collect::<Result<_>>()? })
    }

    /// Prefixes, and the end of each ban.
    #[must_use]
    pub fn bans(&self) -> &[(IpNet, Option<u64>)] {
        &self.bans
    }

    /// A policy, written as an operator would, with the lists that it names.
    ///
    /// # Errors
    /// The policy does not parse or compile, or names a list that does not exist.
    pub fn compile(&self, policy: &str, generation: u64) -> Result<Image> {
        let config = config::parse(policy, Path::new("/table/policy.toml")).context("the table's policy")?;
        let lists = lists(&config)?;
        let changes = OperatorChanges::default();
        let plans: Vec<_> = config.plans.iter().map(plan).collect();
        let sources =
            Sources { lists: &lists, geo: Some(&self.geo), plans: &plans, ..Sources::of(&config, &changes) };
        Ok(compile(&sources, generation)?)
    }

    /// The host's tables as a scene finds them.
    ///
    /// # Errors
    /// As [`World::compile`].
    pub fn model(&self, scene: &Scene) -> Result<Model> {
        let generation = u64::from(scene.state != State::NoPolicy);
        let mut model = Model::new(self.compile(&scene.policy, generation)?);
        model.pause(scene.state == State::Paused);
        for (prefix, expires_ns) in &self.bans {
            model.add_ban(*prefix, *expires_ns)?;
        }
        Ok(model)
    }
}

/// A plan without a file.
fn plan(plan: &config::PlanConfig) -> LoadedPlan {
    let prefixes = plan.prefixes.iter().map(|prefix| prefix.value).collect();
    LoadedPlan { name: plan.name.clone(), prefixes: Arc::new(prefixes) }
}

fn lists(config: &Config) -> Result<Vec<LoadedList>> {
    let load = |list: &config::ListConfig| {
        let text = match list.name.as_str() {
            "blocked" => BLOCKED_LIST,
            "watched" => WATCHED_LIST,
            "also" => ALSO_LIST,
            unknown => anyhow::bail!("the table has no list {unknown}"),
        };
        let parsed = parse_list(text.as_bytes(), &Reading::default())?;
        Ok(LoadedList {
            name: list.name.clone(),
            mode: list.mode,
            ranges: Arc::new(parsed.ranges.into()),
            entries: parsed.entries,
        })
    };
    config.lists.iter().map(load).collect()
}
