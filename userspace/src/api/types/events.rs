use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::Name;
use crate::country::CountryCode;
use crate::policy::LimitUse;

/// What happened to the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// It was dropped.
    Dropped,
    /// A rule in monitor mode would have dropped it.
    Monitored,
}

/// One sampled packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub time: Timestamp,
    /// Where it came in.
    pub interface: String,
    /// What happened.
    pub kind: EventKind,
    /// Why it left.
    pub reason: String,
    /// Rules in monitor mode that would have dropped it.
    pub monitored: Vec<String>,
    /// The list that dropped it.
    pub list: Option<Name>,
    /// The limit of a service that dropped it, or would have.
    #[serde(default)]
    pub limit: Option<LimitUse>,
    /// The country of the source, where a rule asked for it.
    pub country: Option<CountryCode>,
    /// From.
    pub source: Option<IpAddr>,
    /// From this port.
    pub source_port: Option<u16>,
    /// To.
    pub destination: Option<IpAddr>,
    /// To this port.
    pub destination_port: Option<u16>,
    /// The IP protocol, by name where it has one.
    pub protocol: String,
    /// TCP flags that were set, such as `syn,ack`.
    pub tcp_flags: Option<String>,
    /// Bytes of the frame.
    pub bytes: u32,
}

/// `GET /v1/events`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Events {
    /// Oldest first.
    pub events: Vec<Event>,
}
