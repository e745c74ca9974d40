use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::Protocol;
use crate::config::{DefaultAction, InterfaceName, Name};

/// `GET /v1/coverage`: who listens on this host, and what stands before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Whether an operator's pause is in force: then everything passes.
    pub paused: bool,
    /// What happens to a packet of which no rule speaks.
    pub default_action: DefaultAction,
    /// Interfaces that enforce the policy.
    pub guarded: Vec<InterfaceName>,
    /// Interfaces that are up and whose packets meet no guarded one.
    pub unguarded: Vec<String>,
    /// Sockets that wait for connections or datagrams.
    pub sockets: Vec<SocketCoverage>,
    /// How many of them are not covered.
    pub not_covered: u64,
}

/// A socket that waits for connections or datagrams.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketCoverage {
    /// What it speaks.
    pub protocol: Protocol,
    /// Where it listens; unspecified: on every address.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
    /// Its inode, by which its process can be found.
    pub inode: u64,
    /// Who listens, where that may be asked.
    pub process: Option<ProcessInfo>,
    /// Whether only the host itself reaches it.
    pub loopback: bool,
    /// Guarded interfaces on which its packets come in.
    pub guarded: Vec<String>,
    /// Interfaces on which its packets come in unseen.
    pub unguarded: Vec<String>,
    /// What limits its packets where they come in guarded: the least of it, over all of the socket's addresses.
    pub cover: Cover,
    /// The services that they belong to.
    pub services: Vec<Name>,
    /// The limits of these services, for sources of no plan.
    pub limits: Vec<Name>,
    /// Whether nothing reaches it that was not judged, and limited or let pass on purpose.
    pub covered: bool,
}

/// What limits a socket's packets, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cover {
    /// No service and no limit: what is on no list passes at any rate.
    Nothing,
    /// No service; each source has its limits.
    SourceLimits,
    /// A service, for which the policy gives no limits.
    ServiceUnlimited,
    /// A service with limits.
    Service,
    /// Only the allowlist and management pass.
    DefaultDrop,
    /// The host itself alone.
    Loopback,
}

impl Cover {
    /// In words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::SourceLimits => "source limits only",
            Self::ServiceUnlimited => "service without limits",
            Self::Service => "service",
            Self::DefaultDrop => "dropped by default",
            Self::Loopback => "loopback",
        }
    }
}

/// A process of this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessInfo {
    /// Its number.
    pub pid: u32,
    /// Its name.
    pub name: String,
}
