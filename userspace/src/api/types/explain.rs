use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Ban, Count, ModeSet, Origin, System};
use crate::config::{Algorithm, Mode, Name};
use crate::country::CountryCode;

/// The protocol of the imagined packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// A SYN, which starts a connection, unless other flags are given.
    #[default]
    Tcp,
    /// A datagram.
    Udp,
    /// ICMP or ICMPv6: an echo request, unless another type is given.
    Icmp,
    /// Another protocol, by the number that IANA gave it.
    Other(u8),
}

impl fmt::Display for Protocol {
    /// The word on the command line.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp => formatter.pad("tcp"),
            Self::Udp => formatter.pad("udp"),
            Self::Icmp => formatter.pad("icmp"),
            Self::Other(number) => formatter.pad(&format!("protocol {number}")),
        }
    }
}

/// The imagined packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// The address of this host that it is sent to, where services tell them apart.
    #[serde(default)]
    pub destination: Option<IpAddr>,
    /// What it speaks.
    pub protocol: Protocol,
    /// The port on this host; zero where the protocol has none.
    pub port: u16,
    /// The flags of a TCP packet; absent: a SYN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_flags: Option<u8>,
    /// The type of an ICMP packet; absent: an echo request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icmp_type: Option<u8>,
    /// Time to live, or hop limit; absent: 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hop_limit: Option<u8>,
    /// Bytes of the frame; absent: its headers alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u32>,
    /// Whether it is a fragment that is not the first: then nothing is known of ports.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub later_fragment: bool,
}

impl Probe {
    /// A packet of this protocol to this port.
    #[must_use]
    pub const fn to(protocol: Protocol, port: u16) -> Self {
        Self {
            destination: None,
            protocol,
            port,
            tcp_flags: None,
            icmp_type: None,
            hop_limit: None,
            bytes: None,
            later_fragment: false,
        }
    }
}

/// An entry that covers the address, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origined {
    /// The entry.
    pub prefix: String,
    /// Where it comes from.
    pub origin: Origin,
    /// The line of the policy file; `null` for a default and for operators' entries.
    pub line: Option<u32>,
    /// The operator's note.
    pub note: String,
}

/// A line of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListLine {
    /// Its number, from 1.
    pub line: u32,
    /// What it says.
    pub text: String,
}

/// A list that the address is on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListMatch {
    /// Which.
    pub name: Name,
    /// Whether it drops or only counts packets like this one; `null`: it does not apply to their service.
    pub mode: Option<Mode>,
    /// The lines that cover the address, as the file has them now.
    pub lines: Vec<ListLine>,
}

/// What is known of the country.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountryMatch {
    /// The country; `null` when the database does not know.
    pub country: Option<CountryCode>,
    /// The database.
    pub database: String,
    /// When it was built.
    pub built: Option<Timestamp>,
    /// The rule in force, in a few words.
    pub rule: String,
    /// The service whose own rule it is; `null`: that of `[country]`.
    #[serde(default)]
    pub service: Option<Name>,
}

/// The autonomous system that announces the address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemMatch {
    /// Which; `null` when the database does not know.
    pub system: Option<System>,
    /// The database.
    pub database: String,
    /// When it was built.
    pub built: Option<Timestamp>,
}

/// The present state of one limit of the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketState {
    /// Its name; of a limit that belongs to no service `packets`, `bytes` or `fragments`.
    pub limit: String,
    /// How it counts.
    pub algorithm: Algorithm,
    /// What it counts.
    pub unit: String,
    /// Whose packets count together: an address, a prefix, a country, or the service.
    pub key: String,
    /// Whole units each second.
    pub per_second: u64,
    /// The same for people: by the second, the minute or the hour.
    pub rate: String,
    /// Units that a full bucket holds, or a window admits.
    pub burst: u64,
    /// Units in the bucket now, or left in the window.
    pub left: u64,
    /// Whether it drops or only counts.
    pub mode: Mode,
    /// What it has counted, of all sources; absent where a limit has no counters of its own: then those of its reason in
    /// `stats` are its.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<LimitCounts>,
}

/// What a limit has counted since its counters began, of all sources together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitCounts {
    /// Charged to it.
    pub charged: Count,
    /// Dropped by it.
    pub dropped: Count,
    /// What it would have dropped, in monitor mode.
    pub monitored: Count,
}

/// `POST /v1/explain/{address}`: packets of one source, as if each of them came now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExplainRequest {
    /// What it sends; at least one.
    pub probes: Vec<Probe>,
}

/// The answer to `POST /v1/explain/{address}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainedPackets {
    /// The verdicts, in the order of the request.
    pub verdicts: Vec<ProbeVerdict>,
    /// The place in the request of what is explained: the first that would be dropped, else the first.
    pub explained: usize,
    /// Why.
    pub explanation: Explanation,
}

/// What would happen to one of several packets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeVerdict {
    /// `pass` or `drop`.
    pub action: String,
    /// Why.
    pub reason: String,
}

/// `GET /v1/explain/{address}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// Who.
    pub address: IpAddr,
    /// Sending what.
    pub probe: Probe,
    /// `pass` or `drop`.
    pub action: String,
    /// Why.
    pub reason: String,
    /// Why, as a sentence.
    pub help: String,
    /// The list that drops it.
    pub list: Option<Name>,
    /// Rules in monitor mode that would drop it.
    pub monitored: Vec<String>,
    /// Whether an operator's pause is in force.
    pub paused: bool,
    /// The live generation.
    pub generation: u64,
    /// Entries of the allowlist that cover it.
    pub allow: Vec<Origined>,
    /// Management prefixes that cover it.
    pub management: Vec<Origined>,
    /// Bans that cover it.
    pub bans: Vec<Ban>,
    /// Lists that it is on.
    pub lists: Vec<ListMatch>,
    /// Its country, where there is a geo database.
    pub country: Option<CountryMatch>,
    /// Its autonomous system, where there is a database of them.
    #[serde(default)]
    pub system: Option<SystemMatch>,
    /// The service that the packet is for.
    #[serde(default)]
    pub service: Option<Name>,
    /// The plan of the source.
    #[serde(default)]
    pub plan: Option<Name>,
    /// The limits that count the packet, in the order in which they are asked, and that of later fragments.
    pub limits: Vec<BucketState>,
    /// Rules whose mode an operator has set; the modes above are those in force.
    #[serde(default)]
    pub modes: Vec<ModeSet>,
}
