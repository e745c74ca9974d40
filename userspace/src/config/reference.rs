//! Every key of a policy, in one table: the parser takes keys and ranges from here, and docs/policy.md and the
//! schema are written from it.

use std::time::Duration;

use xdpgate_ebpf::abi::{MAX_INTERFACES, MAX_LISTS, MAX_MANAGEMENT_PORTS, MAX_UDP_SERVICES};

use super::choice::FORMATS;
use super::window::{LONGEST_WINDOW, SHORTEST_WINDOW};
use super::{
    Algorithm, AttachMode, CountryScope, Dangerous, DefaultAction, ExceedAction, FragmentAction,
    LimitKeyKind, ListScope, MAX_LIMIT_USES, MAX_LIMITS_PER_PLAN, MAX_PLANS, MAX_SERVICES, Mode,
    ServiceProtocol,
};
use kind::Kind;

mod condition;
mod kind;
mod markdown;
mod schema;
mod suggestion;

pub(super) use condition::{COMPANIONS, CONDITIONS, LIST_SOURCES, one_of};
pub(super) use kind::Kind as KeyKind;
pub use markdown::markdown;
pub use schema::schema;
pub(super) use suggestion::{nearest, tables_within, unknown_key};

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
    /// Whether this is the key that a policy writes as `name`.
    pub(super) fn takes(&self, name: &str) -> bool {
        self.name == name || self.is_any_name()
    }

    /// Whether the key stands for any name, as one in angle brackets does.
    fn is_any_name(&self) -> bool {
        self.name.starts_with('<')
    }

    /// The key with its tables.
    pub(super) fn path(&self) -> String {
        if self.table.is_empty() { self.name.to_owned() } else { format!("{}.{}", self.table, self.name) }
    }
}

/// Tables that a policy has several times, as `[[list]]`, and how often at most.
const ROWS: &[(&str, usize)] =
    &[("list", MAX_LISTS), ("plan", MAX_PLANS), ("limit", MAX_LIMIT_USES), ("service", MAX_SERVICES)];

/// How often a policy may have a table that it may have several times.
pub(super) fn most_rows(table: &str) -> Option<usize> {
    ROWS.iter().find(|(row, _)| *row == table).map(|(_, most)| *most)
}

