//! What is suggested. As JSON it has a stable shape: fields are added, not changed.

use serde::Serialize;

use super::candidates::Candidate;
use super::observe::Observation;
use super::pass::Left;
use super::peaks::Peaks;
use super::services::Service;
use super::trial::Trial;
use super::{ROOM, Wish, toml};
use crate::config::{PortRange, ServiceProtocol};

/// What is suggested, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Suggestions {
    /// Packets that came in and could be read.
    pub packets: u64,
    /// From the first to the last.
    pub seconds: f64,
    /// The services, those with the most packets first.
    pub services: Vec<ServiceFindings>,
    /// The limits and services to put into the policy.
    pub toml: String,
    /// Packets that the host sent. Left out.
    pub outgoing: u64,
    /// Packets that are not IP or could not be read. Left out.
    pub unread: u64,
    /// Packets of sources for which there was no room. Not in the distributions.
    pub beyond: u64,
    /// The most pairs of service and source for which there is room.
    pub room: u64,
    /// Why the capture ended before its end.
    pub end: Option<String>,
}

/// What one service saw.
#[derive(Clone, Debug, Serialize)]
pub struct ServiceFindings {
    /// Its name, in the policy or to be.
    pub name: String,
    /// What it speaks.
    pub protocol: ServiceProtocol,
    /// Its ports, each a number or a range.
    pub ports: Vec<String>,
    /// Whether the policy names it already.
    pub in_policy: bool,
    /// Packets to it.
    pub packets: u64,
    /// Bytes of their frames.
    pub bytes: u64,
    /// TCP SYN without ACK to it.
    pub connections: u64,
    /// Sources that sent them.
    pub sources: u64,
    /// What these do at most.
    pub peaks: Peaks,
    /// What some limits would have done, from the lowest on.
    pub candidates: Vec<Candidate>,
}

pub(super) fn suggestions(
    wish: &Wish<'_>,
    observation: &Observation<'_>,
    trial: &Trial,
    left: &Left,
) -> Suggestions {
    let services = observation.matcher.services().iter().enumerate();
    let services = services.map(|(index, service)| findings(wish, observation, trial, (index, service)));
    let mut services: Vec<_> = services.filter(|service| service.packets > 0).collect();
    services.sort_by_key(|service| u64::MAX - service.packets);
    Suggestions {
        packets: left.packets,
        seconds: seconds(left.elapsed_ns),
        toml: toml::text(&services, seconds(left.elapsed_ns)),
        services,
        outgoing: left.outgoing,
        unread: left.unread,
        beyond: observation.beyond,
        room: ROOM as u64,
        end: left.problem.clone(),
    }
}

fn findings(
    wish: &Wish<'_>,
    observation: &Observation<'_>,
    trial: &Trial,
    (index, service): (usize, &Service),
) -> ServiceFindings {
    let total = observation.totals.get(index).copied().unwrap_or_default();
    let sources =
        observation.sources.iter().filter(|source| usize::from(source.service) == index).count() as u64;
    let peaks = Peaks::of(observation, index);
    ServiceFindings {
        name: service.name.clone(),
        protocol: service.protocol,
        ports: service.ports.iter().copied().map(ports).collect(),
        in_policy: service.in_policy,
        packets: total.packets,
        bytes: total.bytes,
        connections: total.connections,
        sources,
        candidates: trial.candidates(index, (sources, total.packets), &peaks, wish.touch_percent),
        peaks,
    }
}

fn ports(range: PortRange) -> String {
    if range.first == range.last {
        range.first.to_string()
    } else {
        format!("{}-{}", range.first, range.last)
    }
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}
