//! What a replay found. As JSON it has a stable shape: fields are added, not changed.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use jiff::Timestamp;
use serde::Serialize;
use xdpgate_ebpf::abi::family;
use xdpgate_ebpf::verdict::Action;

use super::talkers::{Talker, Talkers};
use super::{Replay, chart};
use crate::api::Prefix;
use crate::api::types::Count;
use crate::captures::{Capture, End, link_name};
use crate::config::{Mode, Name};

/// What a replay found.
#[derive(Clone, Debug, Serialize)]
pub struct Findings {
    /// What was decided about. The reasons below add up to it.
    pub seen: Count,
    /// When the first of these packets was captured; none: there are none.
    pub first: Option<Timestamp>,
    /// When the last one was.
    pub last: Option<Timestamp>,
    /// The time between them.
    pub seconds: f64,
    /// What passed, by reason.
    pub passed: BTreeMap<String, Count>,
    /// What would have been dropped by the kernel, by reason.
    pub dropped: BTreeMap<String, Count>,
    /// What rules in monitor mode would have dropped, by reason. A packet can be in several.
    pub monitored: BTreeMap<String, Count>,
    /// What passed, and what at least one rule in monitor mode would have dropped.
    pub would_drop: Count,
    /// The blocklists.
    pub lists: Vec<ListFindings>,
    /// Who sent it.
    pub sources: Sources,
    /// What keeps the answer from being that of the kernel.
    pub problems: Problems,
}

/// What one blocklist did.
#[derive(Clone, Debug, Serialize)]
pub struct ListFindings {
    /// Which.
    pub name: Name,
    /// Whether it drops or only counts.
    pub mode: Mode,
    /// Dropped because of it.
    pub dropped: Count,
    /// What it would have dropped, in monitor mode.
    pub monitored: Count,
}

/// Who sent most.
#[derive(Clone, Debug, Serialize)]
pub struct Sources {
    /// Sources that were told apart.
    pub counted: u64,
    /// Whether these are all. Otherwise each source has at least what is said of it, and at most `more` packets more.
    pub exact: bool,
    /// The most that are told apart.
    pub room: u64,
    /// Those with the most packets.
    pub top: Vec<SourceFindings>,
}

/// One source.
#[derive(Clone, Debug, Serialize)]
pub struct SourceFindings {
    /// Its address, or the prefix that the policy takes for one source.
    pub source: Prefix,
    /// Its packets.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Those that were dropped.
    pub dropped: u64,
    /// Those that passed, and that a rule in monitor mode would have dropped.
    pub would_drop: u64,
    /// Why, by reason: at most four.
    pub reasons: BTreeMap<String, u64>,
    /// Packets that it may have sent besides.
    pub more: u64,
}

/// What keeps the answer from being that of the kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Problems {
    /// Why the capture ended before its end.
    pub end: Option<String>,
    /// Packets that the host sent; the program never sees those. Left out.
    pub outgoing: u64,
    /// Packets whose headers the capture cut off. Left out.
    pub cut: u64,
    /// Packets of other links, by the name of the link. Left out.
    pub other_links: BTreeMap<String, u64>,
    /// Packets that are older than one before them. They were decided at the time of that one.
    pub backwards: u64,
    /// Packets longer than any frame: several that the capturing kernel had put together.
    pub merged: u64,
}

impl Replay {
    /// What was found, with the `top` sources.
    #[must_use]
    pub fn findings<R: std::io::Read>(&mut self, capture: &Capture<R>, end: &End, top: usize) -> Findings {
        self.talkers.account();
        let span = self.clock.span();
        let (counted, exact) = self.talkers.known();
        Findings {
            seen: self.counts.total(),
            first: span.and_then(|(first, _)| timestamp(first)),
            last: span.and_then(|(_, last)| timestamp(last)),
            seconds: seconds(self.clock.elapsed_ns()),
            passed: self.counts.of(Action::Pass),
            dropped: self.counts.of(Action::Drop),
            monitored: self.counts.monitored(),
            would_drop: self.counts.would_drop(),
            lists: self.lists(),
            sources: Sources {
                counted,
                exact,
                room: Talkers::ROOM as u64,
                top: self.talkers.top(top).into_iter().map(|found| self.source(found)).collect(),
            },
            problems: Problems {
                end: end.problem(capture.packets()),
                outgoing: self.left_out.outgoing,
                cut: self.left_out.cut,
                other_links: other_links(capture.left_out()),
                backwards: self.clock.backwards(),
                merged: self.merged,
            },
        }
    }

    /// A picture of what happened when.
    #[must_use]
    pub fn chart(&self, title: &str) -> String {
        chart::draw(title, &self.timeline, self.clock.elapsed_ns(), self.clock.span().map(|(first, _)| first))
    }

    fn lists(&self) -> Vec<ListFindings> {
        let image = self.host.image();
        let lists = image.lists.iter().enumerate().map(|(bit, name)| {
            let (dropped, monitored) = self.counts.list(bit);
            let rows = &image.settings.access;
            let enforced = rows.iter().any(|row| row.lists_enforced >> bit & 1 != 0);
            let mode = if enforced { Mode::Enforce } else { Mode::Monitor };
            ListFindings { name: name.clone(), mode, dropped, monitored }
        });
        lists.collect()
    }

    fn source(
        &self,
        (talker, reasons): (Talker, Vec<(xdpgate_ebpf::reason::Reason, u32)>),
    ) -> SourceFindings {
        let Talker { packets, bytes, dropped, would_drop, more, .. } = talker;
        let reasons =
            reasons.into_iter().map(|(reason, packets)| (reason.label().to_owned(), packets.into()));
        SourceFindings {
            source: self.prefix(&talker),
            packets,
            bytes,
            dropped,
            would_drop,
            reasons: reasons.collect(),
            more,
        }
    }

    fn prefix(&self, talker: &Talker) -> Prefix {
        let is_six = talker.family == family::IPV6;
        let length = self.masks[usize::from(is_six)].leading_ones();
        let address: IpAddr = if is_six {
            Ipv6Addr::from_bits(talker.address).into()
        } else {
            let [a, b, c, d, ..] = talker.address.to_be_bytes();
            Ipv4Addr::new(a, b, c, d).into()
        };
        let length = u8::try_from(length).unwrap_or(u8::MAX);
        Prefix::from(IpNet::new(address, length).unwrap_or_else(|_| address.into()))
    }
}

fn other_links(left_out: &BTreeMap<u16, u64>) -> BTreeMap<String, u64> {
    left_out.iter().map(|(link, packets)| (format!("{} ({link})", link_name(*link)), *packets)).collect()
}

fn timestamp(ns: u64) -> Option<Timestamp> {
    Timestamp::from_nanosecond(ns.into()).ok()
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}