/// The line that begins a table.
fn header(table: &str) -> String {
    if most_rows(table).is_some() { format!("[[{table}]]") } else { format!("[{table}]") }
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

/// The most ports and ranges of ports that one service names.
const MOST_PORT_RANGES: usize = 64;
const LIMIT_NAMES: Kind = Kind::LimitNames { most: MAX_LIMITS_PER_PLAN };
const BAN_TIME: Kind = Kind::Duration {
    min: Duration::from_secs(1),
    max: Duration::from_hours(365 * 24),
    example: "\"10 min\"",
};
const LIST_NAMES: Kind = Kind::ListsOrLabels { most: MAX_LISTS };
/// The most autonomous systems of one list.
const MOST_SYSTEMS: usize = 10_000;
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
    /// How often the kernel's tables are compared, all of them, with what the policy, the lists and the bans say. What
    /// differs is mended and reported. Read at the start.
    VERIFY = "daemon" . "verify",
        Kind::Duration { min: Duration::from_secs(1), max: Duration::from_hours(24), example: "\"5 min\"" },
        Nothing("5 min");

    /// How many banned addresses the kernel holds, for each address family, and a quarter as many banned prefixes. Applied
    /// when the tables are created.
    TABLE_BANS = "tables" . "bans", TABLE_SIZE, Value("262144");
    /// How many sources can be limited at once. Where a service has three or four limits for each source, the tables are made
    /// twice as large for it. Applied when the tables are created.
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

    /// The list's name in counters and on the command line. Lists, plans, limits and services share no name.
    LIST_NAME = "list" . "name", Kind::Name("drop"), Required;
    /// What kind of sources it names, such as `tor`, `vpn` or `hosting`. Services may name it instead of the list. Many lists
    /// may share it.
    LIST_LABEL = "list" . "label", Kind::Name("tor"), Nothing("none");
    /// The file. One of `path`, `folder`, `url`, `union` and `asn` is needed.
    LIST_PATH = "list" . "path", Kind::Path, Nothing("no file");
    /// The folder whose files the list is: all regular ones whose names do not begin with a point, in the order of their names.
    LIST_FOLDER = "list" . "folder", Kind::Path, Nothing("no folder");
    /// Where the list is fetched from. The last good copy of it stays in force until a better one comes, also over restarts.
    /// Redirects are followed, never from https to http. No name and no password in it: see `header_file`.
    LIST_URL = "list" . "url", Kind::Url("\"https://lists.example/drop.txt\""), Nothing("not fetched");
    /// The lists of this policy that it consists of.
    LIST_UNION = "list" . "union", Kind::ListNames { most: MAX_LISTS }, Nothing("no other lists");
    /// The autonomous systems that it names: the list is what they announce according to `geo.asn_database`.
    LIST_ASN = "list" . "asn", Kind::Systems { most: MOST_SYSTEMS }, Nothing("no autonomous systems");
    /// To whose packets it applies: to those of every service that does not say otherwise in `[service.lists]`, and of no
    /// service (`everywhere`), or to those of services that name it there (`services`).
    LIST_APPLIES = "list" . "applies", Kind::Choice(ListScope::WORDS), Value("\"everywhere\"");
    /// Whether the list drops or only counts what it would drop.
    LIST_MODE = "list" . "mode", Kind::Choice(Mode::WORDS), Value("\"enforce\"");
    /// What the list is written in. `plain` is one address, prefix or `first-last` range on a line; `#` and `;` begin a comment.
    LIST_FORMAT = "list" . "format", Kind::Choice(FORMATS), Nothing("told by what is in it");
    /// Where the addresses are: the column of a CSV by name or number, or the field of JSON by its dotted path.
    LIST_FIELD = "list" . "field", Kind::Text("\"ipAddress\""), Nothing("told by what is in it");
    /// The country that is taken out of the file of a registry (`rir`).
    LIST_COUNTRY = "list" . "country", Kind::Country, Nothing("none");
    /// Whether lines that cannot be read are skipped. Otherwise one such line refuses the list.
    LIST_SKIP_BAD = "list" . "skip_bad", Kind::Flag, Value("false");
    /// How often the source is asked whether there is something new. With it a file or a folder is watched.
    LIST_EVERY = "list" . "every",
        Kind::Duration { min: Duration::from_secs(1), max: Duration::from_hours(30 * 24), example: "\"1 h\"" },
        Nothing("1 h for a `url`; files and folders are read at the start and by `xdpgate reload` alone");
    /// How long a download may take, from the name of the server to the last byte.
    LIST_TIMEOUT = "list" . "timeout",
        Kind::Duration { min: Duration::from_secs(1), max: Duration::from_hours(1), example: "\"30 s\"" },
        Nothing("30 s");
    /// The most bytes that may come, unpacked.
    LIST_MAX_SIZE = "list" . "max_size", Kind::Size { min: 1 << 10, max: 4 << 30, example: "\"64 MiB\"" },
        Nothing("64 MiB");
    /// A PEM file of the only authorities whose certificates are good for this list.
    LIST_CA = "list" . "ca", Kind::Path, Nothing("those that this host trusts");
    /// A file of `Name: value` lines that go with each request, such as keys. Root alone may be able to read it.
    LIST_HEADER_FILE = "list" . "header_file", Kind::Path, Nothing("no further headers");
    /// What is taken out of the list: other lists of this policy, prefixes and addresses.
    LIST_EXCEPT = "list" . "except", Kind::Exceptions, Value("[]");
    /// What becomes of entries that no list should have: private, loopback, link-local and multicast addresses, this host's
    /// own, and networks wider than `widest_ipv4` and `widest_ipv6`. They refuse the list, are left out of it, or are taken.
    LIST_DANGEROUS = "list" . "dangerous", Kind::Choice(Dangerous::WORDS),
        Nothing("`refuse` for a `url`, which others write; `take` for files, which an operator put there");
    /// The shortest prefix that an IPv4 entry may have.
    LIST_WIDEST_IPV4 = "list" . "widest_ipv4", Kind::Integer { min: 0, max: 32 }, Nothing("8");
    /// The shortest prefix that an IPv6 entry may have.
    LIST_WIDEST_IPV6 = "list" . "widest_ipv6", Kind::Integer { min: 0, max: 128 }, Nothing("19");
    /// How many times as many entries as before, or how many times fewer, a list may come with. Beyond that it is refused, and
    /// what was in force before stays.
    LIST_RATIO = "list" . "ratio", Kind::Integer { min: 2, max: 1_000_000 },
        Nothing("5 for a `url`; no limit for files");

    /// The database of countries or cities: MMDB, or CSV with `start,end,CC` lines.
    GEO_DATABASE = "geo" . "database", Kind::Path, Nothing("no countries are known");
    /// The database of autonomous systems: MMDB, or CSV with `start,end,number` or `start,end,number,name` lines.
    GEO_ASN_DATABASE = "geo" . "asn_database", Kind::Path, Nothing("no autonomous systems are known");
    /// How often the daemon looks whether the files of both have changed. One that has is read, checked and swapped without a
    /// restart; where it can't be read or has less than half the ranges, the database before stays in use.
    GEO_CHECK_EVERY = "geo" . "check_every",
        Kind::Duration { min: Duration::from_secs(1), max: Duration::from_hours(24), example: "\"1 min\"" },
        Value("\"1 min\"");

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
    /// UDP ports on which this host serves. Those of services with a country rule of their own need not be named.
    UDP_SERVICES = "country" . "udp_services", Kind::Ports { most: MAX_UDP_SERVICES }, Value("[53, 443]");

    /// What happens to fragments that are not the first of their packet: they have no ports, so no other limit sees
    /// them.
    FRAGMENTS_RULE = "fragments" . "rule", Kind::Choice(FragmentAction::WORDS), Value("\"pass\"");
    /// How many such fragments each source may send.
    FRAGMENTS_RATE = "fragments" . "rate", Kind::PacketRate, Nothing("none");
    /// How many of them may come at once.
    FRAGMENTS_BURST = "fragments" . "burst", Kind::PacketBurst, Nothing("one second of the rate");
    /// Whether the rule drops or only counts what it would drop.
    FRAGMENTS_MODE = "fragments" . "mode", Kind::Choice(Mode::WORDS), Value("\"enforce\"");

    /// How many packets each source may send, where no service says otherwise.
    SOURCE_PACKETS = "limits.source" . "packets", Kind::PacketRate, Nothing("no limit");
    /// How many packets may come at once.
    SOURCE_PACKETS_BURST = "limits.source" . "packets_burst", Kind::PacketBurst, Nothing("one second of the rate");
    /// How many bytes of frames each source may send, in bits or bytes.
    SOURCE_BYTES = "limits.source" . "bytes", Kind::ByteRate, Nothing("no limit");
    /// How many bytes may come at once.
    SOURCE_BYTES_BURST = "limits.source" . "bytes_burst", Kind::ByteBurst,
        Nothing("one second of the rate, at least 65,536 bytes");
    /// How many leading bits of an IPv4 address make a source.
    SOURCE_IPV4_PREFIX = "limits.source" . "ipv4_prefix", Kind::Integer { min: 8, max: 32 }, Value("32");
    /// How many leading bits of an IPv6 address make a source. One customer usually has a /64 or more.
    SOURCE_IPV6_PREFIX = "limits.source" . "ipv6_prefix", Kind::Integer { min: 16, max: 64 }, Value("64");
    /// Whether the limits drop or only count what they would drop.
    SOURCE_MODE = "limits.source" . "mode", Kind::Choice(Mode::WORDS), Value("\"enforce\"");

    /// The plan's name, by which services know it. Lists, plans, limits and services share no name.
    PLAN_NAME = "plan" . "name", Kind::Name("gold"), Required;
    /// Its sources. A source that several plans name has the one with the longest prefix.
    PLAN_PREFIXES = "plan" . "prefixes", Kind::Prefixes, Nothing("those of `path`, which is needed then");
    /// A file with more of them: one address or prefix a line; `#` and `;` begin a comment.
    PLAN_PATH = "plan" . "path", Kind::Path, Nothing("no file");

    /// The limit's name in counters, in services and on the command line. Lists, plans, limits and services share no
    /// name. Each service that names the limit counts for itself.
    LIMIT_NAME = "limit" . "name", Kind::Name("per-client"), Required;
    /// How it counts. `token-bucket`: tokens arrive evenly at `rate`, up to `burst`. `leaky-bucket`: a bucket of `depth`
    /// drains evenly at `rate`, and what would overflow it is over the limit. `fixed-window`: `count` in each `window`,
    /// which begin at multiples of it. `sliding-window`: `count` in any `window`, estimated from the last two fixed ones.
    LIMIT_ALGORITHM = "limit" . "algorithm", Kind::Choice(Algorithm::WORDS), Value("\"token-bucket\"");
    /// How much it admits, in packets, in connections (TCP SYN without ACK), or in bytes or bits of frames.
    LIMIT_RATE = "limit" . "rate", Kind::AnyRate, Nothing("none");
    /// How much may come at once.
    LIMIT_BURST = "limit" . "burst", Kind::AtOnce("4000"), Nothing("one second of the rate, at least 65,536 bytes");
    /// How much may wait in the bucket. One packet or connection gives even spacing.
    LIMIT_DEPTH = "limit" . "depth", Kind::AtOnce("1"), Nothing("one packet or connection, or 65,536 bytes");
    /// How much it admits in a window.
    LIMIT_COUNT = "limit" . "count", Kind::Amount, Nothing("none");
    /// The time in which it admits that much.
    LIMIT_WINDOW = "limit" . "window",
        Kind::Duration { min: SHORTEST_WINDOW, max: LONGEST_WINDOW, example: "\"1 min\"" }, Nothing("none");
    /// Whose packets it counts together: those of each source, as long as `limits.source` says (`source`), of each wider
    /// network (`prefix`), of each country, with all sources of no known country as one (`country`, which needs
    /// `geo.database`), or of all sources of the service (`service`).
    LIMIT_KEY = "limit" . "key", Kind::Choice(LimitKeyKind::WORDS), Value("\"source\"");
    /// How many leading bits of an IPv4 address make a network.
    LIMIT_IPV4_PREFIX = "limit" . "ipv4_prefix", Kind::Integer { min: 1, max: 32 }, Nothing("24");
    /// How many leading bits of an IPv6 address make a network.
    LIMIT_IPV6_PREFIX = "limit" . "ipv6_prefix", Kind::Integer { min: 1, max: 64 }, Nothing("48");
    /// What happens to what is over it: it is dropped, only counted (`monitor`), or dropped and its source banned
    /// (`ban`, which needs `key = "source"` or `"prefix"`).
    LIMIT_EXCEED = "limit" . "on_exceed", Kind::Choice(ExceedAction::WORDS), Value("\"drop\"");
    /// How long the first ban of a source holds. Each further one holds twice as long as the one before.
    LIMIT_BAN = "limit" . "ban", BAN_TIME, Nothing("10 min");
    /// The longest that a ban grows to.
    LIMIT_BAN_LONGEST = "limit" . "ban_longest", BAN_TIME, Nothing("1 day, or `ban` where that is longer");
    /// Whether the limit acts or only counts what it would do.
    LIMIT_MODE = "limit" . "mode", Kind::Choice(Mode::WORDS), Value("\"enforce\"");

    /// The service's name in counters and on the command line. Lists, plans, limits and services share no name.
    SERVICE_NAME = "service" . "name", Kind::Name("api"), Required;
    /// What it speaks. `any` is all that no other service of the same destination covers.
    SERVICE_PROTOCOL = "service" . "protocol", Kind::Choice(ServiceProtocol::WORDS), Value("\"tcp\"");
    /// Its ports on this host: numbers, and ranges in quotes.
    SERVICE_PORTS = "service" . "ports", Kind::PortRanges { most: MOST_PORT_RANGES }, Nothing("none");
    /// Its addresses. Where several services cover a port, the one with the longest destination counts.
    SERVICE_DESTINATIONS = "service" . "destinations", Kind::Prefixes, Nothing("any address");
    /// The limits of sources of no plan, and of plans that `[service.plans]` does not name, narrowest first. A packet that
    /// one of them rejects is charged to none.
    SERVICE_LIMITS = "service" . "limits", LIMIT_NAMES, Value("[]");

    /// The limits that sources of this plan have instead, narrowest first. An empty list: unlimited.
    SERVICE_PLAN = "service.plans" . "<plan>", LIMIT_NAMES, Nothing("`limits` of the service");

    /// Whether a ban that `ban add` makes holds twice as long each time that its prefix is banned again. `--lengthen` says it
    /// for one command. Bans of CrowdSec and imported ones keep the times that they come with.
    BANS_LENGTHEN = "bans" . "lengthen", Kind::Flag, Value("false");
    /// The longest that such a ban grows to.
    BANS_LONGEST = "bans" . "longest", BAN_TIME, Value("\"7 days\"");
    /// How long after its end a ban counts.
    BANS_FORGET = "bans" . "forget", BAN_TIME, Nothing("as long as `longest`");

    /// The local API of CrowdSec whose decisions are enforced as bans.
    CROWDSEC_URL = "crowdsec" . "url", Kind::Url("\"http://127.0.0.1:8080\""), Nothing("CrowdSec is not asked");
    /// A file with the key of this bouncer, as `cscli bouncers add NAME -o raw` prints it, which only root can read. Each
    /// host needs a key of its own: the server remembers what each key has seen.
    CROWDSEC_API_KEY_FILE = "crowdsec" . "api_key_file", Kind::Path,
        Nothing("`/etc/xdpgate/crowdsec.key`, unless there is a certificate");
    /// The certificate of this bouncer, instead of a key.
    CROWDSEC_CERTIFICATE = "crowdsec" . "certificate", Kind::Path, Nothing("the key in `api_key_file`");
    /// The key of `certificate`.
    CROWDSEC_KEY = "crowdsec" . "key", Kind::Path, Nothing("none");
    /// The authorities whose certificates are good, in PEM.
    CROWDSEC_CA = "crowdsec" . "ca", Kind::Path, Nothing("those that this host trusts");
    /// How often the server is asked.
    CROWDSEC_EVERY = "crowdsec" . "every", Kind::Duration {
        min: Duration::from_secs(1), max: Duration::from_hours(1), example: "\"10 s\"",
    }, Value("\"10 s\"");
    /// Which kinds of decisions are asked for.
    CROWDSEC_SCOPES = "crowdsec" . "scopes", Kind::Texts("[\"ip\", \"range\"]"), Value("[\"ip\", \"range\", \"country\", \"as\"]");
    /// Only decisions of these origins, such as `crowdsec`, `cscli`, `CAPI` or `lists`.
    CROWDSEC_ORIGINS = "crowdsec" . "origins", Kind::Texts("[\"crowdsec\", \"cscli\"]"), Value("[]");
    /// Only decisions whose scenario has one of these words in it.
    CROWDSEC_CONTAINING = "crowdsec" . "scenarios_containing", Kind::Texts("[\"ssh\"]"), Value("[]");
    /// No decisions whose scenario has one of these words in it.
    CROWDSEC_NOT_CONTAINING = "crowdsec" . "scenarios_not_containing", Kind::Texts("[\"http\"]"), Value("[]");
    /// Whether decisions are enforced, or only counted.
    CROWDSEC_MODE = "crowdsec" . "mode", Kind::Choice(Mode::WORDS), Value("\"enforce\"");
    /// Countries that may not reach this service. The table stands in place of `[country]` for it, and none of the keys there
    /// counts. An empty list: no country rule for this service. Not together with `allow_only`; one of both is needed.
    SERVICE_COUNTRY_DENY = "service.country" . "deny", Kind::Countries, Nothing("`allow_only` says who may");
    /// The only countries that may reach this service.
    SERVICE_COUNTRY_ALLOW_ONLY = "service.country" . "allow_only", Kind::Countries, Nothing("`deny` says who may not");
    /// What happens to a source of no known country.
    SERVICE_COUNTRY_UNKNOWN = "service.country" . "unknown", Kind::Choice(DefaultAction::WORDS), Value("\"pass\"");
    /// Which packets are judged: those that start something (`initiating`: TCP SYN without ACK, and every packet over UDP,
    /// unless `protocol` is `any`), or `all`. A service of `icmp` needs `all`.
    SERVICE_COUNTRY_SCOPE = "service.country" . "scope", Kind::Choice(CountryScope::WORDS), Value("\"initiating\"");
    /// Whether the rule drops or only counts what it would drop. On the command line the rule is the service's name and
    /// `.country`.
    SERVICE_COUNTRY_MODE = "service.country" . "mode", Kind::Choice(Mode::WORDS), Value("\"enforce\"");

    /// Lists that apply to this service, each in its own mode, whatever `applies` says. By their names, or by a label that
    /// stands for all lists that have it; a name counts more than a label.
    SERVICE_LISTS_DENY = "service.lists" . "deny", LIST_NAMES, Value("[]");
    /// Lists that only count what they would drop of this service.
    SERVICE_LISTS_MONITOR = "service.lists" . "monitor", LIST_NAMES, Value("[]");
    /// Lists that do not apply to this service.
    SERVICE_LISTS_SKIP = "service.lists" . "skip", LIST_NAMES, Value("[]");

    /// How many sampled events each CPU may write in a second. 0 switches events off.
    EVENTS_PER_SECOND = "events" . "per_second", Kind::Integer { min: 0, max: 100_000 }, Value("100");
    /// How many events each CPU may write at once.
    EVENTS_BURST = "events" . "burst", Kind::Integer { min: 1, max: 100_000 }, Nothing("the same as `per_second`");
}

#[cfg(test)]
mod tests;
