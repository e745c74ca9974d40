use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Ban, ModeSet, Origin};
use crate::config::{Algorithm, Mode, Name};
use crate::country::CountryCode;

/// The protocol of the imagined packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// A SYN: what starts a connection.
    #[default]
    Tcp,
    /// A datagram.
    Udp,
}

impl Protocol {
    /// The word on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// The imagined packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// The address of this host that it is sent to, where services tell them apart.
    #[serde(default)]
    pub destination: Option<IpAddr>,
    /// TCP SYN or UDP.
    pub protocol: Protocol,
    /// The port on this host.
    pub port: u16,
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
    /// Whether it drops or only counts.
    pub mode: Mode,
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
