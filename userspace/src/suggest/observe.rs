//! What each source does to each service, at most.

use std::collections::HashMap;

use xdpgate_ebpf::abi::family;

use super::pass::Seen;
use super::services::Matcher;
use super::{ROOM, SourceLimitConfig};

const SECOND_NS: u64 = 1_000_000_000;
const MINUTE_NS: u64 = 60 * SECOND_NS;

/// What was seen of all pairs.
pub(super) struct Observation<'a> {
    pub(super) matcher: &'a Matcher,
    /// The bits that tell sources of IPv4 and of IPv6 apart.
    masks: [u128; 2],
    places: HashMap<Key, u32>,
    pub(super) sources: Vec<Source>,
    /// By service.
    pub(super) totals: Vec<Total>,
    /// Packets of sources for which there was no room.
    pub(super) beyond: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    address: u128,
    service: u16,
    family: u8,
}

/// All that went to one service.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Total {
    pub(super) packets: u64,
    pub(super) bytes: u64,
    pub(super) connections: u64,
}

/// One source of one service.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    pub(super) service: u16,
    pub(super) packets: Peak,
    pub(super) bytes: Peak,
    pub(super) connections: Peak,
}

/// How much came in a piece of time at most. The pieces lie side by side from the first packet on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Peak {
    pub(super) most: u64,
    current: u64,
    piece: u64,
}

impl Peak {
    fn add(&mut self, piece: u64, amount: u64) {
        if piece != self.piece {
            (self.piece, self.current) = (piece, 0);
        }
        self.current += amount;
        self.most = self.most.max(self.current);
    }
}

impl<'a> Observation<'a> {
    pub(super) fn new(matcher: &'a Matcher, limits: &SourceLimitConfig) -> Self {
        let mask = |length: u8| u128::MAX.unbounded_shl(128_u32.saturating_sub(length.into()));
        Self {
            matcher,
            masks: [mask(limits.ipv4_prefix), mask(limits.ipv6_prefix)],
            places: HashMap::new(),
            sources: Vec::new(),
            totals: vec![Total::default(); matcher.services().len()],
            beyond: 0,
        }
    }

    pub(super) fn add(&mut self, seen: &Seen<'_>) {
        let Some(key) = self.key(seen) else { return };
        if let Some(total) = self.totals.get_mut(usize::from(key.service)) {
            total.packets += 1;
            total.bytes += u64::from(seen.bytes);
            total.connections += u64::from(seen.opens());
        }
        let Some(place) = self.room_for(key) else {
            self.beyond += 1;
            return;
        };
        let Some(source) = self.sources.get_mut(place) else { return };
        let second = seen.elapsed_ns / SECOND_NS;
        source.packets.add(second, 1);
        source.bytes.add(second, seen.bytes.into());
        if seen.opens() {
            source.connections.add(seen.elapsed_ns / MINUTE_NS, 1);
        }
    }

    /// The service of a packet, and where its source is in `sources`.
    pub(super) fn place(&self, seen: &Seen<'_>) -> Option<(usize, usize)> {
        let key = self.key(seen)?;
        let place = usize::try_from(*self.places.get(&key)?).ok()?;
        Some((usize::from(key.service), place))
    }

    fn key(&self, seen: &Seen<'_>) -> Option<Key> {
        let source = &seen.packet.source;
        let service = u16::try_from(self.matcher.find(seen.packet)?).ok()?;
        let mask = self.masks[usize::from(source.family == family::IPV6)];
        Some(Key { address: u128::from_be_bytes(source.address) & mask, service, family: source.family })
    }

    fn room_for(&mut self, key: Key) -> Option<usize> {
        if let Some(place) = self.places.get(&key) {
            return usize::try_from(*place).ok();
        }
        let place = self.sources.len();
        if place >= ROOM {
            return None;
        }
        self.places.insert(key, u32::try_from(place).ok()?);
        let none = Peak::default();
        self.sources.push(Source { service: key.service, packets: none, bytes: none, connections: none });
        Some(place)
    }
}
