//! Every key of a policy, in one table: the parser takes keys and ranges from here, and docs/policy.md is written from
//! it.

use xdpgate_ebpf::abi::{MAX_INTERFACES, MAX_LISTS, MAX_MANAGEMENT_PORTS, MAX_UDP_SERVICES};

use super::choice::FragmentAction;
use super::{AttachMode, CountryScope, DefaultAction, Mode};
use kind::Kind;

mod kind;
mod markdown;
mod suggestion;

pub(super) use kind::Kind as KeyKind;
pub use markdown::markdown;
pub(super) use suggestion::{tables_within, unknown_key};

/// One key.
#[derive(Debug)]
pub(super) struct Key {
    /// The table it is in, such as `limits.source`; empty for the top level.
    pub(super) table: &'static str,
    /// Its name in the table.
    pub(super) name: &'static str,
    /// What it takes.
    pub(super) kind: Kind,
    /// What holds where it is left out.
    pub(super) default: Absent,
    /// What it does, in sentences.
    pub(super) meaning: &'static str,
}

/// What holds where a key is left out.
#[derive(Debug)]
pub(super) enum Absent {
    /// The same as this TOML value.
    Value(&'static str),
    /// Nothing that could be written: in words.
    Nothing(&'static str),
    /// The key has to be there.
    Required,
}

impl Key {
    /// The key with its tables.
    pub(super) fn path(&self) -> String {
        if self.table.is_empty() { self.name.to_owned() } else { format!("{}.{}", self.table, self.name) }
    }
}

/// Declares the keys in the order of the page.
macro_rules! keys {
    ($($(#[doc = $meaning:literal])+ $constant:ident = $table:literal . $name:literal, $kind:expr, $default:expr;)+) => {
        $(
            $(#[doc = $meaning])+
            pub(super) const $constant: Key = Key {
                table: $table,
                name: $name,
                kind: $kind,
                default: $default,
                meaning: concat!($($meaning,)+).trim_ascii(),
            };
        )+

        /// Every key, in the order of the page.
        pub(super) const KEYS: &[Key] = &[$($constant,)+];
    };
}

use Absent::{Nothing, Required, Value};

const TABLE_SIZE: Kind = Kind::Integer { min: 1_024, max: 16_777_216 };

keys! {
    /// The interfaces to guard. The command line can name more.
    INTERFACES = "" . "interfaces", Kind::Interfaces { most: MAX_INTERFACES as usize }, Value("[]");
    /// What happens to a packet of which nothing else spoke.
    DEFAULT_ACTION = "" . "default_action", Kind::Choice(DefaultAction::WORDS), Value("\"pass\"");

    /// The Unix socket on which the command line talks to the daemon. Read at the start.
    SOCKET = "daemon" . "socket", Kind::SocketPath, Value("\"/run/xdpgate/xdpgate.sock\"");
    /// The folder of bans and changes that survive a restart. Read at the start.
    STATE_DIR = "daemon" . "state_dir", Kind::Path, Value("\"/var/lib/xdpgate\"");
    /// The folder of the pinned maps and links, on a bpf filesystem. Read at the start.
    BPFFS = "daemon" . "bpffs", Kind::Path, Value("\"/sys/fs/bpf/xdpgate\"");
    /// Where `/metrics`, `/-/healthy` and `/-/ready` are served, over plain HTTP. Read at the start.
    METRICS = "daemon" . "metrics", Kind::Address, Nothing("not served");
    /// Where the program is attached: in the driver (`native`), in the network stack (`generic`), or in the driver if
    /// it can (`auto`). Read at the start.
    ATTACH = "daemon" . "attach", Kind::Choice(AttachMode::WORDS), Value("\"auto\"");

    /// How many banned addresses the kernel holds, for each address family, and a quarter as many banned prefixes. Applied
    /// when the tables are created.
    TABLE_BANS = "tables" . "bans", TABLE_SIZE, Value("262144");
    /// How many sources can be limited at once. Applied when the tables are created.
    TABLE_SOURCES = "tables" . "sources", TABLE_SIZE, Value("262144");
    /// The most ranges of addresses that a policy may make, for each address family: a guard against lists that grow
    /// without end. The tables themselves take as much memory as a policy needs. Read at the start.
    TABLE_PREFIXES = "tables" . "prefixes", TABLE_SIZE, Value("16777216");

    /// Sources that pass before bans, lists, countries and limits are asked.
    ALLOW_PREFIXES = "allow" . "prefixes", Kind::Prefixes, Value("[]");

    /// TCP and UDP ports of this host that management prefixes always reach. An empty list switches this off.
    MANAGEMENT_PORTS = "safety" . "management_ports", Kind::Ports { most: MAX_MANAGEMENT_PORTS }, Value("[22]");
    /// Sources that always reach the management ports.
    MANAGEMENT_PREFIXES = "safety" . "management_prefixes", Kind::Prefixes,
        Value("[\"10.0.0.0/8\", \"172.16.0.0/12\", \"192.168.0.0/16\", \"fc00::/7\", \"fe80::/10\"]");

    /// The list's name in counters and on the command line. No two lists share one.
    LIST_NAME = "list" . "name", Kind::Name, Required;
    /// The file: one address, prefix or `first-last` range a line; `#` and `;` begin a comment.
    LIST_PATH = "list" . "path", Kind::Path, Required;
    /// Whether the list drops or only counts what it would drop.
    LIST_MODE = "list" . "mode", Kind::Choice(Mode::WORDS), Value("\"enforce\"");
    /// Whether lines that cannot be read are skipped. Otherwise one such line refuses the list.
    LIST_SKIP_BAD = "list" . "skip_bad", Kind::Flag, Value("false");

    /// The database of countries: MMDB, or CSV with `start,end,CC` lines.
    GEO_DATABASE = "geo" . "database", Kind::Path, Nothing("no countries are known");

    /// Countries that are dropped. Not together with `allow_only`. Needs `geo.database`.
    COUNTRY_DENY = "country" . "deny", Kind::Countries, Nothing("no country is denied");
    /// The only countries that are not dropped. Not together with `deny`. Needs `geo.database`.
    COUNTRY_ALLOW_ONLY = "country" . "allow_only", Kind::Countries, Nothing("any country");
    /// What happens to a source of no known country while `deny` or `allow_only` is in force.
    COUNTRY_UNKNOWN = "country" . "unknown", Kind::Choice(DefaultAction::WORDS), Value("\"pass\"");
    /// Which packets are judged: those that start something (`initiating`: TCP SYN without ACK, UDP to one of
    /// `udp_services`), or `all`, which also drops replies to the host's own connections.
    COUNTRY_SCOPE = "country" . "scope", Kind::Choice(CountryScope::WORDS), Value("\"initiating\"");
    /// Whether the rule drops or only counts what it would drop.
    COUNTRY_MODE = "country" . "mode", Kind::Choice(Mode::WORDS), Value("\"enforce\"");
    /// UDP ports on which this host serves.
    UDP_SERVICES = "country" . "udp_services", Kind::Ports { most: MAX_UDP_SERVICES }, Value("[53, 443]");

    /// What happens to fragments that are not the first of their packet: they have no ports, so no other limit sees
    /// them.
    FRAGMENTS_RULE = "fragments" . "rule", Kind::Choice(FragmentAction::WORDS), Value("\"pass\"");
    /// How many such fragments each source may send. Only with `rule = "limit"`, which needs it.
    FRAGMENTS_RATE = "fragments" . "rate", Kind::PacketRate, Nothing("none");
    /// How many of them may come at once.
    FRAGMENTS_BURST = "fragments" . "burst", Kind::PacketBurst, Nothing("one second of the rate");
    /// Whether the rule drops or only counts what it would drop.
    FRAGMENTS_MODE = "fragments" . "mode", Kind::Choice(Mode::WORDS), Value("\"enforce\"");

    /// How many packets each source may send.
    LIMIT_PACKETS = "limits.source" . "packets", Kind::PacketRate, Nothing("no limit");
    /// How many packets may come at once.
    LIMIT_PACKETS_BURST = "limits.source" . "packets_burst", Kind::PacketBurst, Nothing("one second of the rate");
    /// How many bytes of frames each source may send, in bits or bytes.
    LIMIT_BYTES = "limits.source" . "bytes", Kind::ByteRate, Nothing("no limit");
    /// How many bytes may come at once.
    LIMIT_BYTES_BURST = "limits.source" . "bytes_burst", Kind::ByteBurst,
        Nothing("one second of the rate, at least 65,536 bytes");
    /// How many leading bits of an IPv4 address make a source.
    LIMIT_IPV4_PREFIX = "limits.source" . "ipv4_prefix", Kind::Integer { min: 8, max: 32 }, Value("32");
    /// How many leading bits of an IPv6 address make a source. One customer usually has a /64 or more.
    LIMIT_IPV6_PREFIX = "limits.source" . "ipv6_prefix", Kind::Integer { min: 16, max: 64 }, Value("64");
    /// Whether the limits drop or only count what they would drop.
    LIMIT_MODE = "limits.source" . "mode", Kind::Choice(Mode::WORDS), Value("\"enforce\"");

    /// How many sampled events each CPU may write in a second. 0 switches events off.
    EVENTS_PER_SECOND = "events" . "per_second", Kind::Integer { min: 0, max: 100_000 }, Value("100");
    /// How many events each CPU may write at once.
    EVENTS_BURST = "events" . "burst", Kind::Integer { min: 1, max: 100_000 }, Nothing("the same as `per_second`");
}

/// The most `[[list]]` tables.
pub(super) const MOST_LISTS: usize = MAX_LISTS;

#[cfg(test)]
mod tests;
